"""What is done to a log behind the service's back is found, and the first event of it named."""

import hashlib
import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from peewee import IntegrityError

from licensing import events, ids
from licensing.db import connection, db, on_sqlite, transactional
from licensing.models import Account, Event, EventSubject
from licensing.operations import users
from licensing.queries import anchors, log_chain
from licensing.queries.invariants import violations
from tests.tampering import drop_guards
from tests.world import AnAccount, Hands, an_account

COLUMNS = ("account_id", "sequence", "id", "type", "occurred_at", "actor_id", "body", "digest")


def _account(people: int = 4) -> AnAccount:
    account = an_account()
    for _ in range(people):
        account.user(seats=["core"])
    return account


@contextmanager
def _tampering() -> Iterator[None]:
    """The database of somebody who may do everything to it, until the block ends."""
    with db.atomic() as here:
        drop_guards()
        EventSubject.delete().execute()
        yield
        here.rollback()


def _found(account: AnAccount) -> list[str]:
    """What is told of the events of an account, and of nothing else."""
    beginning = f"account {account.id}: event "
    return [text.removeprefix(beginning) for text in violations() if text.startswith(beginning)]


def _last(account: AnAccount) -> int:
    return int(Account.get_by_id(account.id).last_sequence)


def _run(sql: str, *parameters: object) -> None:
    db.execute_sql(sql.replace("?", db.param), parameters)


def _move(account: AnAccount, sequence: int, to: int) -> None:
    _run(
        "UPDATE events SET sequence = ? WHERE account_id = ? AND sequence = ?",
        to, account.id, sequence,
    )  # fmt: skip


def _edit(account: AnAccount) -> None:
    _run(
        "UPDATE events SET body = replace(body, '\"v1\"', '\"v2\"') "
        "WHERE account_id = ? AND sequence = 5",
        account.id,
    )


def _edit_the_type(account: AnAccount) -> None:
    _run("UPDATE events SET type = 'x' WHERE account_id = ? AND sequence = 5", account.id)


def _edit_the_last(account: AnAccount) -> None:
    last = _last(account)
    _run("UPDATE events SET type = 'x' WHERE account_id = ? AND sequence = ?", account.id, last)


def _edit_the_digest(account: AnAccount) -> None:
    _run("UPDATE events SET digest = ? WHERE account_id = ? AND sequence = 5", "a" * 64, account.id)


def _delete(account: AnAccount) -> None:
    _run("DELETE FROM events WHERE account_id = ? AND sequence = 5", account.id)


def _delete_and_close_the_gap(account: AnAccount) -> None:
    _delete(account)
    last = _last(account)
    for sequence in range(6, last + 1):
        _move(account, sequence, sequence - 1)
    Account.update(last_sequence=last - 1).where(Account.id == account.id).execute()


def _swap(account: AnAccount) -> None:
    for sequence, to in ((5, 900), (6, 5), (900, 6)):
        _move(account, sequence, to)


def _insert(account: AnAccount) -> None:
    last = _last(account)
    for sequence in range(last, 4, -1):
        _move(account, sequence, sequence + 1)
    row = Event.get(Event.account_id == account.id, Event.sequence == 6).__data__
    Event.create(**row | {"sequence": 5, "id": ids.new("evt")})
    Account.update(last_sequence=last + 1).where(Account.id == account.id).execute()


def _add(account: AnAccount) -> None:
    row = Event.get(Event.account_id == account.id, Event.sequence == 5).__data__
    Event.create(**row | {"sequence": 900, "id": ids.new("evt")})


def _change_the_beginning(account: AnAccount) -> None:
    Account.update(purged_digest="a" * 64).where(Account.id == account.id).execute()


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (_edit, "5 was edited"),
        (_edit_the_type, "5 was edited"),
        (_edit_the_last, "{last} was edited"),
        (_edit_the_digest, "5 has a digest that is not its own"),
        (_delete, "5 is missing, the next one is 6"),
        (_delete_and_close_the_gap, "5 is event 6, put in its place"),
        (_swap, "5 is event 6, put in its place"),
        (_insert, "5 was inserted"),
        (_add, "{next} is missing, the next one is 900"),
        (
            _change_the_beginning,
            "1 was edited, or the digest that the chain begins with was",
        ),
    ],
)
def test_f27_what_was_done_to_a_log_is_found_at_its_first_event(
    tamper: Callable[[AnAccount], None], told: str
) -> None:
    account, other = _account(), _account()
    last = _last(account)

    with _tampering():
        tamper(account)
        found, of_others = _found(account), [text for text in violations() if other.id in text]

    assert found == [told.format(last=last, next=last + 1)]
    assert of_others == []


@pytest.mark.parametrize("tamper", [_edit, _change_the_beginning])
def test_f27_so_it_is_when_the_oldest_were_purged(
    hands: Hands, tamper: Callable[[AnAccount], None]
) -> None:
    account = _account()
    hands.move(days=500)
    transactional(events.forget)(account.id, hands.now, 4, 1000)
    sound = _found(account)

    with _tampering():
        tamper(account)
        found = _found(account)

    assert sound == []
    assert found == ["5 was edited, or the digest that the chain begins with was"]


def test_f27_what_was_purged_cannot_be_put_back(hands: Hands) -> None:
    account = _account()
    row = Event.get(Event.account_id == account.id, Event.sequence == 2)
    hands.move(days=500)
    transactional(events.forget)(account.id, hands.now, 4, 1000)

    with _tampering():
        Event.create(**row.__data__)
        found = _found(account)

    assert found == ["2 is there, but counts as purged"]


def _truncate(account: AnAccount, by: int = 3) -> None:
    last = _last(account) - by
    _run("DELETE FROM events WHERE account_id = ? AND sequence > ?", account.id, last)
    Account.update(last_sequence=last).where(Account.id == account.id).execute()


def _write_anew(account: AnAccount) -> None:
    """The digests are no secret: who can write the whole table can write a whole chain."""
    previous = "0" * 64
    _edit(account)
    for row in Event.select().where(Event.account_id == account.id).order_by(Event.sequence):
        at = row.occurred_at.isoformat(" ", "microseconds")
        facts = (previous, account.id, row.sequence, row.id, row.type, at, row.actor_id, row.body)
        previous = hashlib.sha256("\n".join(map(str, facts)).encode()).hexdigest()
        _run(
            "UPDATE events SET digest = ? WHERE account_id = ? AND sequence = ?",
            previous, account.id, row.sequence,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (_truncate, "{last} is missing, which had an anchor; the log ends with {cut}"),
        (_write_anew, "{last} is not the one that had an anchor"),
    ],
)
def test_f27_only_an_anchor_shows_that_the_end_is_gone_or_all_was_written_anew(
    tamper: Callable[[AnAccount], None], told: str
) -> None:
    account, other = _account(), _account()
    kept = list(anchors.read(anchor.line() for anchor in anchors.anchors()))
    last = _last(account)
    other.user()

    with _tampering():
        tamper(account)
        without, found = _found(account), list(anchors.broken(kept))

    assert without == []
    told = told.format(last=last, cut=last - 3)
    assert found == [f"account {account.id}: event {told}"]
    assert list(anchors.broken(kept)) == []


def test_f27_an_anchor_of_what_was_purged_says_nothing_but_of_the_last_of_it(hands: Hands) -> None:
    account = _account()
    rows = Event.select().where(Event.account_id == account.id).order_by(Event.sequence).limit(4)
    third, last = [anchors.Anchor(row.account_id, row.sequence, row.digest) for row in rows[2:]]
    hands.move(days=500)
    transactional(events.forget)(account.id, hands.now, 4, 1000)

    assert list(anchors.broken([third, last])) == []
    with _tampering():
        _change_the_beginning(account)
        assert list(anchors.broken([third, last])) == [
            f"account {account.id}: event 4 is not the one that had an anchor"
        ]


@pytest.mark.parametrize(
    "line",
    ["", "{}", "[]", "7", "{", '{"account_id": "a", "sequence": "1", "digest": "d"}', "[" * 10**5]
    + [
        json.dumps({"account_id": a, "sequence": n, "digest": "d"})
        for a, n in (("a", 2**53), ("a", True), ("\0", 1), (7, 1))
    ],
    ids=range(11),
)
def test_f27_what_is_no_anchor_is_refused(line: str) -> None:
    good = anchors.Anchor("acc_1", 1, "d").line()

    with pytest.raises(anchors.BadAnchor, match="line 2 is no anchor"):
        list(anchors.read([good, line]))


def test_f27_any_byte_that_changes_is_found() -> None:
    """Each byte of the log is one of `COLUMNS`; where it cannot be stored, nothing was changed."""
    account = _account(1)
    seed = random.randrange(2**32)  # noqa: S311 no secret
    print(f"seed {seed}")  # noqa: T201 to run it again
    chosen = random.Random(seed)  # noqa: S311 no secret
    rows = list(Event.select().where(Event.account_id == account.id).dicts())
    for _ in range(150):
        row, name = chosen.choice(rows), chosen.choice(COLUMNS[2:])
        was = str(row[name].isoformat(" ", "microseconds") if "_at" in name else row[name]).encode()
        place = chosen.randrange(len(was))
        byte = chosen.choice([*set(range(1, 128 if not on_sqlite() else 256)) - {was[place]}])
        changed = was[:place] + bytes([byte]) + was[place + 1 :]
        if name == "occurred_at" and not on_sqlite():
            continue  # an instant is no text there, and most texts are none
        with _tampering():
            _run(
                f"UPDATE events SET {name} = CAST(? AS TEXT) WHERE account_id = ? AND sequence = ?",
                changed if on_sqlite() else changed.decode(), account.id, row["sequence"],
            )  # fmt: skip
            found = log_chain.first_break(Account.get_by_id(account.id))
            assert found, (row["sequence"], name, place, byte)


def test_f27_the_digests_are_what_the_readme_says() -> None:
    account = _account()
    previous = "0" * 64
    for row in Event.select().where(Event.account_id == account.id).order_by(Event.sequence):
        at = row.occurred_at.isoformat(" ", "microseconds")
        facts = (previous, account.id, row.sequence, row.id, row.type, at, row.actor_id, row.body)
        previous = hashlib.sha256("\n".join(map(str, facts)).encode()).hexdigest()
        assert row.digest == previous


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("UPDATE events SET body = '{}'", id="a change"),
        pytest.param("UPDATE events SET digest = digest", id="a change of nothing"),
        pytest.param("DELETE FROM events", id="all gone"),
        pytest.param("DELETE FROM events WHERE sequence = 1", id="the first"),
    ],
)
def test_f27_the_database_refuses_to_change_or_delete_events(damage: str) -> None:
    _account()
    EventSubject.delete().execute()

    with pytest.raises(IntegrityError, match=r"never changed|only purged"), db.atomic():
        db.execute_sql(damage)


@pytest.mark.skipif("on_sqlite()", reason="SQLite has no such statement")
def test_f27_the_database_refuses_to_empty_the_log() -> None:
    _account()

    with pytest.raises(IntegrityError, match="never changed"), db.atomic():
        db.execute_sql("TRUNCATE events CASCADE")


@pytest.mark.parametrize("digest", ["", "a" * 63, None])
def test_f27_an_event_without_a_digest_cannot_be_written(digest: str | None) -> None:
    account = _account(0)
    row: dict[str, Any] = Event.get(Event.account_id == account.id).__data__
    row |= {"sequence": 900, "id": ids.new("evt"), "digest": digest}

    with pytest.raises(IntegrityError, match="digest"), db.atomic():
        Event.create(**row)


def test_f27_commands_at_the_same_moment_write_one_chain() -> None:
    account = _account(0)
    ready = threading.Barrier(8)

    def work(number: int) -> None:
        ready.wait()
        with connection():
            for one in range(6):
                users.create_user(
                    account.by, f"user{number}-{one}@example.com", "A", status="invited"
                )
        db.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([e for e in account.log() if e["type"] == "user.created"]) == 48
    assert _found(account) == []


def test_f27_an_anchor_is_one_line_of_json() -> None:
    account = _account(0)
    last = account.log()[-1]
    digest = Event.get(Event.id == last["id"]).digest

    (anchor,) = anchors.anchors()

    assert json.loads(anchor.line()) == {
        "account_id": account.id,
        "sequence": last["sequence"],
        "digest": digest,
    }
