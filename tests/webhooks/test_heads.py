"""Heads as they are written and read: what a header could do to those after it (promise 8)."""

import email.parser
import http.client

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webhooks.heads import read_head, request_head

ODD = st.text("Aa-:;, \t\r\n\x00\x0b\x1c\x7f\x85\xa0\xff", max_size=12)
NAMES = st.sampled_from(
    ["Content-Length", "content-length", "X", "Retry-After", "X y", "", "From "]
)


@pytest.fixture(autouse=True)
def service() -> None:
    """No database is needed here."""


@pytest.fixture(autouse=True)
def published() -> None:
    """Nothing is told here."""


def test_a_head_is_written_as_it_goes_over_the_wire() -> None:
    head = request_head("/hook?a", "example.com:8443", 7, {"x-own": "\xfc b"})

    assert head == (
        b"POST /hook?a HTTP/1.1\r\nHost: example.com:8443\r\nAccept-Encoding: identity\r\n"
        b"Content-Length: 7\r\nx-own: \xfc b\r\n\r\n"
    )


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nX: y", "a\rX: y", "a\n", "\r\n\r\n"])
def test_no_header_ends_its_line(value: str) -> None:
    with pytest.raises(ValueError, match="more than one line"):
        request_head("/", "example.com", 0, {"x-own": value})
    with pytest.raises(ValueError, match="more than one line"):
        request_head("/", "example.com", 0, {value: "x-own"})


@given(st.lists(st.tuples(NAMES, ODD), max_size=6), st.sampled_from([b"\r\n", b"\n"]))
@example([("X", "a"), ("X", "b\t"), ("x", "\xff c")], b"\r\n")
def test_a_head_is_read_as_the_standard_library_reads_it(
    headers: list[tuple[str, str]], end: bytes
) -> None:
    written = b"".join(f"{name}:{value}".encode("latin-1") + end for name, value in headers)
    lines = [*(line + b"\n" for line in written.split(b"\n")[:-1]), end]
    lines = [line for line in lines[:-1] if line not in (b"\r\n", b"\n")] + [end]
    text = b"".join(lines).decode("latin-1")

    theirs = email.parser.Parser(_class=http.client.HTTPMessage).parsestr(text)
    ours = read_head(lines)

    for name in {name.lower() for name, _ in theirs.items()} | {"content-length", "x"}:
        assert ours.get_all(name) == theirs.get_all(name, [])
        assert ours.get(name.upper()) == theirs.get(name)
    assert ours.firsts() == {n.lower(): v for n, v in reversed(theirs.items())}
