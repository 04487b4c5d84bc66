"""All of an account as of one sequence, for billing systems to compare with (R30)."""

import hashlib
import json
import threading

from flask import Flask

from licensing import db
from licensing.models import Event
from licensing.operations import assigning
from licensing.queries import snapshot as queries
from licensing.rules.permissions import Scope
from tests.http import Calling, calling
from tests.world import Hands, an_account

PARTS = ("subscriptions", "pools", "removals", "seats")


def test_a_snapshot_is_what_the_log_comes_to(app: Flask, hands: Hands) -> None:
    account = an_account(core=10)
    account.user("Priya", seats=["core"])
    api: Calling = calling(app, account)
    api.post("removals", {"seat_type": "core", "quantity": 2})
    last = account.log()[-1]

    snapshot = api.get("snapshot").json

    assert (snapshot["sequence"], snapshot["epoch"]) == (last["sequence"], 1)
    digest = Event.get(Event.id == last["id"]).digest
    assert snapshot["log_digest"] == f"sha256:{digest}"
    (pool,) = snapshot["pools"]
    assert (pool["purchased"], pool["assigned"], pool["scheduled_removal"]) == (10, 1, 2)
    assert [seat["seat_type"] for seat in snapshot["seats"]] == ["core"]
    assert [removal["quantity"] for removal in snapshot["removals"]] == [2]
    assert snapshot["subscriptions"][0]["term"]["number"] == 1


def test_the_checksum_can_be_made_by_anybody(app: Flask) -> None:
    account = an_account(core=10, name="Zoë")
    account.user("Priya", seats=["core"])

    snapshot = calling(app, account).get("snapshot").json

    told = {part: snapshot[part] for part in PARTS}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert snapshot["checksum"] == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_the_checksum_changes_with_what_it_is_taken_of_and_else_not(
    app: Flask, hands: Hands
) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    priya = account.user("Priya", seats=[])
    before = api.get("snapshot").json
    hands.move(minutes=1)
    api.patch(f"users/{priya}", {"name": "Priya R."})
    renamed = api.get("snapshot").json
    api.post("seats", {"user_id": priya, "seat_type": "core"})
    assigned = api.get("snapshot").json

    assert before["checksum"] == renamed["checksum"] != assigned["checksum"]
    assert before["sequence"] < renamed["sequence"] < assigned["sequence"]


def test_a_snapshot_is_of_one_state_while_others_write() -> None:
    account = an_account(core=200)
    users = [account.user() for _ in range(40)]
    stop = threading.Event()

    def write() -> None:
        with db.connection():
            while not stop.is_set():
                for user in users:
                    assigning.assign_seat(account.by, user, "core")
                    assigning.take_back(account.by, account.seat(user, "core"))
        db.close()

    writer = threading.Thread(target=write)
    writer.start()
    actor = account.key(Scope.BILLING)
    found = [queries.snapshot(actor) for _ in range(30)]
    stop.set()
    writer.join()

    for one in found:
        held = sum(seat["seat_type"] == "core" for seat in one["seats"])
        assert one["pools"][0]["assigned"] == held


def test_a_snapshot_is_for_billing_systems(app: Flask) -> None:
    account, other = an_account(), an_account()

    assert calling(app, account, Scope.BILLING).get("snapshot").status_code == 200
    assert calling(app, account, Scope.READ).get("snapshot").status_code == 403
    answer = calling(app, account).get(f"/v1/accounts/{other.id}/snapshot")
    assert answer.status_code == 404
