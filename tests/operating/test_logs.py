"""What the service says to whoever runs it."""

import json
import logging
import re
import threading
import warnings
from urllib.parse import quote

import pytest
from flask import Flask

from licensing import logs
from licensing.observing import Observing
from licensing.settings import Settings
from tests.http import calling
from tests.world import an_account

SURROGATE = "\ud800"
HOSTILE = (
    'x\n{"level": "error"}\r\x1b[31m\x00',
    "2026-01-01T00:00:00Z [error    ] forged\n2026-01-01T00:00:00Z [error    ] forged",
    "\r\n\r\nHTTP/1.1 200 OK",
    "\x1b]0;a title\x07\x1b[2J\x9b31m",
    "line\u2028separator\u2029paragraph\x85next\x0bdown\x0cfeed",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "\x00\x01\x7f",
    '"},{"level":"error","event":"forged"}',
    "\\n\\u000a\\",
    "${jndi:ldap://example.org/x}",
    "%s %d %(levelname)s {event} {0.__class__}",
    "<script>alert(1)</script>",
    "'; DROP TABLE users; --",
    SURROGATE,
    "\U0001f600\U000e0001 é",
    "\t",
    "",
    " " * 50,
    "v" * 100_000,
    "\n" * 100_000,
    "\x1b" * 100_000,
)
# What they are logged as: see `_say_it_everywhere`.
RECORDS = 6
# A traceback of escaped characters, which are six times as long.
LONGEST_LINE = 8 * logs.LONGEST_TRACEBACK


def _configure(log_format: str, log_level: str = "info") -> None:
    logs.configure(Settings(observing=Observing(log_format, log_level)))


def test_a_refusal_is_one_line_of_json_that_names_the_request(
    app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    account = an_account()
    api = calling(app, account)
    _configure("json")

    answer = api.send("GET", "seats/seat_1", headers={"X-Request-Id": "from-the-front-end"})

    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    expected = {
        "event": "GET 404",
        "level": "info",
        "operation": "get_seat",
        "status": 404,
        "code": "not_found",
        "request_id": answer.headers["X-Request-Id"],
        "account_id": account.id,
    }
    assert expected.items() <= said.items()
    assert said["actor"].startswith("key_")


@pytest.mark.parametrize(("log_level", "lines"), [("info", 0), ("debug", 1)])
def test_what_went_well_is_said_on_request_only(
    app: Flask, capsys: pytest.CaptureFixture[str], log_level: str, lines: int
) -> None:
    api = calling(app, an_account())
    _configure("json", log_level)
    capsys.readouterr()

    api.get("pools")

    told = [line for line in capsys.readouterr().err.splitlines() if "list_pools" in line]
    assert len(told) == lines


@pytest.mark.parametrize("sent", HOSTILE)
def test_whatever_was_sent_is_one_printable_line_of_json(
    capsys: pytest.CaptureFixture[str], sent: str
) -> None:
    _configure("json")

    _say_it_everywhere(sent)

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == RECORDS
    assert [line for line in lines if not line.isprintable() or len(line) > LONGEST_LINE] == []
    said = [json.loads(line) for line in lines]
    assert {record["level"] for record in said} == {"warning", "error"}
    if len(sent) <= logs.LONGEST_VALUE and SURROGATE not in sent:
        assert said[0]["event"] == f"said {sent}"
        assert said[1]["also"] == sent


@pytest.mark.parametrize("sent", HOSTILE)
def test_whatever_was_sent_begins_no_line_of_its_own_in_text(
    capsys: pytest.CaptureFixture[str], sent: str
) -> None:
    _configure("text")

    _say_it_everywhere(sent)

    lines = capsys.readouterr().err.splitlines()
    records = [line for line in lines if re.match(r"20\d\d-\d\d-\d\dT[\d:.]+Z \[", line)]
    assert len(records) == RECORDS
    assert [line for line in lines if line not in records and not line.startswith(logs.BAR)] == []
    assert [line for line in lines if not line.isprintable() or len(line) > LONGEST_LINE] == []


def _say_it_everywhere(sent: str) -> None:
    """Log it in each place that a text can come to, one record for each."""
    log = logging.getLogger("anybody")
    log.warning("said %s", sent)
    log.warning("said", extra={"also": sent})
    log.warning("said", extra={"inside": {"this": [sent, sent.encode("utf-8", "replace")]}})
    log.warning("said", extra={f"named {sent}": 1})
    logging.getLogger(f"anybody {sent}").warning("said")
    try:
        raise ValueError(sent)
    except ValueError:
        log.exception("it failed: %s", sent)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_traceback_keeps_its_end_when_it_is_too_long(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    _configure(log_format)

    try:
        raise ValueError("x" * 2 * logs.LONGEST_TRACEBACK + " the end")
    except ValueError:
        logging.getLogger("anybody").exception("it failed")

    said = capsys.readouterr().err
    assert "x the end" in said
    assert len(said) < logs.LONGEST_TRACEBACK + 1000


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_record_that_cannot_be_written_is_a_line_without_what_it_was_to_say(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    _configure(log_format)

    logging.getLogger("anybody").warning("one of %s and %s", "what nobody should see")

    (line,) = capsys.readouterr().err.splitlines()
    assert "a record of anybody could not be written: TypeError" in line
    assert "nobody should see" not in line


def test_a_thread_that_dies_and_a_warning_are_said_in_the_log_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _configure("json")
    thread = threading.Thread(target=lambda: {}["what was not there"], name="some worker")

    thread.start()
    thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        logging.captureWarnings(True)
        warnings.warn("that is old", stacklevel=1)

    died, warned = map(json.loads, capsys.readouterr().err.splitlines())
    assert (died["event"], died["level"]) == ("the thread some worker has died", "critical")
    assert "KeyError" in died["exception"]
    assert "that is old" in warned["event"]


def test_requests_that_are_hostile_in_each_part_are_one_line_each(
    app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    api = calling(app, an_account())
    _configure("json", "debug")
    capsys.readouterr()
    wired = [sent.encode("utf-8", "replace").decode("latin-1") for sent in HOSTILE]

    for sent in wired:
        headers = ("X_REQUEST_ID", "USER_AGENT", "TRACEPARENT", "IF_MATCH", "IDEMPOTENCY_KEY")
        environ = {f"HTTP_{name}": sent for name in headers}
        api.client.post("/v1/accounts", headers=api.headers, environ_overrides=environ)
        api.client.get("/", environ_overrides={"PATH_INFO": f"/v1/accounts/{sent}"})
        api.client.get("/livez", environ_overrides={"REQUEST_METHOD": sent[:500]})
        api.client.get("/v1/accounts", headers={"Authorization": f"Bearer {quote(sent)}"})

    lines = capsys.readouterr().err.splitlines()
    said = [json.loads(line) for line in lines]
    assert [line for line in lines if not line.isprintable() or len(line) > LONGEST_LINE] == []
    requests = [record for record in said if record["logger"] == "seatkeeper.requests"]
    assert len(requests) == 4 * len(HOSTILE)
    assert all(re.fullmatch(r"req_\w+", record["request_id"]) for record in requests)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_the_values_of_variables_stay_out_of_the_log(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    _configure(log_format)
    token = "".join(["sk_", "of", "_somebody"])

    try:
        raise ValueError("what went wrong")
    except ValueError:
        logging.getLogger("anybody").exception("it failed")

    said = capsys.readouterr().err
    assert "what went wrong" in said
    assert "Traceback" in said
    assert token not in said
