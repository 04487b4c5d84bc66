"""
Commands that can be repeated safely (R18): the answer is kept with the effect, in one transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from peewee import OperationalError, Tuple

from licensing import clock, sealing
from licensing.compiled import compiled
from licensing.db import for_update, sqlstate, transaction, transactional
from licensing.models import IdempotencyKey
from licensing.rules.permissions import Actor
from licensing.rules.refusals import Refusal

LOCK_NOT_AVAILABLE = "55P03"
CLAIMED = ("account_id", "caller", "idempotency_key", "fingerprint", "created_at")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as it was given: status, headers and the exact bytes of the body."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(eq=False)
class IdempotencyKeyReused(Refusal):
    """The idempotency key {idempotency_key} was used for another request already.

    Use a new key for a new request, and the same key only to repeat the very same request.
    """

    code: ClassVar[str] = "idempotency_key_reused"
    idempotency_key: str


@dataclass(eq=False)
class IdempotencyInProgress(Refusal):
    """The request with the idempotency key {idempotency_key} is still being worked on.

    Try again in a second; the answer will be the first one's.
    """

    code: ClassVar[str] = "idempotency_in_progress"
    idempotency_key: str


@transactional
def once(
    actor: Actor, key: str, fingerprint: str, run: Callable[[], Answer]
) -> tuple[Answer, bool]:
    """
    Run a command unless `actor` ran it with this key before; return its answer and whether it was
    kept.

    The key is scoped to the caller and the account. The row that keeps the answer is written in the
    transaction of the command itself, so a crash or refusal leaves nothing behind and the retry is
    a clean first try.

    Refuses with `IdempotencyKeyReused` when the key came with another request (another
    `fingerprint`), with `IdempotencyInProgress` when the first request is still running.
    """
    # What is counted and traced is the command that is run, not that it is run once.
    transaction().command = None
    kept: Any = None
    while kept is None:
        if _claim(actor, key, fingerprint):
            answer = run()
            _keep(actor, key, answer)
            return answer, False
        # An old one may be deleted right now: then there is none, and it is a first request again.
        kept = IdempotencyKey.get_or_none(*_is(actor.account_id or "", actor.id, key))
    if kept.fingerprint != fingerprint:
        raise IdempotencyKeyReused(key)
    return Answer(kept.status, kept.headers, sealing.unseal(kept.body, _context(actor, key))), True


def _claim(actor: Actor, key: str, fingerprint: str) -> bool:
    """Insert the row first: whoever comes second waits for it here, and then finds the answer."""
    scope = (actor.account_id or "", actor.id, key)
    try:
        inserted = _insert.run((*scope, fingerprint, clock.now())).rowcount
    except OperationalError as failure:
        if sqlstate(failure) == LOCK_NOT_AVAILABLE:
            raise IdempotencyInProgress(key) from failure
        raise
    return bool(inserted)


def _keep(actor: Actor, key: str, answer: Answer) -> None:
    # Sealed, because an answer may hold a secret that is shown once (a new API key).
    body = sealing.seal(answer.body, _context(actor, key))
    _update.run(actor.account_id or "", actor.id, key, answer.status, answer.headers, body)


def _context(actor: Actor, key: str) -> str:
    return f"idempotency_keys/{actor.account_id}/{actor.id}/{key}"


def _is(account_id: Any, caller: Any, key: Any) -> tuple[Any, ...]:
    return (
        IdempotencyKey.account_id == account_id,
        IdempotencyKey.caller == caller,
        IdempotencyKey.idempotency_key == key,
    )


@compiled
def _insert(row: Any) -> Any:
    claimed = IdempotencyKey.insert_many([row], fields=CLAIMED)
    return claimed.on_conflict_ignore().as_rowcount()


@compiled
def _update(account_id: Any, caller: Any, key: Any, status: Any, headers: Any, body: Any) -> Any:
    kept = IdempotencyKey.update(status=status, headers=headers, body=body)
    return kept.where(*_is(account_id, caller, key))


@transactional
def forget(before: datetime, most: int) -> int:
    """
    Delete the answers that were kept before an instant, at most so many; returns how many.

    Who repeats such a request after that does it anew. What is still being worked on stays.
    """
    table: Any = IdempotencyKey
    place = Tuple(table.account_id, table.caller, table.idempotency_key)
    old = (
        table.select(*place.nodes)
        .where(table.created_at < before, table.status.is_null(False))
        .order_by(table.created_at)
        .limit(most)
    )
    return int(table.delete().where(place.in_(old)).execute())


ROWS_PER_STEP = 200


def reseal() -> int:
    """Encrypt the kept answers anew, under the present secret key; returns how many there were."""
    resealed, last = 0, ("", "", "")
    while rows := _resealed(last):
        resealed += len(rows)
        last = rows[-1]
    return resealed


@transactional
def _resealed(after: tuple[str, str, str]) -> list[tuple[str, str, str]]:
    """Do it for the rows after one; returns which those are."""
    table: Any = IdempotencyKey
    place = Tuple(table.account_id, table.caller, table.idempotency_key)
    query = table.select().where(table.body.is_null(False), place > Tuple(*after))
    rows = list(for_update(query.order_by(*place.nodes).limit(ROWS_PER_STEP)))
    for row in rows:
        context = f"idempotency_keys/{row.account_id or None}/{row.caller}/{row.idempotency_key}"
        body = sealing.seal(sealing.unseal(row.body, context), context)
        table.update(body=body).where(
            table.account_id == row.account_id,
            table.caller == row.caller,
            table.idempotency_key == row.idempotency_key,
        ).execute()
    return [(row.account_id, row.caller, row.idempotency_key) for row in rows]
