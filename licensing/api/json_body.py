"""Reading a JSON body strictly: what could be read in two ways is refused."""

import json
import math
from typing import Any, NoReturn

from flask import Request

from licensing.api.fields import LONGEST_INTEGER
from licensing.api.request_refusals import (
    BodyIncomplete,
    BodyMustBeObject,
    BodyRequired,
    DuplicateKey,
    LengthRequired,
    MalformedJson,
    PayloadTooLarge,
    TooDeep,
    UnsupportedEncoding,
    UnsupportedMediaType,
    ValidationFailed,
)

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
LARGEST_BODY = 64 * 1024
DEEPEST = 20


class _TooManyDigits(Exception):
    """An integer that no field could hold."""


def read_object(
    request: Request, accepted: tuple[str, ...], required: bool = True, largest: int = LARGEST_BODY
) -> dict[str, Any]:
    """
    The JSON object in the body; an empty one where there is no body and none is required.

    Args:
        request: the request, whose body has not been read yet.
        accepted: the media types that are taken.
        required: whether there has to be a body.
        largest: how many bytes it may have.

    Raises the problem that describes what is wrong: `UnsupportedMediaType`, `LengthRequired`,
    `PayloadTooLarge`, `MalformedJson`, `DuplicateKey`, `TooDeep`, `BodyMustBeObject`, ….
    """
    text = _text(body_bytes(request, accepted, largest))
    if not text:
        if required:
            raise BodyRequired
        return {}
    value = _parsed(text)
    if not isinstance(value, dict):
        raise BodyMustBeObject
    if _depth(value) > DEEPEST:
        raise TooDeep
    return value


def body_bytes(request: Request, accepted: tuple[str, ...], largest: int) -> bytes:
    """The body as it was sent. Raises what `read_object` does of its type, length and coding."""
    length = request.content_length
    if length is None and "Transfer-Encoding" in request.headers:
        raise LengthRequired
    if (length or 0) > largest:
        raise PayloadTooLarge(largest)
    # Werkzeug stops reading here, too, whatever was announced.
    request.max_content_length = largest
    raw = request.get_data(cache=False)
    # What is left of a table when the line is cut is a smaller table.
    if len(raw) < (length or 0):
        raise BodyIncomplete(len(raw), length or 0)
    if raw and request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedEncoding
    if raw and request.content_type not in accepted and request.mimetype not in accepted:
        raise UnsupportedMediaType(list(accepted))
    return raw


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedJson("it is not UTF-8") from None


def _parsed(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except _TooManyDigits:
        mistake = {"location": "body", "pointer": "", "detail": "A number has too many digits."}
        raise ValidationFailed([mistake]) from None
    except RecursionError:
        raise TooDeep from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedJson(f"{error.msg} at {where}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise DuplicateKey
    return value


def _constant(name: str) -> NoReturn:
    raise MalformedJson(f"{name} is no JSON number")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > LONGEST_INTEGER:
        raise _TooManyDigits
    return int(digits)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedJson("a number is too large")
    return number


# Made once: `json.loads` would make one for each body, which took longer than to read a short one.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_constant,
    parse_int=_integer,
    parse_float=_float,
)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        children: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                children += item.values()
            elif isinstance(item, list):
                children += item
        level = children
    return depth
