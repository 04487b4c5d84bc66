"""What changes in place have in common: merge patches, versions, external ids (R31, R32)."""

from collections.abc import Iterable
from typing import Any

from licensing.db import for_update
from licensing.models import Account, Row
from licensing.operations.standing import lapsed, lock_holders, standing_of
from licensing.rules.permissions import Actor
from licensing.rules.refusals import ExternalIdTaken, PreconditionFailed, Unacceptable

MOST_METADATA = 20


def merged(metadata: dict[str, str], patch: dict[str, str | None] | None) -> dict[str, str]:
    """
    `metadata` after a JSON Merge Patch (RFC 7396): null removes a key, or all of them.

    Raises `Unacceptable` when more than 20 keys would be left (R31).
    """
    if patch is None:
        return {}
    result = {key: value for key, value in {**metadata, **patch}.items() if value is not None}
    if len(result) > MOST_METADATA:
        raise Unacceptable("metadata", f"would have more than {MOST_METADATA} entries")
    return result


def apply_changes(row: Any, changes: dict[str, Any]) -> dict[str, Any]:
    """
    Write what really differs to a locked row, with a new version; return the former values.

    An empty answer means that nothing was changed and nothing has to be told (R32).
    """
    wanted = dict(changes)
    if "metadata" in wanted:
        wanted["metadata"] = merged(row.metadata, wanted["metadata"])
    previous = {
        name: getattr(row, name) for name, value in wanted.items() if getattr(row, name) != value
    }
    if previous:
        for name in previous:
            setattr(row, name, wanted[name])
        row.version += 1
        row.save(only=[*previous, "version"])
    return previous


def refuse_stale(
    actor: Actor,
    model: type[Row],
    id: str,
    if_match: int | None,
    holders: Iterable[str] = (),
) -> None:
    """
    Refuse a version that is not the one of the row; nothing is asked where there is no row.

    Asked before due terms are renewed, which gives rows new versions: who read a row after its term
    was over could never change it otherwise. The row is locked; before it, in the order that all
    commands keep, the account, the users whose invitation will be ended, and the `holders` whom the
    command is about. Raises `PreconditionFailed`.
    """
    standing = standing_of(actor)
    lock_holders(standing, lapsed(standing))
    lock_holders(standing, holders)
    table: Any = model
    query = table.select(table.version).where(table.account_id == actor.account, table.id == id)
    row = for_update(query).get_or_none()
    if row is not None and if_match not in (None, row.version):
        raise PreconditionFailed(model.__name__.lower(), row.version)


def refuse_taken_external_id(
    model: type[Row], account_id: str | None, external_id: str | None, but: str | None = None
) -> None:
    """
    Refuse an external id that another row of the same scope has (R31).

    `account_id` is the scope, None for accounts themselves; `but` the row that may have it. Where
    two commands come at once, the unique index stops the second, which is then run again and
    refused here. Raises `ExternalIdTaken`.
    """
    if external_id is None:
        return
    table: Any = model
    query = table.select(table.id).where(table.external_id == external_id)
    if model is not Account:
        query = query.where(table.account_id == account_id)
    other = query.get_or_none()
    if other is not None and other.id != but:
        # Of another account, who is in one may only learn that it has the id.
        hidden = model is Account and but is not None
        raise ExternalIdTaken(model.__name__.lower(), external_id, None if hidden else other.id)
