"""Every mistake in every request is refused with the problem that says so, and changes nothing."""

import json
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from licensing.models import TABLES
from licensing.rules.permissions import Scope
from tests.http import calling, document
from tests.mistakes import Mistake, Sent, mistakes, right_request
from tests.world import AnAccount, an_account
from webhooks.models import TABLES as WEBHOOK_TABLES


@pytest.fixture
def account() -> AnAccount:
    """An account with something in it that could be changed."""
    account = an_account()
    account.user("Priya", seats=["core"])
    return account


@pytest.fixture
def client(app: Flask, account: AnAccount) -> FlaskClient:
    """A client with a key that may do everything."""
    client = app.test_client(use_cookies=False)
    token = calling(app, account, Scope.ADMIN, bound=False).headers["Authorization"]
    client.environ_base["HTTP_AUTHORIZATION"] = token
    return client


def _send(client: FlaskClient, sent: Sent) -> Any:
    path = f"{sent.path}?{sent.query}" if sent.query else sent.path
    body = {} if sent.body is None else {"data": json.dumps(sent.body)}
    content_type = None if sent.body is None else "application/json"
    return client.open(
        path, method=sent.method, headers=sent.headers, content_type=content_type, **body
    )


def _differs(client: FlaskClient, mistake: Mistake) -> str:
    """What is wrong with the answer to a mistake; nothing where it is as it has to be."""
    answer = _send(client, mistake.request)
    if answer.mimetype != "application/problem+json":
        return f"{mistake.what} was answered with {answer.status_code}, not with a problem"
    said: dict[str, Any] = answer.json
    named = [error["pointer"] for error in said.get("errors", [])]
    right = (
        (answer.status_code, said["status"]) == (mistake.status, mistake.status)
        and (said["code"], said["type"]) == (mistake.code, f"/problems/{mistake.code}")
        and said["request_id"] == answer.headers["X-Request-Id"]
        and all(error["location"] == mistake.location for error in said.get("errors", []))
        and (not mistake.location or any(name.startswith(mistake.pointer) for name in named))
    )
    return "" if right else f"{mistake.what} was answered with {answer.text}"


def _everything() -> dict[str, list[str]]:
    """All rows of all tables."""
    return {
        model.__name__: sorted(map(repr, model.select().tuples()))
        for model in (*TABLES, *WEBHOOK_TABLES)
    }


def test_every_mistake_in_every_request_is_refused_as_the_contract_says(
    app: Flask, account: AnAccount, client: FlaskClient
) -> None:
    every = list(mistakes(document(app), account.id))
    before = _everything()

    wrong = [told for told in (_differs(client, mistake) for mistake in every) if told]

    assert wrong == []
    assert _everything() == before
    assert len(every) > 4000


def test_a_request_without_a_mistake_would_be_told_from_one(
    app: Flask, account: AnAccount, client: FlaskClient
) -> None:
    right = right_request(document(app), account.id, "post", "/v1/session-tokens")
    right = replace(right, body={"account_id": account.id, "user_id": account.user("Noah")})

    taken = _differs(client, Mistake("a right request", right, 422, "validation_failed", "body"))
    other = _differs(client, Mistake("another code", Sent("GET", "/x"), 404, "gone_for_good"))

    assert "answered with 201" in taken
    assert "not_found" in other


def test_a_path_knows_its_own_methods_and_no_other(app: Flask, client: FlaskClient) -> None:
    for path, operations in document(app)["paths"].items():
        known = {method.upper() for method in operations} - {"PARAMETERS"}
        for method in {"GET", "POST", "PATCH", "DELETE", "PUT", "TRACE", "BREW"} - known:
            answer = client.open(path.replace("{", "").replace("}", ""), method=method)

            allowed = set(answer.headers["Allow"].split(", "))
            assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed"), path
            assert allowed - {"HEAD", "OPTIONS"} == known, path
