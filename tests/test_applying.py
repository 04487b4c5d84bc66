"""Seat changes from a file: applied by the command line, cut short, gone on with (R16, R18)."""

import csv
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from werkzeug.serving import make_server

from licensing import settings
from licensing.operations import api_keys
from licensing.remote import TRIES, Remote, ServiceRefused
from licensing.rules.permissions import Scope, system
from licensing.seat_commands import seats
from tests.serving import COMMAND, clean_environment
from tests.world import AnAccount, an_account

Wsgi = Callable[..., Any]


@contextmanager
def serving(app: Wsgi) -> Iterator[str]:
    """The application behind a real socket; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def a_key(account: AnAccount, *scopes: Scope) -> str:
    _, token = api_keys.create_key(system(), "test", [*scopes] or [Scope.ADMIN], account.id)
    return token


def people(account: AnAccount, count: int, **more: Any) -> list[str]:
    """The addresses of so many new users."""
    emails = [f"p{n}@example.com" for n in range(count)]
    for email in emails:
        account.user(email=email, **more)
    return emails


def a_csv(file: Path, rows: list[tuple[str, ...]]) -> Path:
    with file.open("w", newline="") as output:
        csv.writer(output).writerows([("action", "email", "seat_type", "give_back"), *rows])
    return file


def apply(address: str, account: AnAccount, file: Path, *options: str, key: str = "") -> Result:
    environment = {"SEATKEEPER_URL": address, "SEATKEEPER_KEY": key or a_key(account)}
    arguments = ["apply", str(file), "--account", account.id, *options]
    return CliRunner().invoke(seats, arguments, env=environment)


def test_r16_a_file_of_several_batches_is_applied_once(app: Flask, tmp_path: Path) -> None:
    account = an_account(core=5)
    emails = people(account, 5)
    file = a_csv(tmp_path / "changes.csv", [("assign", email, "core", "") for email in emails])
    account.from_here()

    with serving(app) as address:
        key = a_key(account)
        rehearsed = apply(address, account, file, "--batch", "2", "--dry-run", key=key)
        assert (rehearsed.exit_code, account.events()) == (0, [])
        first = apply(address, account, file, "--batch", "2", key=key)
        told = account.events()
        again = apply(address, account, file, "--batch", "2", key=key)
        (tmp_path / "changes.csv.progress").unlink()
        forgotten = apply(address, account, file, "--batch", "2", key=key)

    assert "5 lines: 5 would be changed" in rehearsed.output
    assert "5 lines: 5 changed, 0 unchanged, 0 refused" in first.output
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    assert "all of it was done before" in again.stderr
    assert (forgotten.exit_code, forgotten.stdout) == (0, first.stdout), "the service remembers"
    assert account.events() == told
    assert account.numbers("core") == (5, 5, 0)


def _at_a_terminal() -> None:
    """Heed Ctrl-C, which what is started in the background does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("done", "blow", "status"),
    [
        pytest.param(True, signal.SIGKILL, -signal.SIGKILL, id="killed after it was done"),
        pytest.param(False, signal.SIGINT, 130, id="interrupted before it was done"),
    ],
)
def test_r18_cut_short_in_the_middle_it_goes_on_and_repeats_nothing(
    app: Flask, tmp_path: Path, done: bool, blow: signal.Signals, status: int
) -> None:
    account = an_account(core=6)
    emails = people(account, 6, seats=["core"])
    file = a_csv(tmp_path / "back.csv", [("unassign", e, "core", "true") for e in emails])
    account.from_here()
    environment = clean_environment() | {"SEATKEEPER_KEY": a_key(account)}
    running: list[subprocess.Popen[str]] = []
    asked: list[str] = []

    def killing(environ: dict[str, Any], start: Wsgi) -> Any:
        """The application, which ends who asks for the third time, before or after it is done."""
        asked.append(environ["PATH_INFO"])
        answer = app(environ, start) if done or len(asked) != 3 else [b""]
        if len(asked) == 3:
            os.kill(running[0].pid, blow)
            running[0].wait()
            if not done:
                start("503 Service Unavailable", [])
        return answer

    with serving(killing) as address:
        command = [COMMAND, "seats", "apply", str(file), "--account", account.id]
        command += ["--url", address, "--batch", "1"]
        process = subprocess.Popen(command, env=environment, preexec_fn=_at_a_terminal)  # noqa: S603 our own command
        running.append(process)
        assert running[0].wait(timeout=60) == status
        assert account.happened().count("seat_removal.scheduled") == 2 + done
        repeated = apply(address, account, file, "--batch", "1", key=environment["SEATKEEPER_KEY"])

    # The key of the third batch is the same as before, so that it was answered from what is kept.
    assert repeated.exit_code == 0, repeated.output
    assert "6 lines: 6 changed, 0 unchanged, 0 refused" in repeated.stdout
    assert account.happened().count("seat_removal.scheduled") == 6
    assert len(asked) == 3 + 4


def test_r16_applied_again_on_purpose_it_is_not_the_same_request(
    app: Flask, tmp_path: Path
) -> None:
    """The negative control: without what is remembered the changes would be tried once more."""
    account = an_account(core=2)
    (email,) = people(account, 1, seats=["core"])
    file = a_csv(tmp_path / "back.csv", [("unassign", email, "core", "true")])

    with serving(app) as address:
        key = a_key(account)
        first = apply(address, account, file, key=key)
        again = apply(address, account, file, "--again", key=key)

    assert (first.exit_code, again.exit_code) == (0, 1)
    assert "0 changed, 0 unchanged, 1 refused" in again.stdout


def test_r16_refused_lines_are_reported_and_can_be_corrected(app: Flask, tmp_path: Path) -> None:
    account = an_account(core=3)
    emails = people(account, 3)
    rows = [
        ("assign", emails[0], "core", ""),
        ("assign", "nobody@example.com", "core", ""),
        ("assign", emails[1], "core", "maybe"),
        ("assign", emails[2], "golden", ""),
    ]
    file = a_csv(tmp_path / "changes.csv", rows)
    report = tmp_path / "changes.refused.csv"

    with serving(app) as address:
        key = a_key(account)
        stopped = apply(address, account, file, "--batch", "2", key=key)
        assert account.numbers("core") == (3, 0, 0)
        dry = apply(address, account, file, "--dry-run", key=key)
        went_on = apply(address, account, file, "--on-error", "continue", key=key)
        with report.open(newline="") as written:
            refused = list(csv.DictReader(written))
        report.write_text(report.read_text().replace("nobody@", "p1@").replace("golden", "core"))
        report.write_text(report.read_text().replace("maybe", ""))
        corrected = apply(address, account, report, "--on-error", "continue", key=key)

    assert (stopped.exit_code, dry.exit_code, went_on.exit_code) == (1, 1, 1)
    assert "4 lines: 0 changed, 0 unchanged, 1 refused, 3 not applied" in stopped.stdout
    assert "4 lines: 1 changed, 0 unchanged, 3 refused" in went_on.stdout
    assert [row["problem_code"] for row in refused] == [
        "not_found",
        "validation_failed",
        "validation_failed",
    ]
    assert refused[1]["problem_detail"].startswith("give_back: ")
    assert "3 lines: 2 changed, 1 unchanged, 0 refused" in corrected.stdout
    assert account.numbers("core") == (3, 3, 0)


def test_r16_a_corrected_file_goes_on_at_the_batch_that_was_refused(
    app: Flask, tmp_path: Path
) -> None:
    account = an_account(core=3)
    emails = people(account, 3, seats=["core"])
    rows = [("unassign", email, "core", "") for email in [*emails[:2], "nobody@example.com"]]
    file = a_csv(tmp_path / "changes.csv", rows)

    with serving(app) as address:
        key = a_key(account)
        assert apply(address, account, file, "--batch", "2", key=key).exit_code == 1
        a_csv(file, [*rows[:2], ("unassign", emails[2], "core", "")])
        corrected = apply(address, account, file, "--batch", "2", key=key)

    assert (corrected.exit_code, account.numbers("core")) == (0, (3, 0, 0))
    assert "3 lines: 3 changed" in corrected.stdout


def test_r16_a_file_may_be_json_and_a_line_of_progress_that_was_cut_off_is_dropped(
    app: Flask, tmp_path: Path
) -> None:
    account = an_account(core=2)
    emails = people(account, 2)
    file, kept = tmp_path / "changes.json", tmp_path / "kept"
    changes = [{"action": "assign", "email": email, "seat_type": "core"} for email in emails]
    file.write_text(json.dumps({"changes": [*changes, changes[0] | {"seat_type": "golden"}]}))
    options = ["--batch", "1", "--on-error", "continue", "--progress", str(kept)]

    with serving(app) as address:
        key = a_key(account)
        first = apply(address, account, file, *options, key=key)
        kept.write_text(kept.read_text()[:-5])
        again = apply(address, account, file, *options, key=key)

    assert (first.exit_code, again.exit_code, again.stdout) == (1, 1, first.stdout)
    assert account.numbers("core") == (2, 2, 0)
    (refused,) = json.loads((tmp_path / "changes.refused.json").read_text())
    assert (refused["email"], refused["problem_code"]) == (emails[0], "validation_failed")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        pytest.param("a.csv", b"", "there is no change in it", id="empty"),
        pytest.param("a.csv", b"action,who\nassign,x\n", "there is no column who", id="a column"),
        pytest.param("a.csv", b"action,email\nassign\n", "not as many columns", id="too short"),
        pytest.param("a.csv", b"action,email\nassign,a,b\n", "not as many columns", id="too long"),
        pytest.param("a.csv", b'action\n"assign\n', "unexpected end", id="an open quote"),
        pytest.param("a.csv", b"\xff", "it is not UTF-8", id="no text"),
        pytest.param("a.json", b"{", "it is no JSON", id="half an object"),
        pytest.param("a.json", b'{"changes": 1}', "a list of changes", id="no list"),
        pytest.param("a.json", b"[1]", "a list of changes", id="numbers"),
        pytest.param("a.json", b"[]", "there is no change in it", id="no change"),
    ],
)
def test_a_file_that_is_none_is_told_before_anything_is_sent(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)

    ran = CliRunner().invoke(seats, ["apply", str(file), "--account", "acc_x", "--key", "sk_x"])

    assert ran.exit_code == 2
    assert told in ran.output


def test_a_service_that_refuses_or_is_not_there_ends_it_with_3(app: Flask, tmp_path: Path) -> None:
    account = an_account()
    file = a_csv(tmp_path / "changes.csv", [("assign", "a@example.com", "core", "")])

    with serving(app) as address:
        refused = apply(address, account, file, key=a_key(account, Scope.READ))
        unknown = apply(address, account, file, key="sk_wrong")

    assert (refused.exit_code, unknown.exit_code) == (3, 3)
    assert "403: This needs the scope seats." in refused.output
    assert "0 of 1 batches are done; run it again" in refused.output


def test_a_busy_service_is_asked_again_as_late_as_it_says_and_not_for_ever() -> None:
    waited: list[float] = []

    def busy(environ: dict[str, Any], start: Wsgi) -> list[bytes]:
        kind = [("Content-Type", "application/json")]
        if len(waited) < 2:
            start("503 Service Unavailable", [("Retry-After", "7"), *kind])
        elif len(waited) == 2:
            start("409 Conflict", kind)
            return [b'{"code": "idempotency_in_progress"}']
        else:
            start("200 OK", kind)
        return [b"{}"]

    with serving(busy) as address:
        status, _ = Remote(address, "sk_x", waited.append).post("/x", {}, "key")
    assert (status, waited) == (200, [7, 7, 1])

    with pytest.raises(ServiceRefused, match="does not answer"):
        Remote(address, "sk_x", waited.append).post("/x", {}, "key")
    assert len(waited) == 3 + TRIES - 1


def test_what_the_command_reads_may_be_set_beside_the_settings_of_a_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("SEATKEEPER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SEATKEEPER_DATABASE_URL", f"sqlite:///{tmp_path}/own.db")
    monkeypatch.setenv("SEATKEEPER_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("SEATKEEPER_KEY", "sk_x")

    assert settings.from_environment().on_sqlite
