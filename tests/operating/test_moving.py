"""Accounts move from one database to another: export and import, on both engines."""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from app import seatkeeper
from licensing import db, exporting, idempotency, importing, migrations, settings
from licensing import portable as portable_tables
from licensing.idempotency import Answer
from licensing.importing import ImportRefused
from licensing.models import Account, Event, IdempotencyKey, Seat, User
from licensing.operations import api_keys, assigning, giving_back, requesting, test_clocks
from licensing.queries import invariants
from licensing.queries.cursors import Window
from licensing.queries.seats_table import seats_table
from licensing.rules.permissions import Scope, system
from licensing.settings import PREFIX, Settings
from tests.conftest import SECRET
from tests.counting import asked
from tests.http import calling
from tests.receivers import Receiver
from tests.webhooks import rows
from tests.webhooks.stage import a_stage
from tests.world import START, AnAccount, Hands, a_free_account, an_account
from webhooks import secrets
from webhooks.models import Attempt, Endpoint, Lane, Secret
from webhooks.operations import replaying


def _work_on(chosen: Settings) -> None:
    db.close()
    settings.put_in_force(chosen)
    db.open_database(chosen)
    db.db.connect()


@contextmanager
def another_database(folder: Path, **changes: Any) -> Iterator[None]:
    """An empty SQLite database behind the handle, until the block ends; then it is sound."""
    here = settings.current()
    folder.mkdir(exist_ok=True)
    _work_on(replace(here, database_url=f"sqlite:///{folder}/other.db", **changes))
    try:
        migrations.apply()
        yield
        assert list(invariants.violations()) == []
    finally:
        _work_on(here)


def _export(file: Path, account: AnAccount | None = None) -> Path:
    file.write_bytes(b"".join(exporting.lines(account and account.id)))
    return file


def _rows(file: Path) -> list[dict[str, Any]]:
    """The rows of an export, apart from what says how often it was moved."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()][1:-1]
    for line in lines:
        line["row"].pop("epoch", None)
    return lines


def _eventful(hands: Hands) -> AnAccount:
    account = an_account(core=8, name="Zoë & Söhne")
    priya, noah = account.user("Priya", seats=["core"]), account.user("Nœ", seats=["core"])
    account.user(status="invited", external_id="crm-7", metadata={"team": "a\tb"})
    giving_back.schedule_removal(account.by, "core", 2)
    assigning.transfer_seat(account.by, account.seat(priya, "core"), account.user())
    requesting.ask_for_seat(account.by, "core", note="please ☃", user_id=priya)
    api_keys.create_key(system(), "billing", [Scope.BILLING], account.id)
    hands.move(days=40)
    account.user(seats=["core"])
    idempotency.once(account.by, "kéy", "f" * 64, lambda: Answer(201, {"X": "1"}, b'{"a": 1}'))
    assigning.take_back(account.by, account.seat(noah, "core"))
    return account


def _again() -> Answer:
    raise AssertionError("the command ran again")


def test_everything_of_an_account_is_the_same_elsewhere(
    app: Flask, hands: Hands, tmp_path: Path
) -> None:
    an_account().user(seats=["core"])
    account = _eventful(hands)
    before = _export(tmp_path / "before.ndjson", account)

    with another_database(tmp_path / "other"):
        an_account().user(seats=["core"])
        assert importing.put_in(before) == 1
        after = _export(tmp_path / "after.ndjson", account)
        found = seats_table(account.by, Window(10), search="Priya").items
        again, kept = idempotency.once(account.by, "kéy", "f" * 64, _again)
        account.user(seats=["core"])
        last = account.log()[-1]

    assert _rows(after) == _rows(before)
    assert [user["name"] for user in found] == ["Priya"]
    assert (again.body, kept) == (b'{"a": 1}', True)
    assert (last["epoch"], last["sequence"] > 10) == (2, True)
    tables = {line["table"] for line in _rows(before)}
    assert {"seat_requests", "removals", "transfers", "api_keys", "idempotency_keys"} <= tables


def test_a_whole_database_moves_to_another_engine_and_back(hands: Hands, tmp_path: Path) -> None:
    """SQLite to the database of the tests, and back to SQLite."""
    first, second, third = (tmp_path / f"{name}.ndjson" for name in ("first", "second", "third"))
    with (
        another_database(tmp_path / "source"),
        Receiver() as receiver,
        Receiver(422) as refusing,
        a_stage(hands) as stage,
    ):
        account = _eventful(hands)
        test_clock = test_clocks.create_clock(system(), "Far", START)
        an_account(test_clock_id=test_clock.id).user(seats=["core"])
        for account_of in (account, None):
            stage.endpoint(receiver, account_of, headers={"X-Token": "secret"})
        stage.endpoint(refusing, account)
        account.user(seats=["core"])
        stage.pass_time(hours=80)
        replaying.replay(system(), Endpoint.get().id, from_sequence=3, account_id=account.id)
        _export(first)

    assert importing.put_in(first) == 2
    _export(second)
    assert list(invariants.violations()) == []
    with another_database(tmp_path / "target"):
        importing.put_in(second)
        _export(third)

    assert _rows(first) == _rows(second) == _rows(third)
    moved = {line["table"] for line in _rows(first)}
    assert moved == {one.name for one in portable_tables.tables()}


def test_deliveries_go_on_where_they_were(hands: Hands, tmp_path: Path) -> None:
    file = tmp_path / "all.ndjson"
    with Receiver() as receiver:
        with another_database(tmp_path / "source"), a_stage(hands) as stage:
            account = an_account()
            id = stage.endpoint(receiver, account)
            account.user()
            stage.deliver()
            signed = secrets.opened(Secret.get())
            account.user(seats=["core"])
            _export(file, account)
        importing.put_in(file)
        with a_stage(hands) as stage:
            account.user()
            stage.deliver()
            lane = stage.lane(id, account)

    told = [event["sequence"] for event in receiver.events]
    assert told == list(range(told[0], account.log()[-1]["sequence"] + 1))
    assert [event["epoch"] for event in receiver.events][-1] == 2
    assert (lane.cursor, lane.state) == (told[-1], "idle")
    assert secrets.opened(Secret.get()) == signed
    assert Attempt.select().count() == len(told)


def test_endpoints_of_all_accounts_stay_and_those_that_are_there_hear_of_what_comes(
    hands: Hands, tmp_path: Path
) -> None:
    file = tmp_path / "one.ndjson"
    with another_database(tmp_path / "source"), Receiver() as old, a_stage(hands) as stage:
        stage.endpoint(old, None)
        account = an_account()
        _export(file, account)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, None)
        importing.put_in(file)
        account.user(status="invited")
        stage.deliver()

    assert [event["type"] for event in receiver.events] == ["user.created"]
    assert Endpoint.select().count() == Lane.select().count() == 1


def test_what_was_sealed_elsewhere_needs_the_secret_key_of_there(tmp_path: Path) -> None:
    file, former = tmp_path / "one.ndjson", "another secret, of another place"
    with another_database(tmp_path / "source", secret_key=former):
        _export(file, a_free_account())
    here = settings.current()

    with pytest.raises(ImportRefused, match="SEATKEEPER_FORMER_SECRET_KEYS"):
        importing.put_in(file)
    assert Account.select().count() == 0
    settings.put_in_force(replace(here, former_secret_keys=(former,)))
    importing.put_in(file)
    settings.put_in_force(here)

    assert Account.select().count() == 1


def test_an_account_that_is_here_already_is_not_imported(tmp_path: Path) -> None:
    account = an_account()
    file, all_of_it = _export(tmp_path / "one.ndjson", account), _export(tmp_path / "all.ndjson")

    with pytest.raises(ImportRefused, match=f"{account.id} is here: there are rows in accounts"):
        importing.put_in(file)
    with pytest.raises(ImportRefused, match="the database is not empty: there are rows in account"):
        importing.put_in(all_of_it)


def test_an_account_on_a_test_clock_needs_it(tmp_path: Path) -> None:
    test_clock = test_clocks.create_clock(system(), "Far", START)
    file = _export(tmp_path / "one.ndjson", a_free_account(test_clock_id=test_clock.id))

    with another_database(tmp_path / "other"):
        with pytest.raises(ImportRefused, match=f"test clock {test_clock.id}, which is not here"):
            importing.put_in(file)
        assert Account.select().count() == 0


def test_what_is_unique_among_all_accounts_stays_so(tmp_path: Path) -> None:
    with another_database(tmp_path / "other"):
        file = _export(tmp_path / "one.ndjson", a_free_account(external_id="crm-1"))
    a_free_account(external_id="crm-1")

    refused = pytest.raises(ImportRefused, match="the database refuses what is in the file")
    with asked() as seen, refused:
        importing.put_in(file)

    tries = [sql for sql, _ in seen.statements if sql.startswith("INSERT INTO accounts")]
    assert len(tries) == 1  # what is in the file stays what it is
    assert Account.select().count() == 1


Lines = list[dict[str, Any]]


def _of(lines: Lines, table: str) -> dict[str, Any]:
    row: dict[str, Any] = next(line["row"] for line in lines if line.get("table") == table)
    return row


def _set(table: str, **values: object) -> Callable[[Lines], None]:
    return lambda lines: _of(lines, table).update(values)


def _head(**values: object) -> Callable[[Lines], None]:
    return lambda lines: lines[0].update(values)


def _without(table: str) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        lines[:] = [line for line in lines if line.get("table") != table]
        lines[0]["rows"][table] = 0

    return change


def _twice(lines: Lines) -> None:
    lines.append(next(line for line in lines if line.get("table") == "seats"))


def _backwards(lines: Lines) -> None:
    lines[1:] = lines[:0:-1]


BAD: list[Any] = [
    pytest.param(_head(seatkeeper_export=2), "format 2, known is 1", id="another format"),
    pytest.param(_head(seatkeeper_export="1"), "is no export", id="no format"),
    pytest.param(_head(schema={"schema_migration": "0001"}), "same release", id="schema"),
    pytest.param(_head(rows=None), "first line", id="no counts"),
    pytest.param(_head(rows={}), "tells of None rows of test_clocks", id="other counts"),
    pytest.param(_head(account=7), "first line", id="an account that is a number"),
    pytest.param(_head(account="a\0"), "first line", id="an account with NUL"),
    pytest.param(_head(account="\ud800"), "first line", id="an account that is no text"),
    pytest.param(_head(account="acc_other"), "0 belong", id="another account in the first line"),
    pytest.param(_head(sequence=10**30), "first line", id="a huge sequence"),
    pytest.param(_head(sequence=3), "does not end", id="another sequence"),
    pytest.param(_head(log_digest="0" * 64), "does not end", id="another end of the chain"),
    pytest.param(_head(sealed="AAAA"), "another secret key", id="sealed by nobody"),
    pytest.param(_head(sealed="ö"), "another secret key", id="sealed in no base64"),
    pytest.param(_set("users", name="a\0b"), "wrong name", id="NUL"),
    pytest.param(_set("users", name="\udfff"), "wrong name", id="half a character"),
    pytest.param(_set("users", name=None), "wrong name", id="nothing"),
    pytest.param(_set("users", name=["x"]), "wrong name", id="a list"),
    pytest.param(_set("users", version=2**63), "wrong version", id="a huge number"),
    pytest.param(_set("users", version=1.0), "wrong version", id="a fraction"),
    pytest.param(_set("users", version=True), "wrong version", id="a truth for a number"),
    pytest.param(_set("users", partner_eligible=0), "wrong partner", id="a number for a truth"),
    pytest.param(_set("pools", minimum=2**31), "wrong minimum", id="a number that is too large"),
    pytest.param(_set("users", created_at="2026-03-02T09:00:00Z"), "created_at", id="other form"),
    pytest.param(_set("users", created_at="yesterday"), "created_at", id="no instant"),
    pytest.param(_set("users", metadata="{"), "wrong metadata", id="no JSON"),
    pytest.param(_set("users", metadata="[" * 10**5), "wrong metadata", id="deep JSON"),
    pytest.param(_set("users", permissions="7"), "invariant", id="JSON of another kind"),
    pytest.param(_set("users", color="red"), "other columns", id="a column too many"),
    pytest.param(_set("users", account_id="acc_other"), "refuses", id="a row of nobody"),
    pytest.param(_set("api_keys", account_id=None), "0 belong", id="a key for all accounts"),
    pytest.param(_set("idempotency_keys", account_id="acc_2"), "0 belong", id="another's answer"),
    pytest.param(_set("pools", assigned=99), "refuses", id="oversold"),
    pytest.param(_set("accounts", super_admins=5), "invariant does not hold", id="a counter"),
    pytest.param(_set("events", type="seat.changed"), "was edited", id="an event"),
    pytest.param(_set("events", body="{}"), "was edited", id="the body of an event"),
    pytest.param(_set("events", digest="a" * 64), "digest", id="a digest"),
    pytest.param(_set("webhook_lanes", head=999, cursor=999), "the log ends", id="a far lane"),
    pytest.param(
        _set("webhook_lanes", account_id="acc_2"), "no such account", id="a lane elsewhere"
    ),
    pytest.param(_without("webhook_secrets"), "has no secret", id="an endpoint without a secret"),
    pytest.param(_without("seats"), "invariant does not hold", id="no seats"),
    pytest.param(_without("accounts"), "refuses", id="no account"),
    pytest.param(_twice, "refuses", id="a row twice"),
    pytest.param(_backwards, "refuses", id="in another order"),
    pytest.param(lambda lines: lines.append({"table": "users"}), "columns", id="no row"),
    pytest.param(lambda lines: lines.append({"table": "x", "row": {}}), "no table", id="no table"),
    pytest.param(lambda lines: lines.append({}), "no table", id="an empty object"),
    pytest.param(lambda lines: lines.clear(), "no export", id="nothing but an end"),
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Hands], list[bytes]]:
    """The lines of an export, made once."""
    made: list[bytes] = []

    def lines(hands: Hands) -> list[bytes]:
        if not made:
            with another_database(tmp_path_factory.mktemp("exported")):
                account = _eventful(hands)
                rows.endpoint("whe_1", account_id=account.id)
                rows.fill("whe_1", account.id, 3)
                made.extend(exporting.lines(account.id))
        return made

    return lines


Exported = Callable[[Hands], list[bytes]]


def _written(file: Path, lines: Lines) -> Path:
    """A file whose last line fits, as somebody would write it who knows how."""
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    end = json.dumps({"sha256": hashlib.sha256(content).hexdigest()}).encode()
    file.write_bytes(content + end + b"\n")
    return file


def _nothing_is_here() -> bool:
    return not any(one.rows(None).exists() for one in portable_tables.tables())


@pytest.mark.parametrize(("change", "told"), BAD)
def test_a_file_that_was_forged_is_refused_and_nothing_changed(
    exported: Exported, hands: Hands, tmp_path: Path, change: Callable[[Lines], None], told: str
) -> None:
    lines = [json.loads(line) for line in exported(hands)[:-1]]
    change(lines)

    with pytest.raises(ImportRefused, match=told):
        importing.put_in(_written(tmp_path / "forged.ndjson", lines))

    assert _nothing_is_here()


def test_a_file_that_was_not_forged_is_taken(
    exported: Exported, hands: Hands, tmp_path: Path
) -> None:
    """The control of the test above: written in the same way, and nothing changed."""
    lines = [json.loads(line) for line in exported(hands)[:-1]]

    importing.put_in(_written(tmp_path / "sound.ndjson", lines))

    assert Account.select().count() == 1
    assert Event.select().count() > Seat.select().count() > 0 < IdempotencyKey.select().count()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda whole: whole[:-2], id="the last bytes are missing"),
        pytest.param(lambda whole: whole[: len(whole) // 2], id="half is missing"),
        pytest.param(lambda whole: whole[: whole.rindex(b"\n", 0, -1) + 1], id="no last line"),
        pytest.param(lambda whole: b"", id="empty"),
        pytest.param(lambda whole: whole * 2, id="twice"),
        pytest.param(lambda whole: whole + b"\n", id="a line too many"),
        pytest.param(lambda whole: whole.replace(b"Priya", b"Prija", 1), id="edited"),
        pytest.param(lambda whole: b"\xff\xfe" + whole, id="no UTF-8"),
        pytest.param(lambda whole: b"[" * 10**6, id="deep"),
        pytest.param(lambda whole: b"9" * 10**5, id="a long number"),
        pytest.param(lambda whole: bytes(1000), id="zeros"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_and_nothing_changed(
    exported: Exported, hands: Hands, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "damaged.ndjson"
    file.write_bytes(damage(b"".join(exported(hands))))

    with pytest.raises(ImportRefused, match=r"not whole|no line of an export"):
        importing.put_in(file)

    assert _nothing_is_here()


def test_an_export_is_one_state_however_much_is_written_meanwhile() -> None:
    account = an_account()
    lines = exporting.lines(account.id)
    header = json.loads(next(lines))

    def write() -> None:
        with db.connection():
            account.user(seats=["core"])
        db.close()

    writer = threading.Thread(target=write)
    writer.start()
    writer.join()
    told = [json.loads(line) for line in lines][:-1]

    sequences = [line["row"]["sequence"] for line in told if line["table"] == "events"]
    assert sequences == list(range(1, header["sequence"] + 1))
    assert account.log()[-1]["sequence"] > header["sequence"]


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command on the SQLite database in a folder."""

    def run(name: str, *arguments: object) -> Result:
        here = settings.current()
        ours = dict.fromkeys((name for name in os.environ if name.startswith(PREFIX)), None)
        ours |= {f"{PREFIX}DATABASE_URL": f"sqlite:///{tmp_path}/{name}/other.db"}
        ours |= {f"{PREFIX}SECRET_KEY": SECRET}
        db.close()
        done = CliRunner().invoke(seatkeeper, [str(word) for word in arguments], env=ours)
        _work_on(here)
        return done

    return run


def test_by_command(run: Run, tmp_path: Path) -> None:
    file, text = tmp_path / "all.ndjson", tmp_path / "text"
    text.write_text("Dear all,")
    with another_database(tmp_path / "one"):
        for _ in range(3):
            an_account().user(seats=["core"])
    with another_database(tmp_path / "two"):
        pass

    made = run("one", "export", "--all", "--output", file)
    taken = run("one", "export", "--all", "--output", file)
    refused = run("two", "import", text)
    imported = run("two", "import", file)

    assert (made.exit_code, made.output) == (0, "")
    assert (taken.exit_code, taken.output) == (1, f"Error: {file} exists already\n")
    assert file.stat().st_mode & 0o077 == 0
    assert refused.exit_code == 1
    assert refused.output == "Error: the last line is no line of an export\n"
    assert imported.output == "imported 3 accounts; all invariants hold\n"


def test_by_command_nothing_is_written_through_what_is_there(run: Run, tmp_path: Path) -> None:
    file, elsewhere = tmp_path / "all.ndjson", tmp_path / "elsewhere"
    part = tmp_path / "all.ndjson.part"
    part.symlink_to(elsewhere)
    with another_database(tmp_path / "one"):
        pass

    done = run("one", "export", "--all", "--output", file)

    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {part} exists: another export writes it, or")
    assert part.is_symlink()
    assert not elsewhere.exists()


def test_long_rows_are_put_in_a_few_at_a_time(
    exported: Exported, hands: Hands, tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in exported(hands)[:-1]]
    long = "x" * (importing.CHARACTERS_PER_INSERT // 2)
    own = [line for line in lines if line.get("table") == "users"]
    for line in own:
        line["row"]["metadata"] = json.dumps({"long": long})

    importing.put_in(_written(tmp_path / "long.ndjson", lines))

    assert User.select().count() == len(own) > 1
    assert {len(user.metadata["long"]) for user in User.select()} == {len(long)}


def test_by_command_one_account_or_all_has_to_be_named(run: Run, tmp_path: Path) -> None:
    with another_database(tmp_path / "one"):
        pass

    done = run("one", "export", "acc_1", "--all")

    assert done.exit_code == 2
    assert "name one ACCOUNT, or say --all" in done.output


def test_by_command_an_account_that_is_not_there(run: Run, tmp_path: Path) -> None:
    with another_database(tmp_path / "one"):
        pass

    done = run("one", "export", "acc_1", "--output", tmp_path / "file")

    assert (done.exit_code, done.output) == (1, "Error: there is no account acc_1\n")
    assert not list(tmp_path.glob("file*"))


def test_the_account_can_be_asked_where_it_has_come(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "one.ndjson"
    with another_database(tmp_path / "source"):
        account = an_account()
        priya = account.user("Priya", seats=["core"])
        _export(file, account)

    importing.put_in(file)

    answer = calling(app, account).get(f"users/{priya}")
    assert [seat["seat_type"] for seat in answer.json["seats"]] == ["core"]
