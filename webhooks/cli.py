"""The commands of webhooks."""

import signal
from contextlib import suppress
from pathlib import Path

import click
from flask.cli import with_appcontext

from licensing import clock, db, settings
from licensing.cli import be_observed, metrics_option, refuse_an_old_schema
from licensing.row_security import EVERY_ACCOUNT
from webhooks import resealing, retention, signing
from webhooks.event_types import is_filter
from webhooks.receiving import Listener, ServiceRefused, follow
from webhooks.running import Running


@click.command()
@metrics_option
@with_appcontext
def dispatch(metrics_at: tuple[str, int] | None) -> None:
    """Deliver webhooks until Ctrl-C or SIGTERM.

    `seatkeeper serve` does the same by itself. On PostgreSQL any number of these may run at once,
    beside any number of servers; they share the work. What is on its way is finished.
    """
    be_observed(metrics_at)
    with db.connection(EVERY_ACCOUNT):
        refuse_an_old_schema()
    running = Running(settings.current())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: running.stop())
    click.echo("delivering webhooks; Ctrl-C ends it")
    running.run()


@click.command()
@with_appcontext
def purge() -> None:
    """Delete attempts, events and answers that are older than the settings want them kept.

    Never events that an endpoint has yet to be sent. `serve` and `dispatch` do it every hour.
    """
    with db.connection(EVERY_ACCOUNT):
        refuse_an_old_schema()
        counts = retention.purge()
    click.echo(", ".join(f"{count} {name}" for name, count in counts.items()) + " deleted")


@click.group()
def webhooks() -> None:
    """Try out and check a receiver of webhooks."""


@webhooks.command("listen")
@click.option("--forward", required=True, help="Where to post to, http://localhost:9000/hooks.")
@click.option("--api", default="http://127.0.0.1:8080", show_default=True, help="The service.")
@click.option(
    "--key", envvar="KEY", required=True, help="API key (or variable KEY): accounts, read."
)
@click.option("--account", "accounts", multiple=True, help="Only this account; repeat for more.")
@click.option("--type", "types", multiple=True, default=("*",), help="Only this; as event_types.")
@click.option("--after", type=click.IntRange(min=0), help="Begin after this sequence; now if left.")
@click.option("--secret", help="Sign with it (whsec_…); a new one is made and shown otherwise.")
@click.option("--seconds", default=1.0, show_default=True, help="How often to look.")
@click.option("--once", is_flag=True, help="Forward what is there, and end.")
def listen(
    forward: str,
    api: str,
    key: str,
    accounts: tuple[str, ...],
    types: tuple[str, ...],
    after: int | None,
    secret: str | None,
    seconds: float,
    once: bool,
) -> None:
    """Forward events to a receiver on this machine, without a tunnel.

    Pulls the logs of a service, signs each event as the dispatcher would, and posts it. What the
    receiver refuses is not sent again.
    """
    unknown = [one for one in types if not is_filter(one)]
    if unknown:
        raise click.BadParameter(f"there is no event type {unknown[0]}", param_hint="--type")
    _refuse_bad_secret(secret)
    listener = Listener(api, key, forward, secret or signing.new_secret(), types)
    if secret is None:
        click.echo(f"signing with {listener.secret}")
    try:
        for account_id in accounts or listener.accounts():
            listener.begin(account_id, after)
        with suppress(KeyboardInterrupt):
            follow(listener, click.echo, None if once else seconds)
    except ServiceRefused as refused:
        raise click.ClickException(str(refused)) from None


def _refuse_bad_secret(secret: str | None) -> None:
    try:
        signing.sign(secret or signing.new_secret(), "evt", 0, b"")
    except signing.BadSignature as bad:
        raise click.BadParameter(str(bad), param_hint="--secret") from None


@webhooks.command("verify")
@click.argument("payload", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--secret", required=True, help="The endpoint's secret (whsec_…).")
@click.option("--id", "message_id", required=True, help="The header webhook-id.")
@click.option("--timestamp", required=True, help="The header webhook-timestamp.")
@click.option("--signature", required=True, help="The header webhook-signature.")
@click.option("--now", type=int, help="Judge the timestamp as of this second (Unix time).")
def verify_payload(
    payload: Path, secret: str, message_id: str, timestamp: str, signature: str, now: int | None
) -> None:
    """Check the signature of a message that was received.

    PAYLOAD is a file with the exact bytes of its body. Says what is wrong and exits with 1 unless
    the signature is good.
    """
    sent = {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature,
    }
    try:
        present = int(clock.now().timestamp()) if now is None else now
        signing.verify(secret, sent, payload.read_bytes(), present)
    except signing.BadSignature as bad:
        raise click.ClickException(str(bad)) from None
    click.echo("the signature is good")


@click.group()
def secrets() -> None:
    """Care for what is stored encrypted."""


@secrets.command("rotate")
@with_appcontext
def rotate_secrets() -> None:
    """Encrypt all stored secrets anew, under the present SEATKEEPER_SECRET_KEY.

    Before: set the new key as SEATKEEPER_SECRET_KEY and the old one among
    SEATKEEPER_FORMER_SECRET_KEYS, on every process. Afterwards the old one can be dropped.
    """
    with db.connection(EVERY_ACCOUNT):
        refuse_an_old_schema()
        count = resealing.reseal()
    click.echo(f"{count} secrets are encrypted under the present key")


COMMANDS = (dispatch, purge, webhooks, secrets)
