"""A list as a CSV file: whole, of one state of the data, safe to open in a spreadsheet (R27)."""

import csv
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from licensing import db
from licensing.api import fields
from licensing.api.csv_answer import LARGEST_IN_MEMORY, CsvForm
from licensing.api.documenting import document
from licensing.api.kit import Blueprint, Page, Response, build_api
from licensing.models import User
from licensing.row_security import EVERY_ACCOUNT
from licensing.rules.permissions import NOBODY_IN_PARTICULAR, Actor
from tests.world import an_account

CSV = "text/csv"
FORM = CsvForm("things", ("id", "tags", "due", "size", "new"))
READ = CsvForm("things", ("id", "tags"), line=lambda item: item | {"tags": len(item["tags"])})


class Thing(Response):
    """A thing."""

    id = fields.Text(max=9, description="Its id", example="t1")
    tags = fields.ListOf(
        fields.Text(max=9, description="A tag", example="a"), max=9, description="Tags"
    )
    due = fields.Instant(allow_none=True, description="When", example=None)
    size = fields.Integer(description="How large", example=-1)
    new = fields.Boolean(description="Whether it is new", example=True)


def a_thing(id: str = "t1", **more: Any) -> dict[str, Any]:
    return {"id": id, "tags": ["a", "b"], "due": None, "size": -1, "new": True} | more


def an_app(pages: list[Callable[[], list[dict[str, Any]]]], form: CsvForm = FORM) -> Flask:
    """An application with a list that has these pages, whatever limit is asked for."""
    blp = Blueprint("things", __name__, description="Things")

    @blp.get("/things")
    @blp.needs(NOBODY_IN_PARTICULAR)
    @blp.lists(Thing, csv=form)
    def list_things(actor: Actor, query: dict[str, Any]) -> Page:
        """List things

        All of them."""
        number = int(query.get("cursor") or 0)
        more = number + 1 < len(pages)
        return Page(pages[number](), str(number + 1) if more else None)

    app = Flask("things")
    build_api(app).register_blueprint(blp)
    return app


def asked(app: Flask, query: str = "", accept: str = CSV) -> TestResponse:
    with db.connection(EVERY_ACCOUNT):
        return app.test_client().get(
            f"/v1/things{query}", headers={"Accept": accept}, buffered=True
        )


def rows_of(answer: TestResponse) -> list[list[str]]:
    return list(csv.reader(StringIO(answer.data.decode("utf-8-sig"), newline=""), strict=True))


def test_r27_the_file_has_every_page_of_the_list_whatever_window_is_asked_for() -> None:
    app = an_app([lambda: [a_thing("t1"), a_thing("t2")], lambda: [a_thing("t3")], list])

    for query in ("", "?limit=1", "?cursor=2", "?include_total=true"):
        answer = asked(app, query)
        assert [row[0] for row in rows_of(answer)] == ["id", "t1", "t2", "t3"], query

    assert asked(app, "?limit=0").status_code == 422


def test_r27_the_file_is_as_rfc_4180_says_with_a_mark_for_excel_and_a_name(hands: Any) -> None:
    answer = asked(an_app([lambda: [a_thing('a "b", c', due="2026-11-23T00:00:00.000Z")]]))

    assert answer.data == (
        "\ufeffid,tags,due,size,new\r\n"
        '"a ""b"", c",a b,2026-11-23T00:00:00.000Z,-1,true\r\n'.encode()
    )
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Length"] == str(len(answer.data))
    name = f"things-{hands.read():%Y-%m-%d}.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["Vary"] == "Accept"
    assert answer.headers["Cache-Control"] == "no-store"


def test_r27_a_form_says_how_an_item_becomes_a_line() -> None:
    assert READ.lines([a_thing(), a_thing("t2", tags=[])]) == "t1,2\r\nt2,0\r\n"
    assert FORM.lines([a_thing(tags=[], size=None, new=False)]) == "t1,,,,false\r\n"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        pytest.param("=1+1", "'=1+1", id="equals"),
        pytest.param("+49 40 123", "'+49 40 123", id="plus"),
        pytest.param("-1", "'-1", id="minus"),
        pytest.param("@sum(a1)", "'@sum(a1)", id="at"),
        pytest.param("\t=1", "'\t=1", id="tab"),
        pytest.param("\r1", "'\r1", id="carriage return"),
        pytest.param("\n1", "'\n1", id="line feed"),
        pytest.param("  =1", "'  =1", id="blanks before it"),
        pytest.param('"=1', "'\"=1", id="a quotation mark before it"),
        pytest.param("＝1", "'＝1", id="equals of full width"),
        pytest.param("x;=1;+2", "x;'=1;'+2", id="a cell where the semicolon separates"),
        pytest.param("Smith-Jones", "Smith-Jones", id="a hyphen inside"),
        pytest.param("a=b; c", "a=b; c", id="an equals sign inside"),
        pytest.param("'quoted'", "'quoted'", id="an apostrophe"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_r27_what_a_spreadsheet_would_run_is_made_text(text: str, cell: str) -> None:
    (row,) = csv.reader(StringIO(READ.lines([a_thing(text)]), newline=""), strict=True)

    assert row[0] == cell


def test_r27_a_tag_in_a_list_is_made_text_too_and_a_number_stays_one() -> None:
    assert FORM.lines([a_thing(tags=["=1", "b"])]) == "t1,'=1 b,,-1,true\r\n"


def test_r27_json_is_answered_unless_csv_is_preferred() -> None:
    app = an_app([lambda: [a_thing()]])

    for accept in ("", "*/*", "text/html", "text/csv;q=0.5, application/json", "image/png"):
        answer = asked(app, accept=accept)
        assert answer.mimetype == "application/json", accept
        assert answer.json["items"] == [a_thing()]
        assert answer.headers["Vary"] == "Accept"
    for accept in ("text/csv", "text/*", "application/json;q=0.5, text/csv"):
        assert asked(app, accept=accept).mimetype == CSV, accept


def test_r27_a_large_file_is_sent_in_parts_from_the_disk_and_a_small_one_at_once() -> None:
    many = [a_thing(f"t{number}", tags=["x" * 100] * 10) for number in range(500)]
    small, large = asked(an_app([lambda: many])), asked(an_app([lambda: many] * 4))

    assert int(small.headers["Content-Length"]) < LARGEST_IN_MEMORY < len(large.data)
    assert (len(rows_of(small)), len(rows_of(large))) == (501, 2001)
    assert large.headers["Content-Length"] == str(len(large.data))


def test_r27_memory_stays_the_same_however_long_the_list() -> None:
    def a_page() -> list[dict[str, Any]]:
        return [a_thing("t", tags=["x" * 1000]) for _ in range(200)]

    app = an_app([a_page])
    asked(app)

    peaks = []
    for pages in (10, 100):
        app = an_app([a_page] * pages)
        tracemalloc.start()
        response = app.test_client().get("/v1/things", headers={"Accept": CSV}, buffered=False)
        length = sum(len(part) for part in response.response)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        response.close()
        assert length == int(response.headers["Content-Length"]) > pages * 200_000

    assert peaks[1] < 1.2 * peaks[0] + 500_000, peaks


def test_r27_an_error_on_the_way_is_answered_as_one_and_not_with_half_a_file() -> None:
    def broken() -> list[dict[str, Any]]:
        raise ValueError("the third page cannot be read")

    answer = asked(an_app([lambda: [a_thing()], lambda: [a_thing()], broken]))

    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "Content-Disposition" not in answer.headers


def test_r27_every_page_is_read_from_the_same_state_of_the_data() -> None:
    account = an_account()
    seen = []

    def counting() -> list[dict[str, Any]]:
        seen.append(User.select().where(User.account_id == account.id).count())
        return [a_thing()]

    def counting_while_others_write() -> list[dict[str, Any]]:
        items = counting()
        with ThreadPoolExecutor(1) as other:
            other.submit(_add_a_user, account).result()
        return items

    asked(an_app([counting_while_others_write, counting, counting]))
    asked(an_app([counting]))

    assert seen == [0, 0, 0, 1]


def _add_a_user(account: Any) -> None:
    with db.connection(EVERY_ACCOUNT):
        account.user()
        db.close()


def test_r27_the_contract_shows_the_file_with_its_name() -> None:
    app = an_app([list])
    with app.test_request_context():
        declared = app.view_functions["things.list_things"].declared

    documented = document(declared)

    assert "`Accept: text/csv`" in documented["description"]
    described = documented["responses"][200]
    assert described["content"][CSV]["example"] == "\ufeffid,tags,due,size,new\r\nt1,a,,-1,true\r\n"
    assert "Content-Disposition" in described["headers"]
