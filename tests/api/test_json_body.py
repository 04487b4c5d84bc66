"""Reading a JSON body strictly, one hostile body at a time."""

from typing import Any

import pytest
from flask import Flask, request

from licensing.api.json_body import DEEPEST, JSON, LARGEST_BODY, MERGE_PATCH, read_object
from licensing.api.request_refusals import RequestRefused, ValidationFailed
from licensing.rules.refusals import Refusal

APP = Flask("bodies")


def read(body: bytes, content_type: str | None = JSON, **more: Any) -> dict[str, Any]:
    """The object in a body."""
    how = {name: more.pop(name) for name in ("required", "largest") if name in more}
    with APP.test_request_context("/", method="POST", data=body, content_type=content_type, **more):
        return read_object(request, (JSON,), **how)


def refusal(body: bytes, *arguments: Any, **more: Any) -> tuple[int, str]:
    """Status and code with which a body is refused."""
    with pytest.raises(Refusal) as refused:
        read(body, *arguments, **more)
    assert isinstance(refused.value, RequestRefused)
    return refused.value.status, refused.value.code


def nested(levels: int) -> bytes:
    """An object with so many levels, itself the first."""
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def test_an_object_is_read() -> None:
    assert read('{"a": [1, 2.5, null, true, "ü"]}'.encode()) == {"a": [1, 2.5, None, True, "ü"]}


def test_an_empty_object_is_a_body() -> None:
    assert read(b"{}") == {}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"", (400, "body_required"), id="nothing"),
        pytest.param(b" ", (400, "malformed_json"), id="a blank"),
        pytest.param(b"{", (400, "malformed_json"), id="half an object"),
        pytest.param(b"{'a': 1}", (400, "malformed_json"), id="wrong quotes"),
        pytest.param(b"{} {}", (400, "malformed_json"), id="two objects"),
        pytest.param(b'{"a": "\x00"}', (400, "malformed_json"), id="a raw NUL"),
        pytest.param(b'{"a": "\xff"}', (400, "malformed_json"), id="no UTF-8"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', (400, "malformed_json"), id="a raw surrogate"),
        pytest.param('{"a": 1}'.encode("utf-16"), (400, "malformed_json"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf{}", (400, "malformed_json"), id="a byte order mark"),
        pytest.param(b'{"a": NaN}', (400, "malformed_json"), id="NaN"),
        pytest.param(b'{"a": Infinity}', (400, "malformed_json"), id="infinity"),
        pytest.param(b'{"a": -Infinity}', (400, "malformed_json"), id="minus infinity"),
        pytest.param(b'{"a": 1e400}', (400, "malformed_json"), id="an infinite number"),
        pytest.param(b'{"a": 01}', (400, "malformed_json"), id="a leading zero"),
        pytest.param(b'{"a": 1, "a": 1}', (400, "duplicate_key"), id="a member twice"),
        pytest.param(b'{"a": {"b": 1, "\\u0062": 2}}', (400, "duplicate_key"), id="escaped twice"),
        pytest.param(b"[]", (422, "body_must_be_object"), id="a list"),
        pytest.param(b"null", (422, "body_must_be_object"), id="null"),
        pytest.param(b"5", (422, "body_must_be_object"), id="a number"),
        pytest.param(b'"a"', (422, "body_must_be_object"), id="a text"),
        pytest.param(b'{"a": ' + b"9" * 19 + b"}", (422, "validation_failed"), id="19 digits"),
        pytest.param(b'{"a": -' + b"9" * 19 + b"}", (422, "validation_failed"), id="minus 19"),
        pytest.param(b'{"a": 1' + b"0" * 5000 + b"}", (422, "validation_failed"), id="5000"),
        pytest.param(nested(DEEPEST + 1), (400, "too_deep"), id="one level too deep"),
        pytest.param(nested(3000), (400, "too_deep"), id="3000 levels"),
        pytest.param(nested(30_000), (400, "too_deep"), id="30000 levels"),
        pytest.param(b"[" * 30_000, (400, "too_deep"), id="30000 levels that never close"),
        pytest.param(b'{"a":' * 10_000, (400, "too_deep"), id="10000 objects"),
    ],
)
def test_a_body_that_could_be_read_in_two_ways_is_refused(
    body: bytes, expected: tuple[int, str]
) -> None:
    assert refusal(body) == expected


@pytest.mark.parametrize("body", [nested(DEEPEST), b'{"a": ' + b"9" * 18 + b"}"])
def test_what_is_just_allowed_is_read(body: bytes) -> None:
    assert "a" in read(body)


def test_no_body_is_an_empty_object_where_none_is_required() -> None:
    assert read(b"", None, required=False) == {}


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "text/json", MERGE_PATCH, "???"],
)
def test_only_the_accepted_types_are_taken(content_type: str | None) -> None:
    assert refusal(b"{}", content_type) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_parameters_and_case_of_the_type_do_not_matter(content_type: str) -> None:
    assert read(b"{}", content_type) == {}


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x"])
def test_a_compressed_body_is_refused(encoding: str) -> None:
    headers = {"Content-Encoding": encoding}

    assert refusal(b"{}", headers=headers) == (415, "unsupported_encoding")


def test_identity_is_no_compression() -> None:
    assert read(b"{}", headers={"Content-Encoding": "identity"}) == {}


def test_a_chunked_body_needs_a_length() -> None:
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}

    with APP.test_request_context("/", method="POST", content_type=JSON, environ_overrides=environ):
        request.environ.pop("CONTENT_LENGTH", None)
        with pytest.raises(RequestRefused) as refused:
            read_object(request, (JSON,))

    assert (refused.value.status, refused.value.code) == (411, "length_required")


def test_a_body_that_was_cut_off_is_refused_though_it_could_be_read() -> None:
    environ = {"CONTENT_LENGTH": "40", "wsgi.input_terminated": True}

    assert refusal(b'{"name":"Acme"}', environ_overrides=environ) == (400, "body_incomplete")


@pytest.mark.parametrize("length", ["-1", "abc", "1.5", ""])
def test_a_length_that_is_none_gives_no_body(length: str) -> None:
    assert refusal(b"", environ_overrides={"CONTENT_LENGTH": length}) == (400, "body_required")


def test_the_largest_body_is_taken_and_one_byte_more_is_not() -> None:
    empty = len(b'{"a": ""}')

    assert len(read(b'{"a": "%s"}' % (b"x" * (LARGEST_BODY - empty)))["a"]) > 0
    assert refusal(b'{"a": "%s"}' % (b"x" * (LARGEST_BODY - empty + 1))) == (
        413,
        "payload_too_large",
    )


def test_an_operation_can_take_more_or_less() -> None:
    assert refusal(b'{"a": 1}', largest=7) == (413, "payload_too_large")
    assert read(b'{"a": "%s"}' % (b"x" * LARGEST_BODY), largest=2 * LARGEST_BODY)


def test_a_refusal_never_repeats_what_was_sent() -> None:
    secret = "whsec_do_not_tell"
    bodies = (
        f'{{"secret": "{secret}"',
        f'{{"{secret}": 1, "{secret}": 2}}',
        f'"{secret}"',
        f'{{"secret": {secret}}}',
        f'{{"{secret}": {"9" * 19}}}',
    )
    for body in bodies:
        with pytest.raises(RequestRefused) as refused:
            read(body.encode())

        assert secret not in f"{refused.value} {refused.value.facts}"


def test_too_many_digits_are_told_as_a_mistake_in_the_body() -> None:
    with pytest.raises(ValidationFailed) as refused:
        read(b'{"a": ' + b"9" * 19 + b"}")

    assert [error["location"] for error in refused.value.errors] == ["body"]
