"""The seats table over HTTP: what is asked, what is shown, and the file (R27)."""

import csv
from io import StringIO
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from licensing import clock
from licensing.api.seats_table import SEAT_TABLE
from licensing.operations.activity import record_activity
from tests.http import Calling, calling, signed_in
from tests.world import AnAccount, Hands, an_account


def a_scene() -> AnAccount:
    """Six users who differ in everything that can be asked for."""
    account = an_account(core=5, name="Acme")
    account.subscribe("sales", seats={"sales": 3})
    account.user("Priya Raghavan", email="priya@example.com", seats=["core", "sales"])
    zoe = account.user("Zoë Straße", email="zoe@example.com", seats=["core"])
    account.user("=HYPERLINK(1)", email="+1@example.com", external_id="-2+3")
    account.user('Noah, the "second"', email="noah@example.com", status="invited")
    account.user("Ada", email="ada@example.com", status="invited", seats=["sales"])
    account.deactivate(account.user("Mateus", email="m@example.com"))
    record_activity(account.by, zoe)
    return account


def names(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [row["name"].split()[0].strip(",") for row in answer.json["items"]]


def file_of(api: Calling, query: str = "") -> TestResponse:
    return api.get(f"seat-table{query}", Accept="text/csv")


def lines_of(answer: TestResponse) -> list[dict[str, str]]:
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    return list(csv.DictReader(StringIO(answer.data.decode("utf-8-sig"), newline=""), strict=True))


def test_r27_the_table_is_searched_filtered_and_sorted(app: Flask, hands: Hands) -> None:
    api = calling(app, a_scene())
    now = clock.to_text(clock.now()).replace(":", "%3A")

    for query, expected in {
        "": ["=HYPERLINK(1)", "Ada", "Mateus", "Noah", "Priya", "Zoë"],
        "sort=-name": ["Zoë", "Priya", "Noah", "Mateus", "Ada", "=HYPERLINK(1)"],
        "sort=email": ["=HYPERLINK(1)", "Ada", "Mateus", "Noah", "Priya", "Zoë"],
        "sort=-last_active_at&limit=1": ["Zoë"],
        "sort=created_at&limit=2": ["Priya", "Zoë"],
        "search=zoe": ["Zoë"],
        "search=STRASSE%20zo": ["Zoë"],
        "search=%25": [],
        "seat_type=sales": ["Ada", "Priya"],
        "seat_type=none_of_that_name": [],
        "holding=paid": ["Ada", "Priya", "Zoë"],
        "holding=unpaid": ["=HYPERLINK(1)", "Mateus"],
        "holding=any&status=deactivated": ["Mateus"],
        "holding=none": ["Noah"],
        "invitation=pending&seat_type=sales": ["Ada"],
        "invitation=expired": [],
        f"inactive_since={now}": [],
    }.items():
        assert names(api.get(f"seat-table?{query}")) == expected, query
    hands.move(days=20)
    assert names(api.get("seat-table?invitation=expired")) == ["Ada", "Noah"]
    assert len(names(api.get(f"seat-table?inactive_since={clock.to_text(clock.now())}"))) == 6


def test_r27_pages_go_on_with_the_same_filters_only(app: Flask) -> None:
    api = calling(app, a_scene())

    first = api.get("seat-table?holding=paid&limit=2&include_total=true").json
    cursor = first["next_cursor"]
    second = api.get(f"seat-table?holding=paid&limit=2&cursor={cursor}")

    assert (first["total"], names(second), second.json["next_cursor"]) == (3, ["Zoë"], None)
    for query in ("", "&holding=any", "&holding=paid&sort=-name", "&holding=paid&search=z"):
        refused = api.get(f"seat-table?cursor={cursor}{query}")
        assert (refused.status_code, refused.json["code"]) == (400, "invalid_cursor"), query


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("search=", "/search"),
        ("search=%20", "/search"),
        (f"search={'x' * 201}", "/search"),
        ("search=%00", "/search"),
        ("seat_type=Core", "/seat_type"),
        ("holding=maybe", "/holding"),
        ("status=gone", "/status"),
        ("invitation=lost", "/invitation"),
        ("inactive_since=2026-01-01", "/inactive_since"),
        ("sort=size", "/sort"),
        ("sort=--name", "/sort"),
        ("limit=201", "/limit"),
        ("page=2", "/page"),
    ],
)
def test_r27_what_cannot_be_asked_is_named(app: Flask, query: str, pointer: str) -> None:
    api = calling(app, an_account())

    for accept in ("application/json", "text/csv"):
        answer = api.get(f"seat-table?{query}", Accept=accept)
        assert answer.status_code == 422, answer.text
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


def test_r27_the_file_has_every_row_that_matches_and_no_formula(app: Flask) -> None:
    account = a_scene()
    api = calling(app, account)

    answer = file_of(api, "?limit=1")
    rows = api.get("seat-table").json["items"]

    assert list(lines_of(answer)[0]) == list(SEAT_TABLE.columns)
    assert [line["user_id"] for line in lines_of(answer)] == [row["user_id"] for row in rows]
    by_mail = {line["email"]: line for line in lines_of(answer)}
    assert by_mail["'+1@example.com"]["name"] == "'=HYPERLINK(1)"
    assert by_mail["'+1@example.com"]["external_id"] == "'-2+3"
    priya, noah = by_mail["priya@example.com"], by_mail["noah@example.com"]
    (shown,) = (row for row in rows if row["user_id"] == priya["user_id"])
    assert priya["seat_types"] == "core sales"
    assert priya["seat_ids"].split() == [seat["id"] for seat in shown["seats"]]
    assert priya["assigned_at"].split() == [seat["assigned_at"] for seat in shown["seats"]]
    assert (priya["partner_eligible"], priya["invitation"]) == ("false", "")
    assert (noah["name"], noah["invitation"], noah["seat_types"]) == (
        'Noah, the "second"',
        "pending",
        "",
    )
    assert "seat-table-" in answer.headers["Content-Disposition"]
    filtered = lines_of(file_of(api, "?holding=paid&sort=-name"))
    assert [line["name"] for line in filtered] == ["Zoë Straße", "Priya Raghavan", "Ada"]
    assert lines_of(file_of(api, "?search=nobody")) == []


def test_r27_any_user_of_the_account_may_look_and_nobody_else(app: Flask) -> None:
    account, other = a_scene(), an_account()
    viewer = signed_in(app, account, account.user("Viewer"))

    assert len(names(viewer.get("seat-table"))) == 7
    assert len(lines_of(file_of(viewer))) == 7
    for path in (f"/v1/accounts/{other.id}/seat-table", "/v1/accounts/acc_none/seat-table"):
        for accept in ("application/json", "text/csv"):
            answer: Any = viewer.get(path, Accept=accept)
            assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
