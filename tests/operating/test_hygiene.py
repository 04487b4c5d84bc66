"""
No secret in a log or in a database (F28); what would find one does.

`tests.keeping` looks through the output of the whole suite; here are a story whose log is as
talkative as it can be, what the database holds after it, and proofs that a leak is found.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from licensing import db, logs, settings
from licensing.models import Account
from licensing.observing import Observing
from licensing.settings import Settings
from tests import hygiene
from tests.http import Calling, a_client, calling
from tests.providers import AProvider, trusted
from tests.receivers import Answer, Receiver
from tests.serving import ROOT, clean_environment
from tests.webhooks.stage import a_stage
from tests.world import Hands, an_account

PASSWORD = "Basic-password-of-a-receiver"
PLANTED = "sk_" + "0123456789abcdef" * 2 + "_" + "planted-" * 5 + "abc"


def _be_talkative() -> None:
    """Log all that can be logged, as JSON."""
    logs.configure(Settings(observing=Observing("json", "debug")))


def _a_story(app: Flask, hands: Hands) -> set[str]:
    """Everything that hands out or takes a secret; returns them all."""
    account = an_account()
    api = calling(app, account, bound=False)
    user = account.user()
    used = {settings.current().secret_key, PASSWORD, api.headers["Authorization"].split()[1]}
    with Receiver(lambda _: Answer(500)) as receiver, a_stage(hands) as stage:
        wanted = {
            "url": receiver.url,
            "event_types": ["*"],
            "account_id": account.id,
            "headers": {"Authorization": PASSWORD},
        }
        endpoint = api.send("POST", "/v1/webhook-endpoints", wanted, {"Idempotency-Key": "1"}).json
        at = f"/v1/webhook-endpoints/{endpoint['id']}"
        used |= {
            endpoint["secret"],
            api.post(f"{at}/secret", {"overlap_seconds": 60}).json["secret"],
        }
        api.post(f"{at}/enable")
        made = api.post("/v1/api-keys", {"name": "billing", "scopes": ["billing"]}, key="2").json
        turned = api.post(f"/v1/api-keys/{made['id']}/rotation", {"overlap_seconds": 60}).json
        wanted = {"account_id": account.id, "user_id": user, "expires_in": 600}
        session = api.post("/v1/session-tokens", wanted).json
        used |= {made["token"], turned["token"], session["token"]}
        for token in (made["token"], session["token"], made["token"][:-1] + "x", "no token at all"):
            used.add(token)
            Calling(a_client(app), token, account.id).post("seats", {"user_id": user, "x": token})
        with AProvider() as provider, trusted(provider):
            token = provider.token()
            used |= {token, str(provider.keys[0].as_dict(private=True)["d"])}
            Calling(a_client(app), token, account.id).get("pools")
        stage.pass_time(minutes=1)
    return used


def _database(chosen: Settings) -> str:
    """All that the database holds: its files byte for byte, or every row of every table."""
    if chosen.on_sqlite:
        file = settings.sqlite_file(chosen.database_url)
        both = file.read_bytes() + file.with_name(f"{file.name}-wal").read_bytes()
        return both.decode("latin-1")
    rows = [
        str(row)
        for table in db.db.get_tables()
        for row in db.db.execute_sql(f"SELECT t::text FROM {table} t").fetchall()
    ]
    return "\n".join(rows)


def test_a_story_leaves_no_secret_in_the_log_or_in_the_database(
    app: Flask,
    hands: Hands,
    service: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _be_talkative()
    used = _a_story(app, hands)

    told, kept = capsys.readouterr().err, _database(service)
    assert len(told.splitlines()) > 10
    assert [line for line in told.splitlines() if not line.startswith("{")] == []
    assert hygiene.no_json(told.splitlines()) == []
    assert hygiene.leaks(told, used) == []
    assert hygiene.leaks(kept, used) == []


def test_a_secret_that_was_kept_would_be_found(app: Flask, service: Settings) -> None:
    account = an_account()
    assert hygiene.leaks(_database(service), [PLANTED]) == []

    Account.update(metadata={"note": PLANTED}).where(Account.id == account.id).execute()

    assert hygiene.leaks(_database(service), [PLANTED]) == [PLANTED]


@pytest.mark.parametrize(
    ("text", "secrets", "found"),
    [
        ("nothing to see", ["a seeded secret"], []),
        (
            "it is a seeded secret indeed",
            ["a seeded secret", "another one as long"],
            ["a seeded secret"],
        ),
        (f'{{"event":"{PLANTED}"}}', [], [PLANTED]),
        ("whsec_" + "A" * 44, [], ["whsec_" + "A" * 44]),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c3IifQ.c2lnbmF0dXJl", [], 1),
    ],
)
def test_a_secret_in_a_text_is_found(text: str, secrets: list[str], found: list[str] | int) -> None:
    leaked = hygiene.leaks(text, secrets)

    assert leaked == found if isinstance(found, list) else len(leaked) == found


@pytest.mark.parametrize(
    ("line", "is_record"),
    [
        ('{"event":"x","level":"info","timestamp":"2026"}', True),
        ('{"event":"x","level":"info","timesta', False),
        ('{"event":"x"}', False),
        ('{"event":"\u2028","level":"info","timestamp":"2026"}', False),
    ],
)
def test_a_line_that_is_no_record_is_found(line: str, is_record: bool) -> None:
    assert hygiene.no_json([line]) == ([] if is_record else [line])


LEAKING = f'''
import logging

def test_that_goes_well():
    logging.getLogger("anybody").warning("the key is %s", "{PLANTED}")

def test_that_prints():
    print("{PLANTED[::-1]}" [::-1])
'''


def test_a_run_of_tests_in_which_a_secret_was_said_fails(tmp_path: Path) -> None:
    (tmp_path / "test_leaking.py").write_text(LEAKING)
    alone = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    ended = subprocess.run(  # noqa: S603 our own tests
        [sys.executable, "-m", "pytest", "-p", "tests.keeping", str(tmp_path)],
        cwd=tmp_path,
        env=clean_environment() | alone,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 1, ended.stdout
    assert "2 passed" in ended.stdout
    told = re.findall(r"HYGIENE: \S+… is in (.*)", ended.stdout)
    assert told == ["the log of the tests", "what was printed in test_leaking.py::test_that_prints"]


def test_statements_are_never_logged_with_their_values(
    app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    _be_talkative()

    an_account().user(email="somebody.in.particular@example.com")

    assert "somebody.in.particular" not in capsys.readouterr().err
