"""What is declared of an operation: decorators fill it, the pipeline and the contract read it."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from marshmallow import Schema
from marshmallow.fields import Field

from licensing.api.csv_answer import CsvForm
from licensing.api.csv_body import CSV
from licensing.api.json_body import JSON, LARGEST_BODY, MERGE_PATCH
from licensing.rules.permissions import Need
from licensing.rules.refusals import Refusal

View = Callable[..., Any]
Shown = Callable[[dict[str, Any]], str]
IfMatch = Literal["optional", "required"]
Idempotency = Literal["none", "optional", "required"]


class UndeclaredOperation(Exception):
    """An operation lacks something that every operation declares."""


@dataclass
class Given:
    """
    One way in which an operation succeeds.

    Attributes:
        status, schema: what is answered.
        location: the path of what was made, with the members of the answer in braces.
        shown_as: other media types than JSON, and how each is made of the answer.
    """

    status: int
    schema: Schema | None
    location: str | None
    shown_as: dict[str, Shown] = field(default_factory=dict)


@dataclass
class Operation:
    """
    An operation of the API.

    Attributes:
        view: the function that answers.
        method, rule: its route below /v1.
        need: what its caller needs.
        body, body_required: the schema of the body; whether there has to be one.
        largest_body: how many bytes the body may have.
        rows: the member of the body, a list of objects, that may be sent as CSV instead.
        if_match: for a merge patch, whether the header has to be sent.
        query: the schema of the query string.
        csv: for a list, how it looks as a CSV file, where `Accept` may prefer that.
        gives: how it succeeds, the usual way first.
        refuses: the refusals of its own.
        idempotency: whether a repeated POST needs, or may have, a key.
        keyed_by: the member of the body that, when it is true, makes the key needed.
        fresh_for: for how many seconds its answer may be used again without asking.
        limited: whether it is counted how often it is asked for.
    """

    view: View
    method: str = ""
    rule: str = ""
    need: Need | None = None
    body: Schema | None = None
    body_required: bool = True
    largest_body: int = LARGEST_BODY
    rows: str | None = None
    if_match: IfMatch | None = None
    query: Schema | None = None
    csv: CsvForm | None = None
    gives: list[Given] = field(default_factory=list)
    refuses: list[type[Refusal]] = field(default_factory=list)
    idempotency: Idempotency = "optional"
    keyed_by: str | None = None
    fresh_for: int | None = None
    limited: bool = True

    @property
    def id(self) -> str:
        """The operation id: the view's name in camel case."""
        first, *others = self.view.__name__.split("_")
        return first + "".join(word.capitalize() for word in others)

    @property
    def texts(self) -> tuple[str, str]:
        """Summary and description: the first line of the view's docstring, and the rest."""
        summary, _, description = inspect.cleandoc(self.view.__doc__ or "").partition("\n\n")
        paragraphs = [" ".join(text.split()) for text in description.split("\n\n")]
        return " ".join(summary.split()), "\n\n".join(paragraphs).strip()

    @property
    def path_parameters(self) -> list[str]:
        """The names of the parameters in the path."""
        return re.findall(r"<(\w+)>", self.rule)

    @property
    def media_types(self) -> tuple[str, ...]:
        """The types of body that it takes."""
        if self.if_match is not None:
            return JSON, MERGE_PATCH
        return (JSON, CSV) if self.rows else (JSON,)

    @property
    def columns(self) -> dict[str, Field[Any]]:
        """The columns of the CSV that it takes, each with its field."""
        rows: Any = self.body.fields[self.rows] if self.body and self.rows else None
        return {} if rows is None else dict(rows.inner.schema.fields)

    @property
    def repeatable(self) -> bool:
        """Whether a repeated request is told by its Idempotency-Key."""
        return self.method == "POST" and self.idempotency != "none"

    @property
    def only_asks(self) -> bool:
        """Whether it changes nothing, so that an answer that is known need not be sent again."""
        return self.method == "GET" or self.fresh_for is not None

    @property
    def has_etag(self) -> bool:
        """Whether its answer has a version, or may be kept for a while, and so an ETag."""
        return self.fresh_for is not None or any(
            given.schema and "version" in given.schema.fields for given in self.gives
        )

    @property
    def needed(self) -> Need:
        """What its caller needs. Raises `UndeclaredOperation` where that was never said."""
        if self.need is None:
            raise UndeclaredOperation(f"{self.id} declares no need")
        return self.need

    def check(self) -> None:
        """Raise `UndeclaredOperation` where something is missing."""
        missing = [
            name
            for name, there in {
                "a need": self.need,
                "a success": self.gives,
                "a summary and a description": all(self.texts),
            }.items()
            if not there
        ]
        if missing:
            raise UndeclaredOperation(f"{self.id} declares no {', no '.join(missing)}")


def of(view: View) -> Operation:
    """What has been declared of a view so far."""
    declared: Operation | None = vars(view).get("_operation")
    if declared is None:
        declared = Operation(view)
        vars(view)["_operation"] = declared
    return declared
