"""The shortcut in front of Flask: it answers, counts and logs as Flask does without it."""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request_started
from peewee import OperationalError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import EnvironBuilder, run_wsgi_app

from licensing import db, ids, metrics, sessions
from licensing.api import add_api, auth
from licensing.api.in_hand import InHand
from licensing.api.limiting import Gate, Limiter
from licensing.api.observing import names_of_the_request
from licensing.api.shortcut import LOOKED_AT, Shortcut
from licensing.callers import Limits
from licensing.db import transactional
from licensing.idempotency import Answer
from licensing.models import ApiKey
from licensing.operations import api_keys
from licensing.rules.permissions import Permission, Scope, system
from licensing.settings import Settings
from tests.counting import asked
from tests.world import AnAccount, Hands, an_account
from webhooks.api import RESOURCES

QUESTION = "/v1/accounts/{account}/users/{priya}/entitlements/contacts"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LIMITS = Limits(key_reads=3, user_reads=3, address=3, failures=3)
NAMED_HERE = re.compile(r"req_[0-9a-f]{32}")
# Whose values are a matter of time.
TIMED = ("_sum", "_bucket", "_created")


@dataclass(frozen=True)
class Case:
    """
    A request, and what comes of it.

    Attributes:
        status: of the answer, of the last one where it is sent several times.
        token: which of the tokens of the scene it has; its own words where there is no such.
        path, query, method, scheme, headers, body: what else it is; ids in the path are in braces.
        times: how often it is sent.
        reaches_flask: whether it does so the last time.
    """

    status: int = 200
    token: str = "key"
    path: str = QUESTION
    query: str = ""
    method: str = "GET"
    scheme: str = "Bearer"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    times: int = 1
    reaches_flask: bool = True


def _answered(**more: Any) -> Case:
    return Case(reaches_flask=False, **more)


def _question(user: str = "{priya}", feature: str = "contacts", account: str = "{account}") -> str:
    return f"/v1/accounts/{account}/users/{user}/entitlements/{feature}"


SEATS = "/v1/accounts/{account}/seats"


def _listed(query: str = "", reaches_flask: bool = False, **more: Any) -> Case:
    more.setdefault("path", SEATS)
    return Case(query=query, reaches_flask=reaches_flask, **more)


CASES = {
    "the seats": _listed(),
    "a page of them": _listed("limit=1"),
    "how many they are": _listed("limit=1&include_total=true"),
    "those of a user": _listed("user_id={priya}"),
    "those of nobody": _listed("user_id={of another}"),
    "an encoded query": _listed("seat%5Ftype=c%6Fre"),
    "a blank as plus": _listed("seat_type=core+"),
    "a bound key's seats": _listed(token="bound"),
    "the seats for a viewer": _listed(token="viewer"),
    "the seats as CSV": _listed(headers={"ACCEPT": "text/csv"}),
    "a page too large": _listed("limit=201", reaches_flask=True, status=422),
    "an empty limit": _listed("limit=", reaches_flask=True, status=422),
    "a limit twice": _listed("limit=1&limit=1", reaches_flask=True, status=422),
    "an unknown filter": _listed("holder=x", reaches_flask=True, status=422),
    "a made up cursor": _listed("cursor=abc", reaches_flask=True, status=400),
    "a long query": _listed("cursor=" + "a" * 200, reaches_flask=True, status=400),
    "seats and a query that is no text": _listed("limit=%ff", reaches_flask=True, status=400),
    "a query of other bytes": _listed("user_id=\xff", reaches_flask=True, status=400),
    "seats too often": _listed(reaches_flask=True, status=429, times=5),
    "the seats of another account": _listed(token="of another", reaches_flask=True, status=404),
    "seats of no account": _listed(path="/v1/accounts/acc_1/seats", reaches_flask=True, status=404),
    "a seat to be given": _listed(method="POST", reaches_flask=True, status=415, body=b"{"),
    "a key of no account": _answered(),
    "a key of the account": _answered(token="bound"),
    "a key that only reads": _answered(token="reading"),
    "the former secret of a key": _answered(token="rotated"),
    "the user himself": _answered(token="priya"),
    "a user who may manage users": _answered(token="manager"),
    "why it is none": _answered(path=_question(feature="attribution")),
    "a user without a seat": _answered(path=_question("{nobody}")),
    "a lower-case scheme": _answered(scheme="bearer"),
    "several blanks": _answered(scheme=" Bearer  "),
    "an encoded path": _answered(path=_question(feature="%63ontacts")),
    "an empty query": _answered(query=""),
    "the name of the request": _answered(headers={"X_REQUEST_ID": "from-the-front-end"}),
    "a bad name": _answered(headers={"X_REQUEST_ID": "two, names"}),
    "a trace": _answered(headers={"TRACEPARENT": TRACE}),
    "a bad trace": _answered(headers={"TRACEPARENT": "00-0-0-0"}),
    "another media type": _answered(headers={"ACCEPT": "text/csv"}),
    "no media type": _answered(headers={"ACCEPT": "no/such;q=0"}),
    "cookies": _answered(headers={"COOKIE": "session=1; account=2"}),
    "an address that is forwarded": _answered(headers={"X_FORWARDED_FOR": "203.0.113.9"}),
    "a range": _answered(headers={"RANGE": "bytes=0-3"}),
    "an idempotency key": _answered(headers={"IDEMPOTENCY_KEY": "once"}),
    "a host that is none": _answered(headers={"HOST": "a b\x00é"}),
    "a preflight that is none": _answered(headers={"ACCESS_CONTROL_REQUEST_METHOD": "GET"}),
    "as often as it may": _answered(times=3),
    "too often": Case(429, times=5),
    "a user too often": Case(429, "priya", times=5),
    "an origin": Case(headers={"ORIGIN": "https://app.example.com"}),
    "another origin": Case(headers={"ORIGIN": "https://evil.example.com"}),
    "a known ETag": Case(304, headers={"IF_NONE_MATCH": "*"}),
    "another ETag": Case(headers={"IF_NONE_MATCH": '"other"'}),
    "guessing from behind a proxy": Case(
        429, token="sk_1_2", headers={"X_FORWARDED_FOR": "203.0.113.9"}, times=5
    ),
    "a body": Case(body=b"{}"),
    "a query": Case(422, query="limit=1"),
    "a query that is no text": Case(400, query="a=%ff"),
    "the head alone": Case(method="HEAD"),
    "another method": Case(405, method="POST"),
    "a preflight": Case(method="OPTIONS", headers={"ORIGIN": "https://app.example.com"}),
    "a WebSocket": Case(400, headers={"CONNECTION": "Upgrade", "UPGRADE": "websocket"}),
    "no token": Case(401, token=""),
    "no token, too often": Case(429, token="", times=5),
    "another scheme": Case(401, scheme="Basic"),
    "two tokens": Case(401, token="sk_1_2, Bearer sk_3_4"),
    "no ASCII": Case(401, token="sk_é_é"),
    "a key that is none": Case(401, token="sk_1_2"),
    "guessing": Case(429, token="sk_1_2", times=5),
    "a key of another account": Case(404, "of another"),
    "a revoked key": Case(401, "revoked"),
    "an expired key": Case(401, "expired"),
    "a key for users": Case(403, "users"),
    "a user about another": Case(403, "viewer"),
    "a user of another account": Case(404, "another user"),
    "a session that is over": Case(401, "over"),
    "a forged session": Case(401, "forged"),
    "a deactivated user": Case(401, "deactivated"),
    "an unknown user": Case(404, path=_question("usr_1")),
    "a user of another account, by a key": Case(404, path=_question("{of another}")),
    "an unknown feature": Case(404, path=_question(feature="no_such")),
    "an unknown account": Case(404, path=_question(account="acc_1")),
    "another account": Case(404, path=_question(account="{another}")),
    "a slash at the end": Case(404, path=QUESTION + "/"),
    "two slashes": Case(404, path=QUESTION.replace("users/", "users//")),
    "two slashes in front": Case(path="/" + QUESTION),
    "a slash within": Case(404, path=_question(feature="a%2Fb")),
    "no good value": Case(404, path=_question(feature="a%20b")),
    "a line that ends": Case(404, path=_question(feature="contacts%0A")),
    "a long value": Case(404, path=_question("u" * 65)),
    "a preview": Case(404, path=_question("preview")),
    "a feature that is called so": Case(404, path=_question(feature="preview")),
    "all features": Case(path=_question().removesuffix("/contacts")),
    "another path": Case(404, path="/v1/accounts/{account}/users/{priya}/entitlement/contacts"),
    "another prefix": Case(404, path="/v2" + QUESTION.removeprefix("/v1")),
}


@dataclass
class Scene:
    """The tokens that requests have, and the ids in their paths."""

    tokens: dict[str, str]
    ids: dict[str, str]

    def environ(self, case: Case) -> dict[str, Any]:
        """A request, as a server hands it over."""
        path = case.path
        for name, id in self.ids.items():
            path = path.replace(f"{{{name}}}", id)
        # The server takes its own address from the path, and not a host.
        query = case.query.format_map(self.ids) if "{" in case.query else case.query
        environ = EnvironBuilder(method=case.method).get_environ() | {"QUERY_STRING": query}
        environ["PATH_INFO"] = EnvironBuilder("http://x/" + path[1:]).get_environ()["PATH_INFO"]
        environ["REMOTE_ADDR"] = "198.51.100.7"
        if case.body:
            environ["CONTENT_LENGTH"] = str(len(case.body))
        if case.token:
            token = self.tokens.get(case.token, case.token)
            environ["HTTP_AUTHORIZATION"] = f"{case.scheme} {token}"
        return environ | {f"HTTP_{name}": value for name, value in case.headers.items()}


@pytest.fixture(scope="module")
def app(migrated: Settings) -> Flask:
    """The application as it is behind a proxy."""
    behind = Flask("seatkeeper", static_folder=None)
    callers = replace(migrated.callers, proxies=1)
    add_api(behind, replace(migrated, callers=callers), RESOURCES)
    return behind


@pytest.fixture
def scene(hands: Hands) -> Scene:
    """An account with all kinds of callers, and another one."""
    account, another = an_account(), an_account()
    users = {
        "priya": account.user(seats=["core"]),
        "nobody": account.user(),
        "gone": account.user(seats=["core"]),
        "of another": another.user(seats=["core"]),
    }
    manager = account.user(permissions=frozenset({Permission.MANAGE_USERS}))
    over, _ = sessions.mint(account.id, users["priya"], sessions.SHORTEST)
    keys = _keys(account, another, hands)
    hands.move(hours=1)
    callers = {
        "priya": (account, users["priya"]),
        "manager": (account, manager),
        "viewer": (account, users["nobody"]),
        "deactivated": (account, users["gone"]),
        "another user": (another, users["of another"]),
    }
    signed_in = {
        name: sessions.mint(of.id, id, sessions.SHORTEST)[0] for name, (of, id) in callers.items()
    }
    account.deactivate(users["gone"])
    forged = signed_in["priya"][:-4] + "AAAA"
    return Scene(
        keys | signed_in | {"over": over, "forged": forged},
        users | {"account": account.id, "another": another.id},
    )


def _keys(account: AnAccount, another: AnAccount, hands: Hands) -> dict[str, str]:
    soon = hands.now + Hands.span(minutes=1)
    wanted: dict[str, tuple[Scope, str | None, Any]] = {
        "key": (Scope.ADMIN, None, None),
        "bound": (Scope.ADMIN, account.id, None),
        "reading": (Scope.READ, None, None),
        "rotated": (Scope.READ, None, None),
        "users": (Scope.USERS, account.id, None),
        "of another": (Scope.ADMIN, another.id, None),
        "revoked": (Scope.ADMIN, None, None),
        "expired": (Scope.ADMIN, None, soon),
    }
    made = {
        name: api_keys.create_key(system(), name, [scope], of, expires)
        for name, (scope, of, expires) in wanted.items()
    }
    api_keys.revoke_key(system(), made["revoked"][0].id)
    api_keys.rotate_key(system(), made["rotated"][0].id, Hands.span(days=1))
    return {name: token for name, (_, token) in made.items()}


class _Heard(logging.Handler):
    """What is logged, with the names that stand on each line."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        facts = {name: vars(record).get(name) for name in ("levelname", "operation", "status")}
        facts["failure"] = record.exc_info and repr(record.exc_info[1])
        self.said.append(names_of_the_request() | facts | {"event": record.getMessage()})


@contextmanager
def _heard() -> Iterator[list[dict[str, Any]]]:
    """What is logged inside the block, of requests and of their failures."""
    handler, loggers = _Heard(), [logging.getLogger(name) for name in ("seatkeeper", "licensing")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        yield handler.said
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


def _counted() -> dict[Any, float]:
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in metrics.registry.collect()
        if family.name.startswith(("seatkeeper_request", "seatkeeper_refusals"))
        for sample in family.samples
        if not sample.name.endswith(TIMED)
    }


@dataclass
class Outcome:
    """What came of a request, and how often Flask heard of it."""

    answers: list[Any]
    counted: dict[Any, float]
    said: list[dict[str, Any]]
    statements: list[Any]
    reached_flask: list[bool]

    @property
    def shown(self) -> str:
        """All that is to be the same with the shortcut and without it."""
        told = repr([self.answers, self.counted, self.said, self.statements])
        return NAMED_HERE.sub("req_", told)


@transactional
def _have_no_key_known() -> None:
    """A key is known until something is written; who asks first would look it up for the other."""
    ApiKey.update(version=ApiKey.version + 1).execute()


def _outcome(app: Flask, wsgi: Any, environ: dict[str, Any], case: Case, hands: Hands) -> Outcome:
    with suppress(OperationalError):  # where there is a database
        _have_no_key_known()
    limiter = Limiter(LIMITS, now=lambda: hands.now.timestamp())
    gate, app.extensions["gate"] = app.extensions["gate"], Gate(limiter, auth.authenticate)
    before, answers, reached = _counted(), [], [False] * case.times

    def flask_hears(*_: Any, **__: Any) -> None:
        reached[len(answers)] = True

    with _heard() as said, asked() as seen, request_started.connected_to(flask_hears, app):
        for _ in range(case.times):
            sent = io.BytesIO(case.body)
            request = environ | {"wsgi.input": sent}
            body, status, headers = run_wsgi_app(wsgi, request, buffered=True)
            answers.append((status, sorted(headers), b"".join(body), sent.read()))
    app.extensions["gate"] = gate
    counted = {k: v - before.get(k, 0) for k, v in _counted().items() if v != before.get(k, 0)}
    statements = [(sql, tuple(parameters or ())) for sql, parameters in seen.statements]
    return Outcome(answers, counted, said, statements, reached)


def _with_and_without(
    app: Flask, shortcut: Any, scene: Scene, case: Case, hands: Hands
) -> tuple[Outcome, Outcome]:
    environ = scene.environ(case)

    def without(environ: Any, start_response: Any) -> Any:
        return Flask.wsgi_app(app, environ, start_response)

    first, second = (
        _outcome(app, ProxyFix(wsgi, x_for=1, x_proto=0), environ, case, hands)
        for wsgi in (shortcut, without)
    )
    return first, second


def _shortcut(app: Flask) -> Any:
    """The shortcut of the application, which stands behind what believes the proxy."""
    found = app.wsgi_app.app  # type: ignore[attr-defined]
    assert isinstance(found, Shortcut)
    return found


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_it_answers_as_flask_does(app: Flask, scene: Scene, case: Case, hands: Hands) -> None:
    shortcut, flask = _with_and_without(app, _shortcut(app), scene, case, hands)

    assert shortcut.shown == flask.shown
    assert shortcut.answers[-1][0].startswith(str(case.status))
    assert len(shortcut.said) == case.times
    assert shortcut.reached_flask[-1] == case.reaches_flask
    assert all(flask.reached_flask)


def test_it_answers_as_flask_does_where_the_database_is_away(
    app: Flask, scene: Scene, service: Settings, hands: Hands, tmp_path: Path
) -> None:
    db.close()
    db.open_database(Settings(database_url=f"sqlite:///{tmp_path}/no/such/folder/file.db"))

    shortcut, flask = _with_and_without(app, _shortcut(app), scene, Case(), hands)

    db.open_database(service)
    assert shortcut.shown == flask.shown
    assert shortcut.answers[-1][0].startswith("503")
    assert [said["levelname"] for said in shortcut.said] == ["WARNING", "INFO"]


SEEN_BY = {
    "HTTP_ORIGIN": "an origin",
    "HTTP_IF_NONE_MATCH": "a known ETag",
    "HTTP_UPGRADE": "a WebSocket",
    "CONTENT_LENGTH": "a body",
}


@pytest.mark.parametrize("forgotten", LOOKED_AT)
def test_a_shortcut_that_overlooked_something_would_be_found(
    app: Flask, scene: Scene, hands: Hands, monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    kept = [name for name in LOOKED_AT if name != forgotten]
    monkeypatch.setattr("licensing.api.shortcut.LOOKED_AT", kept)

    case = CASES[SEEN_BY[forgotten]]
    shortcut, flask = _with_and_without(app, _shortcut(app), scene, case, hands)

    assert shortcut.shown != flask.shown


def test_a_shortcut_that_left_out_a_header_would_be_found(
    app: Flask, scene: Scene, hands: Hands
) -> None:
    class Forgetful(Shortcut):
        def _headers(self, asked: InHand, answer: Answer) -> list[tuple[str, str]]:
            return [(k, v) for k, v in super()._headers(asked, answer) if k != "RateLimit"]

    forgetful = Forgetful(app)
    forgetful._flask = partial(Flask.wsgi_app, app)

    case = CASES["a key of no account"]
    shortcut, flask = _with_and_without(app, forgetful, scene, case, hands)

    assert shortcut.shown != flask.shown


def test_names_that_were_not_sent_are_made_anew(app: Flask, scene: Scene, hands: Hands) -> None:
    shortcut, _ = _with_and_without(app, _shortcut(app), scene, Case(times=2), hands)

    names = [dict(headers)["X-Request-Id"] for _, headers, *_ in shortcut.answers]
    assert len(set(names)) == 2
    assert all(re.fullmatch(NAMED_HERE, name) for name in names)
    assert [said["request_id"] for said in shortcut.said] == names
    assert ids.milliseconds_of(names[0]) <= ids.milliseconds_of(names[1])
