"""What each field takes and what it refuses: types are not guessed."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from marshmallow import ValidationError
from marshmallow.fields import Field

from licensing.api import fields
from licensing.api.kit import Request

TOLD = {"description": "Something", "example": "x"}


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Point(Request):
    x = fields.Integer(min=0, max=9, required=True, description="Across", example=1)


def load(field: Field[Any], value: Any) -> Any:
    """The value as the field reads it from a request."""
    schema = Request.from_dict({"it": field})()
    return schema.load({"it": value})["it"]


def refuses(field: Field[Any], value: Any) -> bool:
    """Whether the field refuses the value."""
    try:
        load(field, value)
    except ValidationError:
        return True
    return False


# --- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a\x00b", id="NUL"),
        pytest.param("\ud800", id="a lone high surrogate"),
        pytest.param("a\udfff", id="a lone low surrogate"),
        pytest.param("a\nb", id="a line break"),
        pytest.param("a\x1bb", id="escape"),
        pytest.param("a\x7fb", id="delete"),
        pytest.param("a\x85b", id="a C1 control"),
        pytest.param("a\u202eb", id="right-to-left override"),
        pytest.param("a\u202ab", id="left-to-right embedding"),
        pytest.param("a\u2066b", id="an isolate"),
        pytest.param("a\u2069b", id="the end of an isolate"),
        pytest.param("", id="nothing"),
        pytest.param("   ", id="blanks only"),
        pytest.param("\u00a0\u2003", id="exotic blanks only"),
        pytest.param("x" * 11, id="too long"),
        pytest.param("e\u0301\u0301" * 10, id="too long even when composed"),
        pytest.param(12, id="an integer"),
        pytest.param(True, id="a boolean"),
        pytest.param(None, id="null"),
        pytest.param(["a"], id="a list"),
        pytest.param({"a": 1}, id="an object"),
    ],
)
def test_a_text_refuses(value: Any) -> None:
    assert refuses(fields.Text(max=10, **TOLD), value)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param("  a b ", "a b", id="trimmed"),
        pytest.param("e\u0301", "\u00e9", id="composed"),
        pytest.param("😀" * 10, "😀" * 10, id="counted in code points"),
        pytest.param("e\u0301" * 10, "\u00e9" * 10, id="counted when composed"),
        pytest.param("العربية", "العربية", id="written from the right"),
    ],
)
def test_a_text_is_kept_trimmed_and_composed(sent: str, kept: str) -> None:
    assert load(fields.Text(max=10, **TOLD), sent) == kept


def test_null_is_taken_only_where_it_is_allowed() -> None:
    assert load(fields.Text(max=10, allow_none=True, **TOLD), None) is None


@pytest.mark.parametrize("value", ["Core", "1st", "_a", "a-b", "a b", "ä", "a" * 65, "", "a\n"])
def test_a_name_refuses(value: str) -> None:
    assert refuses(fields.Name(**TOLD), value)


def test_a_name_has_lower_case_letters_digits_and_underscores() -> None:
    assert load(fields.Name(**TOLD), "core_2") == "core_2"


def test_an_id_is_any_short_text_since_an_unknown_one_is_looked_up_later() -> None:
    field = fields.Id("usr", description="Somebody")

    assert load(field, "not even with a prefix") == "not even with a prefix"
    assert refuses(field, "x" * 65)
    assert refuses(field, "usr_\x00")


@pytest.mark.parametrize(
    "value", ["a", "a@", "@b", "a b@c", "a@b@c", "a@b c", "a@" + "b" * 253, "<a@b>", "a@b,c@d", 5]
)
def test_an_email_address_refuses(value: Any) -> None:
    assert refuses(fields.Email(**TOLD), value)


@pytest.mark.parametrize("value", ["a@b.example", "o'neill+x@sub.example.com", "ü@münchen.example"])
def test_an_email_address_takes(value: str) -> None:
    assert load(fields.Email(**TOLD), f" {value} ") == value


@pytest.mark.parametrize("value", ["eur", "EURO", "EU", "E1R", "ЕUR", 978])
def test_a_currency_is_three_capital_letters(value: Any) -> None:
    assert refuses(fields.Currency(**TOLD), value)
    assert load(fields.Currency(**TOLD), "EUR") == "EUR"


@pytest.mark.parametrize(
    "value", ["Mars/Base", "../../etc/passwd", "/etc/localtime", "", "UTC\x00"]
)
def test_a_time_zone_that_nobody_knows_is_refused(value: str) -> None:
    assert refuses(fields.TimeZone(**TOLD), value)


def test_a_time_zone_is_one_of_the_iana_data_base() -> None:
    assert load(fields.TimeZone(**TOLD), "Europe/Berlin") == "Europe/Berlin"


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["12", 1.9, 1.0, True, None, [], -1, 101, 10**30, "0x1"])
def test_an_integer_is_neither_guessed_nor_rounded(value: Any) -> None:
    assert refuses(fields.Integer(min=0, max=100, description="n", example=1), value)


@pytest.mark.parametrize("value", [0, 100])
def test_the_bounds_of_an_integer_belong_to_it(value: int) -> None:
    assert load(fields.Integer(min=0, max=100, description="n", example=1), value) == value


@pytest.mark.parametrize(
    "value",
    ["", "1_0", " 7 ", "+7", "-0", "007", "1.0", "1e3", "٧", "७", "7\n", "9" * 19, "9" * 5000],
)
def test_an_integer_in_a_query_is_plain_digits(value: str) -> None:
    assert refuses(fields.QueryInteger(description="n", example=1), value)


def test_an_integer_in_a_query_is_bounded() -> None:
    field = fields.QueryInteger(min=1, max=200, description="n", example=1)

    assert load(field, "200") == 200
    assert refuses(field, "201")
    assert refuses(field, "0")


@pytest.mark.parametrize("value", ["true", 1, 0, None, "yes"])
def test_a_boolean_is_not_guessed(value: Any) -> None:
    assert refuses(fields.Boolean(description="b", example=True), value)


@pytest.mark.parametrize("value", ["True", "1", "yes", "on", "", "TRUE"])
def test_a_boolean_in_a_query_is_true_or_false(value: str) -> None:
    field = fields.QueryBoolean(description="b", example=True)

    assert refuses(field, value)
    assert (load(field, "true"), load(field, "false")) == (True, False)


# --- times and choices ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("2026-11-23T10:15:30", id="no zone"),
        pytest.param("2026-11-23", id="a date"),
        pytest.param("2026-02-30T00:00:00Z", id="no such day"),
        pytest.param("2026-11-23T24:00:00Z", id="hour 24"),
        pytest.param("2026-12-31T23:59:60Z", id="a leap second"),
        pytest.param("0000-01-01T00:00:00Z", id="year 0"),
        pytest.param("1999-12-31T23:59:59.999Z", id="before 2000"),
        pytest.param("2100-01-01T00:00:01Z", id="after 2100"),
        pytest.param("9999-12-31T23:59:59-14:00", id="out of range in UTC"),
        pytest.param("0001-01-01T00:00:00+14:00", id="before all time in UTC"),
        pytest.param("2026-11-23T10:15:30+25:00", id="no such offset"),
        pytest.param("2026-11-23 10:15:30Z", id="a blank for the T"),
        pytest.param("20261123T101530Z", id="the basic form"),
        pytest.param("٢026-11-23T10:15:30Z", id="other digits"),
        pytest.param(1763892930, id="a number"),
        pytest.param("", id="nothing"),
    ],
)
def test_an_instant_refuses(value: Any) -> None:
    assert refuses(fields.Instant(**TOLD), value)


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-23T10:15:30.123999Z",
        "2026-11-23T10:15:30.123Z",
        "2026-11-23t11:15:30.123+01:00",
        "2026-11-22T20:15:30.123-14:00",
        "2026-11-23T10:15:30.123999999Z",
    ],
)
def test_an_instant_is_kept_in_utc_and_cut_to_milliseconds(value: str) -> None:
    assert load(fields.Instant(**TOLD), value) == datetime(2026, 11, 23, 10, 15, 30, 123000, UTC)


def test_a_choice_becomes_a_member_of_its_enumeration() -> None:
    assert load(fields.Choice(Colour, description="c"), "red") is Colour.RED


@pytest.mark.parametrize("value", ["RED", "green", "", 1, None, ["red"], {"red": 1}])
def test_a_choice_refuses_what_is_not_in_its_enumeration(value: Any) -> None:
    assert refuses(fields.Choice(Colour, description="c"), value)


def test_a_choice_can_be_narrowed_and_can_allow_null() -> None:
    field = fields.Choice(Colour, only=(Colour.RED,), allow_none=True, description="c")

    assert refuses(field, "blue")
    assert (load(field, "red"), load(field, None)) == (Colour.RED, None)


# --- collections ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"bad key": "a"}, id="a blank in a key"),
        pytest.param({"": "a"}, id="an empty key"),
        pytest.param({"k" * 41: "a"}, id="a long key"),
        pytest.param({"ü": "a"}, id="a key beyond ASCII"),
        pytest.param({"\ud800": "a"}, id="a key that is no text"),
        pytest.param({"k": ""}, id="an empty text"),
        pytest.param({"k": "x" * 501}, id="a long text"),
        pytest.param({"k": "\x00"}, id="NUL"),
        pytest.param({"k": 1}, id="a number"),
        pytest.param({"k": None}, id="null"),
        pytest.param({"k": {"a": "b"}}, id="an object"),
        pytest.param({f"k{n}": "a" for n in range(21)}, id="too many"),
        pytest.param([], id="a list"),
        pytest.param("a", id="a text"),
    ],
)
def test_metadata_refuses(value: Any) -> None:
    assert refuses(fields.Metadata(), value)


def test_metadata_is_a_few_short_texts() -> None:
    assert load(fields.Metadata(), {"a.B-1_c": " x "}) == {"a.B-1_c": "x"}


def test_in_a_patch_null_removes_a_key_of_metadata() -> None:
    assert load(fields.MetadataPatch(), {"a": None, "b": "x"}) == {"a": None, "b": "x"}
    assert load(fields.MetadataPatch(), None) is None


def test_a_list_has_bounds_and_checks_its_items() -> None:
    field = fields.ListOf(fields.Name(**TOLD), min=1, max=2, description="names")

    assert load(field, ["a", "b"]) == ["a", "b"]
    for wrong in ([], ["a", "b", "c"], ["A"], "a", {"a": 1}, None, [None]):
        assert refuses(field, wrong)


def test_no_two_items_of_a_list_may_agree_where_they_have_to_differ() -> None:
    point = fields.Nested(Point, description="A point")
    field = fields.ListOf(point, max=5, unique="x", description="points")

    assert load(field, [{"x": 1}, {"x": 2}]) == [{"x": 1}, {"x": 2}]
    assert refuses(field, [{"x": 1}, {"x": 1}])


@pytest.mark.parametrize("value", [{}, {"x": "1"}, {"x": 1, "y": 2}, None, [], "x", 5])
def test_an_object_inside_is_as_strict_as_the_one_around_it(value: Any) -> None:
    assert refuses(fields.Nested(Point, description="A point"), value)
