"""The members of requests that only endpoints have."""

import re
from typing import Any

import marshmallow

from licensing.api import fields
from webhooks.rules import MOST_HEADERS, header_problem


class Headers(fields.MapOf):
    """The headers that an endpoint wants sent with every event."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            marshmallow.fields.String(), metadata={"maxProperties": MOST_HEADERS}, **options
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        headers: Any = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        if len(headers) > MOST_HEADERS:
            raise marshmallow.ValidationError(f"At most {MOST_HEADERS} headers are sent.")
        problems = {name: header_problem(name, text) for name, text in headers.items()}
        wrong = {name: [problem] for name, problem in problems.items() if problem}
        if wrong:
            raise marshmallow.ValidationError(wrong)
        if len({name.lower() for name in headers}) < len(headers):
            raise marshmallow.ValidationError("Two names differ in case only.")
        return headers


class Start(fields.Text):
    """`now`, `beginning`, or the sequence after which to begin, as a number or its digits."""

    pattern = re.compile(r"now|beginning|[0-9]{1,15}")
    complaint = "now, beginning or a sequence is expected."

    def __init__(self, **options: Any) -> None:
        super().__init__(max=15, metadata={"type": ["string", "integer"]}, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if type(value) is int:
            value = str(value)
        text: str = super()._deserialize(value, attr, data, **kwargs)
        return int(text) if text.isdigit() else text
