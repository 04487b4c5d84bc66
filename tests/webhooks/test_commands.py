"""The commands of webhooks, each as a process of its own."""

import re
import signal
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from licensing import settings
from licensing.settings import Settings
from tests.receivers import Receiver
from tests.serving import Served, run, started
from tests.webhooks.stage import a_stage
from tests.world import Hands, an_account
from webhooks import signing
from webhooks.models import Secret

BODY = b'{"id":"evt_1","type":"seat.assigned"}'
NOW = 1_790_000_000


def _environment(service: Settings, **more: str) -> dict[str, str]:
    return {
        "SEATKEEPER_DATABASE_URL": service.database_url,
        "SEATKEEPER_SECRET_KEY": service.secret_key,
        "SEATKEEPER_WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
        **more,
    }


def test_dispatch_delivers_until_it_is_told_to_stop(service: Settings, hands: Hands) -> None:
    hands.move_to(datetime.now(UTC))
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account, "user.created")
        account.user(seats=[])
        dispatcher = started("dispatch", **_environment(service))
        receiver.wait_for(1)
        account.user(seats=[])
        receiver.wait_for(2)
        dispatcher.send_signal(signal.SIGTERM)
        code = dispatcher.wait(timeout=30)

    assert code == 0


def test_secrets_are_encrypted_anew_under_another_key(service: Settings, hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account, "user.created")
        before = Secret.get().sealed
        new = Settings(**vars(service) | {"secret_key": "n" * 40})
        keys = {
            "SEATKEEPER_SECRET_KEY": new.secret_key,
            "SEATKEEPER_FORMER_SECRET_KEYS": service.secret_key,
        }
        ran = run("secrets", "rotate", **_environment(service, **keys))
        assert (ran.returncode, ran.stderr) == (0, "")
        assert Secret.get().sealed != before
        settings.put_in_force(new)  # and without the former one
        account.user(seats=[])
        stage.deliver()
        (sent,) = receiver.requests
        signing.verify(stage.secrets[id], dict(sent.headers), sent.body, int(hands.now.timestamp()))


def test_purge_says_what_it_has_deleted(service: Settings) -> None:
    an_account()

    ran = run("purge", **_environment(service))

    assert ran.stdout == "0 attempts, 0 events, 0 notices, 0 answers deleted\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "the signature is good"),
        ({"--now": str(NOW + 301)}, "seconds off"),
        ({"--id": "evt_2"}, "no signature"),
        ({"--signature": "v1,x"}, "no signature"),
        ({"--timestamp": "now"}, "not a number"),
        ({"--secret": "whsec_short"}, "secret"),
    ],
)
def test_verify_says_what_is_wrong(tmp_path: Path, change: dict[str, str], said: str) -> None:
    secret = signing.new_secret()
    file = tmp_path / "payload.json"
    file.write_bytes(BODY)
    options = {
        "--secret": secret,
        "--id": "evt_1",
        "--timestamp": str(NOW),
        "--signature": signing.sign(secret, "evt_1", NOW, BODY),
        "--now": str(NOW),
    } | change

    ran = run("webhooks", "verify", str(file), *(f"{n}={v}" for n, v in options.items()))

    assert said in ran.stdout + ran.stderr
    assert ran.returncode == (1 if change else 0)


def test_listen_forwards_what_happens_and_signs_it(demo: Served) -> None:
    with Receiver() as receiver:
        ran = run(
            *("webhooks", "listen", "--once", "--after", "0", "--type", "seat.assigned"),
            *("--forward", receiver.url, "--api", demo.address),
            KEY=demo.key,
        )

    assert (ran.returncode, ran.stderr) == (0, "")
    found = re.search(r"signing with (whsec_\S+)", ran.stdout)
    assert found
    assert len(receiver.events) > 30
    assert {event["type"] for event in receiver.events} == {"seat.assigned"}
    for sent in receiver.requests:
        signing.verify(found.group(1), dict(sent.headers), sent.body, int(time.time()))
    assert ran.stdout.count("seat.assigned -> 204") == len(receiver.events)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--type", "seat.asigned"], "there is no event type seat.asigned"),
        (["--secret", "whsec_short"], "the secret is not"),
        (["--api", "http://127.0.0.1:9"], "does not answer"),
    ],
)
def test_listen_says_what_it_cannot_do(options: list[str], said: str) -> None:
    ran = run(
        *("webhooks", "listen", "--once", "--forward", "http://127.0.0.1:9/", "--key", "sk_x"),
        *options,
    )

    assert ran.returncode != 0
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_listen_says_that_the_key_is_not_good_enough(demo: Served) -> None:
    ran = run(
        *("webhooks", "listen", "--once", "--forward", "http://127.0.0.1:9/"),
        *("--api", demo.address, "--key", "sk_none"),
    )

    assert ran.returncode == 1
    assert "answers 401" in ran.stderr


def test_the_demo_shows_signed_deliveries(demo: Served) -> None:
    found = re.search(r"curl (http://127\.0\.0\.1:\d+/)\n", demo.printed)
    assert found
    deadline = time.monotonic() + 30
    shown = ""
    while "signature good  seat.assigned" not in shown and time.monotonic() < deadline:
        with urllib.request.urlopen(found.group(1), timeout=10) as answer:  # noqa: S310 ours
            shown = answer.read().decode()

    assert "signature good  seat.assigned" in shown
    assert "refused" not in shown
