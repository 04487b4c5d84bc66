"""
Which rows of webhooks move with an account: those of the endpoints that belong to it alone.

An endpoint for all accounts stays where it is. One that is in the other database already is told
what happens after the account has come.
"""

from typing import Any

from licensing.portable import Portable
from webhooks.models import (
    Attempt,
    Endpoint,
    Lane,
    Notice,
    Parked,
    Replay,
    ReplayLane,
    Secret,
)


def _of_endpoints(table: Any) -> Portable:
    def of_account(account_id: str) -> Any:
        return table.endpoint_id.in_(_endpoints(account_id))

    return Portable(table, of_account)


def _endpoints(account_id: str) -> Any:
    return Endpoint.select(Endpoint.id).where(Endpoint.account_id == account_id)


def _replay_lanes(account_id: str) -> Any:
    replays = Replay.select(Replay.id).where(Replay.endpoint_id.in_(_endpoints(account_id)))
    return ReplayLane.replay_id.in_(replays)


TABLES = (
    Portable(Endpoint, lambda account_id: Endpoint.account_id == account_id),
    *(_of_endpoints(table) for table in (Secret, Lane, Attempt, Parked, Replay)),
    Portable(ReplayLane, _replay_lanes),
    Portable(Notice),
)
