"""How often each caller may ask: told beforehand, refused kindly, and never wrongly."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fakeredis import TcpFakeServer
from flask import Flask

from licensing import settings
from licensing.api import auth, in_hand, limiting
from licensing.api.kit import build_api
from licensing.api.limiting import Gate, InProcess, Limiter, network_of
from licensing.callers import Callers, Limits
from licensing.settings import StartRefused
from tests.http import Calling, a_client, calling, nobody, signed_in
from tests.world import Hands, an_account

APP = "https://app.example.com"


@contextmanager
def _limited(app: Flask, hands: Hands, **limits: int | str) -> Iterator[Limiter]:
    """The application with these limits, and a clock that stands at the start of a minute."""
    before = app.extensions["gate"]
    chosen = replace(Limits(*[0] * 6), **limits)  # type: ignore[arg-type]
    limiter = Limiter(chosen, now=lambda: hands.now.timestamp())
    app.extensions["gate"] = Gate(limiter, auth.authenticate)
    try:
        yield limiter
    finally:
        app.extensions["gate"] = before


def test_a_caller_is_told_what_is_left_and_then_when_to_go_on(app: Flask, hands: Hands) -> None:
    account = an_account()
    api = calling(app, account)

    with _limited(app, hands, key_reads=2):
        hands.move(seconds=18)
        answers = [api.get("pools", Origin=APP) for _ in range(3)]
        hands.move(seconds=42)
        again = api.get("pools")

    told = [(a.status_code, a.headers["RateLimit"], a.headers.get("Retry-After")) for a in answers]
    assert told == [
        (200, '"key-reads";r=1;t=42', None),
        (200, '"key-reads";r=0;t=42', None),
        (429, '"key-reads";r=0;t=42', "42"),
    ]
    assert {a.headers["RateLimit-Policy"] for a in answers} == {'"key-reads";q=2;w=60'}
    refused = answers[-1]
    assert refused.mimetype == "application/problem+json"
    assert (refused.json["code"], refused.json["limit"]) == ("rate_limited", 2)
    assert refused.json["retry_after"] == 42
    assert refused.headers["Access-Control-Allow-Origin"] == APP
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(
        refused.headers["Access-Control-Expose-Headers"].split(", ")
    )
    assert (again.status_code, again.headers["RateLimit"]) == (200, '"key-reads";r=1;t=60')


def test_reads_and_writes_are_counted_apart_and_each_caller_alone(app: Flask, hands: Hands) -> None:
    account = an_account()
    first, second = (calling(app, account) for _ in range(2))
    priya, noah = (signed_in(app, account, account.user()) for _ in range(2))

    with _limited(app, hands, key_reads=1, key_writes=1, user_reads=1, user_writes=1):
        for caller in (first, second, priya, noah):
            assert caller.get("pools").status_code == 200
            assert caller.get("pools").status_code == 429
            assert caller.post("seats", {}).status_code in (403, 422)
            assert caller.post("seats", {}).status_code == 429

    assert account.happened() == []


def test_two_sessions_of_a_user_share_a_limit(app: Flask, hands: Hands) -> None:
    account = an_account()
    priya = account.user()

    with _limited(app, hands, user_reads=1):
        first = signed_in(app, account, priya).get("pools")
        hands.move(seconds=1)
        second = signed_in(app, account, priya).get("pools")

    assert (first.status_code, second.status_code) == (200, 429)


def test_whoever_watches_the_service_and_whoever_asks_first_are_not_counted(
    app: Flask, hands: Hands
) -> None:
    client = a_client(app)
    preflight = {"Origin": APP, "Access-Control-Request-Method": "GET"}

    with _limited(app, hands, address=1):
        for _ in range(3):
            for path in ("/livez", "/readyz"):
                answer = client.get(path)
                assert answer.status_code == 200
                assert "RateLimit" not in answer.headers
            assert client.options("/v1/accounts", headers=preflight).status_code == 200


@pytest.mark.parametrize(
    "path", ["/openapi.json", "/docs", "/docs/start.js", "/v1/nothing", "/problems/not_found"]
)
def test_an_address_without_a_token_is_limited(app: Flask, hands: Hands, path: str) -> None:
    client = a_client(app)

    with _limited(app, hands, address=1):
        first = client.get(path)
        second = client.get(path)

    assert first.status_code in (200, 404)
    assert (second.status_code, second.json["code"]) == (429, "rate_limited")
    first.close()


def test_guessing_keys_is_limited_but_locks_out_nobody(app: Flask, hands: Hands) -> None:
    account = an_account()
    known, unknown = calling(app, account), calling(app, account)
    priya = signed_in(app, account, account.user())
    guess = Calling(a_client(app), known.headers["Authorization"][7:-1], account.id)

    with _limited(app, hands, failures=3):
        assert known.get("pools").status_code == 200
        guesses = [guess.get("pools") for _ in range(5)]
        after = [caller.get("pools").status_code for caller in (known, priya, unknown)]
        from_elsewhere = a_client(app).get(
            f"/v1/accounts/{account.id}/pools",
            headers=unknown.headers,
            environ_base={"REMOTE_ADDR": "192.0.2.7"},
        )
        hands.move(minutes=1)
        later = unknown.get("pools")

    assert [answer.status_code for answer in guesses] == [401, 401, 401, 429, 429]
    # The key that has been here and the session go on; a key that has not could be a good guess.
    assert after == [200, 200, 429]
    assert (from_elsewhere.status_code, later.status_code) == (200, 200)


def test_forged_sessions_are_limited_too(app: Flask, hands: Hands) -> None:
    account = an_account()
    forger = Calling(a_client(app), "a.b.c", account.id)

    with _limited(app, hands, failures=2):
        assert [forger.get("pools").status_code for _ in range(4)] == [401, 401, 429, 429]


def test_no_token_is_no_guess(app: Flask, hands: Hands) -> None:
    caller = nobody(app, an_account())

    with _limited(app, hands, failures=1, address=3):
        assert [caller.get("pools").status_code for _ in range(4)] == [401, 401, 401, 429]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "counted"),
    [
        pytest.param(0, "203.0.113.9", "127.0.0.1", id="not believed"),
        pytest.param(1, "203.0.113.9", "203.0.113.9", id="one proxy"),
        pytest.param(1, "198.51.100.1, 203.0.113.9", "203.0.113.9", id="what the client says"),
        pytest.param(2, "203.0.113.9, 10.0.0.1", "203.0.113.9", id="two proxies"),
        pytest.param(2, "203.0.113.9", "127.0.0.1", id="fewer than were set"),
        pytest.param(1, "", "127.0.0.1", id="none"),
        pytest.param(1, "nonsense", "unknown", id="nonsense"),
    ],
)
def test_the_address_is_the_one_that_the_proxies_saw(
    proxies: int, forwarded: str, counted: str
) -> None:
    app = Flask("behind proxies")
    build_api(app, callers=Callers(proxies=proxies))
    seen = []
    app.add_url_rule("/", "here", lambda: seen.append(limiting._address(in_hand.current())) or "")

    app.test_client().get("/", headers={"X-Forwarded-For": forwarded} if forwarded else {})

    assert seen == [counted]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("x" * 10_000, "unknown"),
    ],
)
def test_a_subscriber_has_one_address_or_one_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_what_was_counted_is_forgotten(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    counters, now = InProcess(), [0.0]
    monkeypatch.setattr("licensing.api.limiting.time.monotonic", lambda: now[0])

    for number in range(100):
        counters.incr(f"key-{number}", 60)
    now[0] = 61.0
    kept = counters.incr("key-1", 60)
    now[0] = 200.0
    counters.incr("other", 60)
    now[0] = 300.0
    counters.incr("other", 60)

    assert kept == 2
    assert counters.get("key-1") == 0
    assert len(counters._counts) + len(counters._before) == 2


def test_no_request_is_lost_when_many_threads_count() -> None:
    counters = InProcess()
    threads = [
        threading.Thread(target=lambda: [counters.incr("all", 60) for _ in range(500)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counters.get("all") == 4000


@contextmanager
def _a_redis() -> Iterator[TcpFakeServer]:
    server = TcpFakeServer(("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_processes_that_share_a_storage_count_together() -> None:
    with _a_redis() as redis:
        limits = Limits(key_reads=5, storage=f"redis://127.0.0.1:{redis.server_address[1]}/0")
        processes = [Limiter(limits, now=lambda: 0.0) for _ in range(2)]

        counts = [processes[turn % 2].count("key-reads", "key_1").spent for turn in range(4)]  # type: ignore[union-attr]
        other = processes[0].count("key-reads", "key_2")
        for limiter in processes:
            limiter._counters.storage.close()  # type: ignore[attr-defined]

    assert counts == [1, 2, 3, 4]
    assert other is not None
    assert other.spent == 1


def test_a_storage_that_is_down_lets_everybody_in_and_is_told_once(
    app: Flask, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    api = calling(app, an_account())

    with _limited(app, hands, key_reads=1, failures=1, storage="redis://127.0.0.1:1/0"):
        answers = [api.get("pools") for _ in range(5)]

    assert {answer.status_code for answer in answers} == {200}
    assert all("RateLimit" not in answer.headers for answer in answers)
    warnings = [record for record in caplog.records if record.name == "licensing.api.limiting"]
    assert len(warnings) == 1


def test_a_storage_for_which_something_is_missing_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "valkey", None)

    with pytest.raises(StartRefused, match="SEATKEEPER_LIMIT_STORAGE"):
        Limiter(Limits(storage="valkey://127.0.0.1:1/0"))


SETTINGS = {
    "SEATKEEPER_LIMIT_KEY_READS": "-1",
    "SEATKEEPER_LIMIT_USER_WRITES": "many",
    "SEATKEEPER_LIMIT_STORAGE": "memcached://localhost",
    "SEATKEEPER_PROXIES": "21",
    "SEATKEEPER_HSTS_SECONDS": "-5",
    "SEATKEEPER_IDP_ISSUER": "seatkeeper",
    "SEATKEEPER_IDP_AUDIENCE": "",
    "SEATKEEPER_IDP_JWKS_URL": "http://login.example.com/jwks",
    "SEATKEEPER_IDP_ALGORITHMS": "RS256,HS256",
    "SEATKEEPER_IDP_USER_MATCHES": "name",
    "SEATKEEPER_IDP_ACCOUNT_MATCHES": "email",
}


def _leave_out_the_settings_of_the_tests(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith("SEATKEEPER_TEST_")]:
        monkeypatch.delenv(name)


def test_every_mistake_in_settings_about_callers_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _leave_out_the_settings_of_the_tests(monkeypatch, tmp_path)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(StartRefused) as refused:
        settings.from_environment()

    assert [name for name in SETTINGS if f"{name}:" not in str(refused.value)] == []


@pytest.mark.parametrize(
    ("url", "hosts", "good"),
    [
        ("https://login.example.com/jwks", "", True),
        ("http://127.0.0.1:9000/jwks", "", True),
        ("http://localhost/jwks", "", True),
        ("http://[::1]:9000/jwks", "", True),
        ("http://keycloak:8080/jwks", "keycloak", True),
        ("http://keycloak:8080/jwks", "keycloak:8080", True),
        ("http://keycloak:8080/jwks", "", False),
        ("http://localhost.evil.example/jwks", "", False),
        ("http://localhost@evil.example/jwks", "", False),
        ("https:///jwks", "", False),
        ("file:///etc/jwks", "", False),
        ("", "", False),
    ],
)
def test_keys_come_over_https_or_from_where_the_operator_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, hosts: str, good: bool
) -> None:
    _leave_out_the_settings_of_the_tests(monkeypatch, tmp_path)
    monkeypatch.setenv("SEATKEEPER_IDP_ISSUER", "https://login.example.com/")
    monkeypatch.setenv("SEATKEEPER_IDP_AUDIENCE", "seats")
    monkeypatch.setenv("SEATKEEPER_IDP_JWKS_URL", url)
    if hosts:
        monkeypatch.setenv("SEATKEEPER_IDP_HTTP_HOSTS", hosts)

    if good:
        provider = settings.from_environment().callers.provider
        assert provider is not None
        assert provider.jwks_url == url
    else:
        with pytest.raises(StartRefused, match="SEATKEEPER_IDP_JWKS_URL"):
            settings.from_environment()


def test_half_a_provider_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _leave_out_the_settings_of_the_tests(monkeypatch, tmp_path)
    monkeypatch.setenv("SEATKEEPER_IDP_ISSUER", "https://login.example.com/")

    with pytest.raises(StartRefused, match=r"IDP_AUDIENCE(?s:.)*IDP_JWKS_URL"):
        settings.from_environment()


def test_the_limits_that_are_there_by_default_are_generous() -> None:
    assert Callers() == settings.Settings().callers
    assert Callers().limits == Limits(300_000, 60_000, 6_000, 3_000, 6_000, 3_000, "")
