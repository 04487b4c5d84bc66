"""Accounts and API keys: one, and all that the caller may see."""

from typing import Any

from licensing import resources
from licensing.compiled import Statement, compiled
from licensing.models import Account, ApiKey
from licensing.queries.cursors import Key, Order, Page, Window, compiled_page, page, value_of
from licensing.resources import Resource
from licensing.rules.permissions import (
    LIST_ACCOUNTS,
    MANAGE_KEYS,
    SEE_ACCOUNT,
    Actor,
    require,
)
from licensing.rules.refusals import NotFound


def account(actor: Actor) -> Resource:
    """The account that the actor acts in. Raises `NotFound`."""
    require(actor, SEE_ACCOUNT)
    return resources.account(existing_account(actor.account))


@compiled
def _account(id: Any) -> Any:
    return Account.select().where(Account.id == id)


def existing_account(account_id: str) -> Any:
    """The row of an account. Raises `NotFound`."""
    row = _account.row(account_id)
    if row is None:
        raise NotFound("account", account_id)
    return row


def page_of_account(actor: Actor, query: Any, key: Any, window: Window, *filters: object) -> Page:
    """
    A page of one of the actor's account's lists; `filters` are those that `query` has.

    Raises `InvalidCursor`, and `NotFound` where there is no such account.
    """
    of = (key.model._meta.table_name, actor.account, *filters)
    found = page(query, key, window, of)
    if not found.items:
        existing_account(actor.account)
    return found


def compiled_page_of_account(
    actor: Actor, part: Statement, key: Any, window: Window, *filters: object
) -> Page:
    """
    The same through a statement, which takes account, filters, a position and a limit.

    Raises as `page_of_account`.
    """
    of = (key.model._meta.table_name, actor.account, *filters)
    found = compiled_page(part, (actor.account, *filters), by(key), window, of)
    if not found.items:
        existing_account(actor.account)
    return found


def by(key: Any) -> Order:
    """The order of a unique field."""
    return Order((Key(key, value_of(key)),))


def accounts(actor: Actor, window: Window, external_id: str | None = None) -> Page:
    """The accounts that the caller may see, oldest first."""
    require(actor, LIST_ACCOUNTS)
    query = Account.select()
    if actor.account_id is not None:
        query = query.where(Account.id == actor.account_id)
    if external_id is not None:
        query = query.where(Account.external_id == external_id)
    of = ("accounts", actor.account_id, external_id)
    return page(query, Account.id, window, of).mapped(resources.account)


def api_keys(actor: Actor, window: Window) -> Page:
    """The API keys that the caller may see, oldest first, without their secrets."""
    require(actor, MANAGE_KEYS)
    query = ApiKey.select()
    if actor.account_id is not None:
        query = query.where(ApiKey.account_id == actor.account_id)
    return page(query, ApiKey.id, window, ("api_keys", actor.account_id)).mapped(resources.api_key)
