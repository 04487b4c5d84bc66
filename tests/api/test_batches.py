"""Batches of seat changes over HTTP, in JSON and CSV (R16)."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from licensing.operations import buying
from licensing.rules.permissions import Permission, Scope
from tests.http import Calling, calling, nobody, signed_in
from tests.world import AnAccount, an_account

HEADER = "action,user_id,email,seat_type,to_user_id,to_email,to_seat_type,give_back"
ASSIGN = {"action": "assign", "user_id": "usr_1", "seat_type": "core"}
LARGEST = 1024 * 1024


def sent_as_csv(
    api: Calling,
    text: str | bytes,
    query: str = "",
    content_type: str = "text/csv",
    key: str | None = None,
) -> TestResponse:
    return api.client.post(
        f"/v1/accounts/{api.account_id}/seat-batches{query}",
        data=text,
        content_type=content_type,
        headers=api.headers | ({"Idempotency-Key": key} if key else {}),
    )


def a_swap(seats: int = 1) -> tuple[AnAccount, str, str]:
    """An account with two full pools, and one who holds a core and one who holds a sales seat."""
    account = an_account(core=seats)
    account.subscribe("sales", seats={"sales": seats})
    return account, account.user(seats=["core"]), account.user(seats=["sales"])


def errors(answer: TestResponse) -> dict[str, str]:
    """The mistakes of a request, by pointer."""
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed"), answer.json
    return {error["pointer"]: error["detail"] for error in answer.json["errors"]}


def test_r16_a_batch_is_applied_and_every_line_answered(app: Flask) -> None:
    account, priya, noah = a_swap()
    api = calling(app, account)
    changes = [
        {"action": "change", "user_id": priya, "seat_type": "core", "to_seat_type": "sales"},
        {"action": "change", "user_id": noah, "seat_type": "sales", "to_seat_type": "core"},
        {"action": "assign", "user_id": priya, "seat_type": "sales"},
    ]

    answer = api.post("seat-batches", {"changes": changes})

    assert answer.status_code == 200
    assert answer.json == {
        "applied": True,
        "dry_run": False,
        "changed": 2,
        "unchanged": 1,
        "refused": 0,
        "lines": [
            {
                "line": number,
                "outcome": outcome,
                "seat": api.get(f"seats/{account.seat(user, seat_type)}").json,
                "problem": None,
            }
            for number, outcome, user, seat_type in [
                (1, "changed", priya, "sales"),
                (2, "changed", noah, "core"),
                (3, "unchanged", priya, "sales"),
            ]
        ],
    }


def test_r16_a_batch_with_a_bad_line_is_refused_as_a_whole(app: Flask) -> None:
    account = an_account(core=1)
    priya, noah = account.user(), account.user()
    account.from_here()
    changes = [ASSIGN | {"user_id": priya}, ASSIGN | {"user_id": noah}]

    answer = calling(app, account).post("seat-batches", {"changes": changes})

    assert (answer.status_code, answer.json["code"]) == (409, "batch_refused")
    assert answer.json["refused"] == 1
    assert answer.json["lines"] == [
        {
            "line": 2,
            "code": "no_seat_available",
            "detail": "No core seat is free: 1 of 1 are assigned; more can be bought.",
        }
    ]
    assert account.happened() == []


def test_r16_a_line_has_the_problem_of_the_single_command(app: Flask) -> None:
    account = an_account(core=1)
    priya, noah = account.user(), account.user(seats=["core"])
    line = {"user_id": priya, "seat_type": "core"}
    api = calling(app, account)
    changes = [ASSIGN | line, ASSIGN | {"user_id": noah, "seat_type": "gold"}]

    answer = api.post("seat-batches?on_error=continue", {"changes": changes})
    single = api.post("seats", line).json

    assert answer.status_code == 200
    assert [found["outcome"] for found in answer.json["lines"]] == ["refused", "refused"]
    of_request = ("type", "status", "instance", "request_id")
    assert answer.json["lines"][0]["problem"] == {
        name: value for name, value in single.items() if name not in of_request
    }
    assert answer.json["lines"][1]["problem"]["code"] == "validation_failed"
    assert (answer.json["applied"], answer.json["changed"], answer.json["refused"]) == (True, 0, 2)


def test_r16_with_continue_the_good_lines_are_applied(app: Flask) -> None:
    account = an_account(core=1)
    priya, noah = account.user(), account.user()
    changes = [ASSIGN | {"user_id": priya}, ASSIGN | {"user_id": noah}]

    answer = calling(app, account).post("seat-batches?on_error=continue", {"changes": changes})

    assert [line["outcome"] for line in answer.json["lines"]] == ["changed", "refused"]
    assert account.seats_of(priya) == ["core"]


@pytest.mark.parametrize(
    ("query", "outcome"),
    [("?dry_run=true", "not_applied"), ("?dry_run=true&on_error=continue", "changed")],
)
def test_r16_a_dry_run_does_nothing(app: Flask, query: str, outcome: str) -> None:
    account = an_account(core=1)
    changes = [ASSIGN | {"user_id": account.user()}, ASSIGN | {"user_id": account.user()}]
    account.from_here()

    answer = calling(app, account).post(f"seat-batches{query}", {"changes": changes})

    assert answer.status_code == 200
    assert (answer.json["applied"], answer.json["dry_run"]) == (False, True)
    assert [line["outcome"] for line in answer.json["lines"]] == [outcome, "refused"]
    assert [line["seat"] for line in answer.json["lines"]] == [None, None]
    assert account.happened() == []


USER = {"user_id": "usr_1", "seat_type": "core"}


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        pytest.param({}, "/changes/1/action", id="nothing"),
        pytest.param({"action": "sell"} | USER, "/changes/1/action", id="an unknown action"),
        pytest.param({"action": "assign", "user_id": "u"}, "/changes/1/seat_type", id="no type"),
        pytest.param({"action": "assign", "seat_type": "core"}, "/changes/1/user_id", id="no user"),
        pytest.param(
            {"action": "assign", "email": "a@example.com"} | USER,
            "/changes/1/email",
            id="a user twice",
        ),
        pytest.param({"action": "transfer"} | USER, "/changes/1/to_user_id", id="to nobody"),
        pytest.param(
            {"action": "transfer", "to_user_id": "u", "to_email": "a@example.com"} | USER,
            "/changes/1/to_email",
            id="to somebody twice",
        ),
        pytest.param({"action": "change"} | USER, "/changes/1/to_seat_type", id="to no type"),
        pytest.param(
            {"action": "assign", "to_user_id": "u"} | USER, "/changes/1/to_user_id", id="assign to"
        ),
        pytest.param(
            {"action": "unassign", "to_email": "a@example.com"} | USER,
            "/changes/1/to_email",
            id="unassign to",
        ),
        pytest.param(
            {"action": "assign", "to_seat_type": "sales"} | USER,
            "/changes/1/to_seat_type",
            id="assign to a type",
        ),
        pytest.param(
            {"action": "transfer", "to_user_id": "u", "give_back": False} | USER,
            "/changes/1/give_back",
            id="transfer and give back",
        ),
        pytest.param(
            {"action": "unassign", "give_back": "true"} | USER, "/changes/1/give_back", id="a text"
        ),
        pytest.param({"action": "assign", "x": 1} | USER, "/changes/1/x", id="an unknown member"),
        pytest.param(
            {"action": "assign", "email": "no address", "seat_type": "core"},
            "/changes/1/email",
            id="no address",
        ),
    ],
)
def test_r16_a_line_that_is_not_as_the_contract_says_is_pointed_to(
    app: Flask, line: dict[str, Any], pointer: str
) -> None:
    account = an_account()

    answer = calling(app, account).post("seat-batches", {"changes": [ASSIGN, line]})

    assert pointer in errors(answer)
    assert all(found.startswith("/changes/1/") for found in errors(answer))


@pytest.mark.parametrize("many", [0, 501])
def test_r16_a_batch_has_1_to_500_lines(app: Flask, many: int) -> None:
    api = calling(app, an_account())
    row = "assign,usr_1,,core,,,,"

    in_json = api.post("seat-batches", {"changes": [ASSIGN] * many})
    in_csv = sent_as_csv(api, "\n".join([HEADER, *[row] * many]))

    assert errors(in_json) == errors(in_csv)
    assert errors(in_json) == {"/changes": "Must have between 1 and 500 items."}


@pytest.mark.parametrize("content_type", ["application/json", "text/csv"])
def test_r16_a_batch_may_be_1_mib_large(app: Flask, content_type: str) -> None:
    api = calling(app, an_account())
    start = b'{"changes": []' if content_type == "application/json" else HEADER.encode() + b"\n"
    end, blank = (b"}", b" ") if content_type == "application/json" else (b"", b"\n")

    largest = start + blank * (LARGEST - len(start + end)) + end
    fits = sent_as_csv(api, largest, content_type=content_type)
    beyond = sent_as_csv(api, largest + b"\n", content_type=content_type)

    assert "/changes" in errors(fits)
    assert (beyond.status_code, beyond.json["code"]) == (413, "payload_too_large")
    assert beyond.json["limit"] == LARGEST


def test_r18_a_batch_is_done_once_with_a_key_in_either_form(app: Flask) -> None:
    account = an_account()
    priya = account.user()
    api = calling(app, account)
    table = f"action,user_id,seat_type\nassign,{priya},core\n"

    first = sent_as_csv(api, table, key="batch-1")
    again = sent_as_csv(api, table, key="batch-1")
    other = sent_as_csv(api, table.replace("assign", "unassign"), key="batch-1")

    assert (first.status_code, again.data) == (200, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert account.happened().count("seat.assigned") == 1


@pytest.mark.parametrize(
    ("permissions", "give_back", "status"),
    [
        pytest.param([Permission.MANAGE_USERS], False, 200, id="taking back takes one"),
        pytest.param([Permission.MANAGE_USERS], True, 403, id="giving back takes another"),
        pytest.param([Permission.MODIFY_BILLING], True, 403, id="the other alone"),
        pytest.param([Permission.MANAGE_USERS, Permission.MODIFY_BILLING], True, 200, id="both"),
    ],
)
def test_r12_giving_back_in_a_batch_needs_both_permissions(
    app: Flask, permissions: list[Permission], give_back: bool, status: int
) -> None:
    account = an_account(core=1)
    priya = account.user(seats=["core"])
    api = signed_in(app, account, account.actor(*permissions).id)
    line = {"action": "unassign", "user_id": priya, "seat_type": "core", "give_back": give_back}

    answer = api.post("seat-batches", {"changes": [line]})

    assert answer.status_code == status
    assert account.numbers("core") == ((1, 0, int(give_back)) if status == 200 else (1, 1, 0))


def test_r12_giving_back_in_a_batch_needs_both_scopes(app: Flask) -> None:
    account = an_account(core=1)
    priya = account.user(seats=["core"])
    table = f"action,user_id,seat_type,give_back\nunassign,{priya},core,true\n"

    refused = sent_as_csv(calling(app, account, Scope.SEATS), table)
    done = sent_as_csv(calling(app, account, Scope.SEATS, Scope.BILLING), table)

    assert (refused.status_code, refused.json["missing"]) == (403, "billing")
    assert (done.status_code, account.numbers("core")) == (200, (1, 0, 1))


def test_the_user_of_another_tenant_does_not_exist_in_a_batch(app: Flask) -> None:
    account, other = an_account(), an_account()
    foreign = other.user(email="canary@example.com", seats=["core"])
    priya = account.user(seats=["core"])
    account.from_here()
    lines = [
        ASSIGN | {"user_id": foreign},
        {"action": "assign", "email": "canary@example.com", "seat_type": "core"},
        {"action": "transfer", "user_id": priya, "seat_type": "core", "to_user_id": foreign},
    ]

    answer = calling(app, account).post("seat-batches", {"changes": lines})

    assert answer.status_code == 409
    assert [line["code"] for line in answer.json["lines"]] == ["not_found"] * 3
    assert (account.events(), other.events()) == ([], [])


# --- CSV ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [pytest.param("", id="plain"), pytest.param("\ufeff", id="with a byte order mark")],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_r16_the_same_batch_as_csv(app: Flask, before: str, end: str) -> None:
    account, priya, noah = a_swap(seats=2)
    buying.purchase_seats(account.by, "core", 1)
    new = account.user(email="New@example.com")
    leaver = account.user(email="odd+1@example.com", seats=["core"])
    rows = [
        HEADER,
        f"change,{priya},,core,,,sales,",
        f"transfer,{noah},,sales,,new@EXAMPLE.com,,",
        'unassign,,"odd+1@example.com",core,,,,true',
        "",
        f"assign,{noah},,core,,,,",
    ]

    answer = sent_as_csv(calling(app, account), before + end.join(rows) + end)

    assert answer.status_code == 200, answer.json
    assert [line["outcome"] for line in answer.json["lines"]] == ["changed"] * 4
    held = [account.seats_of(user) for user in (priya, noah, new, leaver)]
    assert held == [["sales"], ["core"], ["sales"], ["view_only"]]
    assert account.numbers("core") == (3, 1, 1)


def test_r16_the_columns_may_come_in_any_order_and_be_left_out(app: Flask) -> None:
    account = an_account()
    priya = account.user()
    table = f"seat_type,action,user_id\ncore,assign,{priya}"

    answer = sent_as_csv(calling(app, account), table, "?dry_run=true")

    assert answer.json["changed"] == 1


@pytest.mark.parametrize(
    ("rows", "pointer", "detail"),
    [
        pytest.param(
            ["assign,usr_1,,core,,,,", "transfer,usr_1,,core,,,,"],
            "/changes/1/to_user_id",
            "Line 3: Missing data for required field.",
            id="a cell is missing",
        ),
        pytest.param(
            ["", "", "assign,usr_1,,core,,,,true"],
            "/changes/0/give_back",
            "Line 4: Does not go with assign.",
            id="a cell too many",
        ),
        pytest.param(
            ['assign,,"a\nb@example.com",core,,,,', "sell,usr_1,,core,,,,"],
            "/changes/1/action",
            "Line 4: Must be one of: assign, unassign, transfer, change.",
            id="behind a cell of two lines",
        ),
        pytest.param(
            ["unassign,usr_1,,core,,,,TRUE"],
            "/changes/0/give_back",
            "Line 2: Not a valid boolean.",
            id="no boolean",
        ),
    ],
)
def test_r16_a_mistake_in_a_csv_names_its_line(
    app: Flask, rows: list[str], pointer: str, detail: str
) -> None:
    answer = sent_as_csv(calling(app, an_account()), "\n".join([HEADER, *rows]))

    assert errors(answer)[pointer] == detail


@pytest.mark.parametrize(
    ("text", "because"),
    [
        pytest.param(b"", "it has no header", id="nothing"),
        pytest.param(b"\xef\xbb\xbf\n\n", "it has no header", id="a mark and empty lines"),
        pytest.param(b"action,user_id\n\xff", "it is not UTF-8", id="no UTF-8"),
        pytest.param("action,seat_type".encode("utf-16"), "it is not UTF-8", id="UTF-16"),
        pytest.param(b"action,seat_type\na\x00,core", "it has a NUL", id="a NUL"),
        pytest.param(b"action,action\nassign,assign", "line 1 names a column twice", id="twice"),
        pytest.param(b"action,seat_type\nassign", "line 2 has 1 columns, not 2", id="too few"),
        pytest.param(
            b"action,seat_type\n\nassign,core,x", "line 3 has 3 columns, not 2", id="too many"
        ),
        pytest.param(
            b'action,seat_type\nassign,"co"re', "line 2: ',' expected after '\"'", id="a quote"
        ),
        pytest.param(
            b'action,seat_type\nassign,"core', "line 2: unexpected end of data", id="an open quote"
        ),
        pytest.param(
            b"action,seat_type\nassign," + b"x" * 200_000,
            "line 2: field larger than field limit (131072)",
            id="an endless cell",
        ),
    ],
)
def test_r16_what_is_no_csv_is_refused_with_the_line(app: Flask, text: bytes, because: str) -> None:
    answer = sent_as_csv(calling(app, an_account()), text)

    assert (answer.status_code, answer.json["code"]) == (400, "malformed_csv")
    assert answer.json["because"] == because


def test_r16_an_unknown_column_is_refused(app: Flask) -> None:
    answer = sent_as_csv(calling(app, an_account()), "\naction,Seat Type,x\ud7ff\nassign,core,\n")

    details = [error["detail"] for error in answer.json["errors"]]
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    known = HEADER.replace(",", ", ")
    assert details == [
        f"Line 2: there is no column 'Seat Type'; known are {known}.",
        f"Line 2: there is no column 'x\\ud7ff'; known are {known}.",
    ]


@pytest.mark.parametrize(
    ("content_type", "headers", "code"),
    [
        pytest.param("text/plain", {}, "unsupported_media_type", id="another type"),
        pytest.param("text/csv; charset=latin1", {}, "unsupported_media_type", id="another set"),
        pytest.param("text/csv", {"Content-Encoding": "gzip"}, "unsupported_encoding", id="gzip"),
    ],
)
def test_r16_a_body_of_another_type_is_refused(
    app: Flask, content_type: str, headers: dict[str, str], code: str
) -> None:
    api = calling(app, an_account())
    api.headers |= headers

    answer = sent_as_csv(api, HEADER, content_type=content_type)

    assert (answer.status_code, answer.json["code"]) == (415, code)
    if code == "unsupported_media_type":
        assert answer.json["accepted"] == ["application/json", "text/csv"]


def test_no_other_operation_takes_csv(app: Flask) -> None:
    api = calling(app, an_account())

    answer = api.client.post(
        f"/v1/accounts/{api.account_id}/seats",
        data="user_id,seat_type\nusr_1,core",
        content_type="text/csv",
        headers=api.headers,
    )

    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


def test_r10_whoever_may_not_learns_nothing_of_a_csv(app: Flask) -> None:
    account = an_account()
    viewer = signed_in(app, account, account.user())

    answers = [
        sent_as_csv(nobody(app, account), b"\xff"),
        sent_as_csv(viewer, b"\xff", content_type="text/csv"),
    ]

    assert [answer.status_code for answer in answers] == [401, 403]
