"""What the service says to whoever runs it."""

import json
import logging
from collections.abc import Iterator

import pytest
from flask import Flask

from licensing import logs
from licensing.observing import Observing
from licensing.settings import Settings
from tests.http import calling
from tests.world import an_account

INJECTED = 'x\n{"level": "error"}\r\x1b[31m\x00'


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """What a test configures is undone after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


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


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_nothing_that_was_sent_begins_a_line_of_its_own(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    _configure(log_format)

    with logs.bound(request_id=INJECTED):
        logging.getLogger("anybody").warning("said %s", INJECTED, extra={"also": INJECTED})

    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()


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
