"""Commands that can be repeated safely (R18)."""

import pytest
from flask import Flask

from licensing.db import db
from licensing.models import IdempotencyKey
from licensing.rules.permissions import Scope
from tests.http import calling
from tests.world import an_account

BUY = {"seat_type": "core", "quantity": 5}


def test_r18_the_same_key_gives_the_same_answer_and_has_one_effect(app: Flask) -> None:
    account = an_account(core=1)
    api = calling(app, account)

    first = api.post("purchases", BUY, key="order-1")
    again = api.post("purchases", BUY, key="order-1")

    assert (again.status_code, again.data) == (201, first.data)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert account.numbers("core") == (6, 0, 0)


def test_r18_headers_are_repeated_too(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = calling(app, account)
    body = {"user_id": priya, "seat_type": "core"}

    first = api.post("seats", body, key="a")
    again = api.post("seats", body, key="a")

    for name in ("ETag", "Location", "Content-Type"):
        assert again.headers[name] == first.headers[name]


def test_r18_another_request_with_the_same_key_is_refused(app: Flask) -> None:
    account = an_account(core=1)
    api = calling(app, account)
    api.post("purchases", BUY, key="order-1")

    other_body = api.post("purchases", BUY | {"quantity": 6}, key="order-1")
    other_path = api.post("purchases/preview", BUY, key="order-1")

    for answer in (other_body, other_path):
        assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
    assert account.numbers("core") == (6, 0, 0)


def test_r18_a_key_belongs_to_one_caller_and_one_account(app: Flask) -> None:
    account, other = an_account(core=1), an_account(core=1)
    everywhere = calling(app, account, bound=False)

    answers = [
        everywhere.post("purchases", BUY, key="order-1"),
        everywhere.post(f"/v1/accounts/{other.id}/purchases", BUY, key="order-1"),
        calling(app, account).post("purchases", BUY, key="order-1"),
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert (account.numbers("core"), other.numbers("core")) == ((11, 0, 0), (6, 0, 0))


def test_r18_what_was_refused_is_tried_again(app: Flask) -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    priya = account.user("Priya")
    api = calling(app, account)
    body = {"user_id": priya, "seat_type": "core"}

    refused = api.post("seats", body, key="a")
    api.post("purchases", BUY, key="b")
    tried_again = api.post("seats", body, key="a")

    assert (refused.status_code, tried_again.status_code) == (409, 201)
    assert "Idempotency-Replayed" not in tried_again.headers


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("purchases", BUY, id="a purchase"),
        pytest.param(
            "subscriptions",
            {"product": "content", "tier": "starter", "interval": "year", "seats": []},
            id="a checkout",
        ),
    ],
)
def test_r18_what_costs_money_needs_a_key(app: Flask, path: str, body: dict[str, object]) -> None:
    account = an_account()

    answer = calling(app, account).post(path, body)

    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_required")
    assert account.happened() == []


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", '"unfinished', "ümlaut", "a,b"])
def test_r18_a_malformed_key_is_refused(app: Flask, key: str) -> None:
    account = an_account()
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}

    answer = calling(app, account).send("POST", "purchases", BUY, headers)

    assert (answer.status_code, answer.json["code"]) == (400, "malformed_header")
    assert account.happened() == []


def test_r18_a_quoted_key_is_the_same_key(app: Flask) -> None:
    account = an_account(core=1)
    api = calling(app, account)

    api.post("purchases", BUY, key="order-1")
    quoted = api.post("purchases", BUY, key='"order-1"')

    assert quoted.headers["Idempotency-Replayed"] == "true"


def test_a_kept_answer_shows_no_secret_in_the_database(app: Flask) -> None:
    account = an_account()
    api = calling(app, account, Scope.ADMIN)
    body = {"name": "billing", "scopes": ["read"]}

    first = api.post("/v1/api-keys", body, key="a")
    again = api.post("/v1/api-keys", body, key="a")

    stored = str(list(db.execute_sql("SELECT * FROM idempotency_keys")))
    assert again.json["token"] == first.json["token"]
    assert first.json["token"] not in stored
    assert IdempotencyKey.select().count() == 1
