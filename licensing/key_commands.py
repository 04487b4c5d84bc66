"""The commands that care for API keys."""

import json
from datetime import timedelta

import click
from flask.cli import with_appcontext

from licensing import clock, db, resources
from licensing.cli import refuse_an_old_schema
from licensing.operations import api_keys
from licensing.queries import accounts
from licensing.queries.cursors import Window
from licensing.row_security import EVERY_ACCOUNT
from licensing.rules.permissions import Scope, system
from licensing.rules.refusals import Refusal


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command("create")
@click.option("--name", required=True, help="What the key is for, such as 'billing system'.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the key may do; repeat for several. admin contains the others.",
)
@click.option("--account", "account_id", help="Bind the key to one account (acc_…).")
@click.option("--days", type=click.IntRange(1, 3650), help="Expire after so many days.")
@with_appcontext
def create_key(
    name: str, scopes: tuple[str, ...], account_id: str | None, days: int | None
) -> None:
    """Create an API key and print it, and nothing else. It cannot be shown again."""
    expires_at = clock.now() + timedelta(days=days) if days else None
    with db.connection(EVERY_ACCOUNT):
        refuse_an_old_schema()
        try:
            _, token = api_keys.create_key(
                system(), name, [Scope(scope) for scope in scopes], account_id, expires_at
            )
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None
    click.echo(token)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@with_appcontext
def list_keys(as_json: bool) -> None:
    """List the API keys, oldest first, without their secrets."""
    cursor: str | None = None
    with db.connection(EVERY_ACCOUNT):
        refuse_an_old_schema()
        while True:
            page = accounts.api_keys(system(), Window(limit=200, cursor=cursor))
            for key in page.items:
                click.echo(json.dumps(key) if as_json else _line_of(key))
            cursor = page.next_cursor
            if cursor is None:
                return


def _line_of(key: resources.Resource) -> str:
    state = "revoked" if key["revoked_at"] else f"expires {key['expires_at'] or 'never'}"
    bound = key["account_id"] or "all accounts"
    return f"{key['id']}  {key['name']}  [{' '.join(key['scopes'])}]  {bound}  {state}"


@keys.command("revoke")
@click.argument("key_id")
@with_appcontext
def revoke_key(key_id: str) -> None:
    """End an API key at once. KEY_ID is its id (key_…), as `keys list` shows it."""
    with db.connection(EVERY_ACCOUNT):
        refuse_an_old_schema()
        try:
            api_keys.revoke_key(system(), key_id)
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None
    click.echo(f"revoked {key_id}")


COMMANDS = (keys,)
