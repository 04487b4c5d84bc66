"""All of an account that a billing system could care about, as of one sequence (R30)."""

import hashlib
import json
from typing import Any

from licensing import clock, db, events, resources
from licensing.models import Pool, Removal, Seat, Subscription
from licensing.queries.accounts import existing_account
from licensing.resources import Resource
from licensing.rules.permissions import RECONCILE, Actor, require

# What the checksum is taken of.
PARTS = ("subscriptions", "pools", "removals", "seats")
OF_A_SUBSCRIPTION = (
    "id", "product", "tier", "status", "interval", "interval_count", "term", "renews_at",
    "pending_tier", "suspended_at", "external_id",
)  # fmt: skip
OF_A_SEAT = ("id", "seat_type", "pool_id", "user_id", "assigned_at")
OF_A_REMOVAL = ("id", "pool_id", "seat_type", "quantity", "effective_at")


def snapshot(actor: Actor) -> Resource:
    """
    Every subscription with its term, pool, scheduled removal and held seat of the account.

    All of it is read from one state of the database: the one in which `sequence` is the last event
    of the log. Raises `NotFound` and `PermissionDenied`.
    """
    require(actor, RECONCILE)
    with db.snapshot():
        account = existing_account(actor.account)
        log_digest = events.digest(account.id, account.last_sequence)
        content = _content(actor.account)
    return {
        "account_id": account.id,
        "epoch": account.epoch,
        "sequence": account.last_sequence,
        "log_digest": f"sha256:{log_digest}",
        "taken_at": clock.to_text(clock.now()),
        **content,
        "checksum": checksum(content),
    }


def checksum(content: dict[str, Any]) -> str:
    """SHA-256 of the parts as JSON with sorted members and without blanks (RFC 8785)."""
    text = json.dumps(
        {part: content[part] for part in PARTS},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _content(account_id: str) -> Resource:
    terms = {row.id: row for row in _rows(Subscription, account_id)}
    pools = [row for row in _rows(Pool, account_id) if row.status == "open"]
    removals = [row for row in _rows(Removal, account_id) if row.status == "scheduled"]
    return {
        "subscriptions": [_only(OF_A_SUBSCRIPTION, _subscription(row)) for row in terms.values()],
        "pools": [_pool(row, terms[row.subscription_id]) for row in pools],
        "removals": [_only(OF_A_REMOVAL, resources.removal(row)) for row in removals],
        "seats": [_only(OF_A_SEAT, resources.seat(row)) for row in _rows(Seat, account_id)],
    }


def _rows(table: Any, account_id: str) -> Any:
    return table.select().where(table.account_id == account_id).order_by(table.id)


def _subscription(row: Subscription) -> Resource:
    return resources.subscription(row, [])


def _pool(row: Pool, subscription: Subscription) -> Resource:
    numbers = resources.pool_numbers(row, subscription.term_ends_at)
    return {**numbers, "subscription_id": row.subscription_id, "external_id": row.external_id}


def _only(names: tuple[str, ...], resource: Resource) -> Resource:
    return {name: resource[name] for name in names}
