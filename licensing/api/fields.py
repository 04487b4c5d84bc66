"""
The fields of requests and answers: strict in what they take, bounded, each with an example.

A field says in the contract what it checks here. Types are not guessed: `"12"`, `1.9` and `true`
are no integers.
"""

import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import marshmallow
from marshmallow import ValidationError
from marshmallow.fields import Field

from licensing.clock import to_text

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
# Control characters, surrogates, and the marks that turn the direction of text around.
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)
EMAIL = re.compile(r'[^@\s"<>(),:;\\]{1,64}@[^@\s"<>(),:;\\]{1,189}')
METADATA_KEY = re.compile(r"[A-Za-z0-9_.-]{1,40}")
MOST_METADATA = 20
LONGEST_INTEGER = 18
EXAMPLE_ID = "019a0c4e8f7b7c3e9d2a5b6c7d8e9f00"


class Documented(Field[Any]):
    """What every field here has: a description and an example."""

    def __init__(
        self, *arguments: Any, description: str, example: Any = None, **options: Any
    ) -> None:
        metadata = {"description": description, "example": example} | options.pop("metadata", {})
        if options.get("required") is False:
            metadata["optional"] = True
        super().__init__(*arguments, metadata=metadata, **options)


class Text(Documented, marshmallow.fields.String):
    """
    Text without control characters: composed (NFC), trimmed, `min` to `max` code points.

    A subclass may have a `pattern` that the whole text has to match, and a `complaint` for it.
    """

    pattern: re.Pattern[str] | None = None
    complaint = "Not of the expected form."

    def __init__(self, *, max: int, min: int = 1, **options: Any) -> None:
        self.bounds = min, max
        # For the contract; the check itself comes after the text was trimmed.
        metadata: dict[str, Any] = {"minLength": min, "maxLength": max}
        if self.pattern is not None:
            metadata["pattern"] = f"^({self.pattern.pattern})$"
        super().__init__(metadata=metadata | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Not a valid string.")
        return self.cleaned(value)

    def cleaned(self, value: str) -> str:
        """The text as it is kept. Raises `ValidationError`."""
        if FORBIDDEN.search(value):
            raise ValidationError("Control and direction-changing characters are not allowed.")
        text = unicodedata.normalize("NFC", value).strip()
        shortest, longest = self.bounds
        if not shortest <= len(text) <= longest:
            raise ValidationError(f"Length must be between {shortest} and {longest}.")
        if self.pattern is not None and not self.pattern.fullmatch(text):
            raise ValidationError(self.complaint)
        return text


class Name(Text):
    """A name of the catalogue."""

    pattern: re.Pattern[str] = re.compile(r"[a-z][a-z0-9_]{0,63}")
    complaint = "A name has lower-case letters, digits and _ only."

    def __init__(self, **options: Any) -> None:
        super().__init__(max=64, **options)


class EventTypes(Text):
    """Types of events, separated by commas; `seat.*` is all of a noun."""

    pattern = re.compile(r"[a-z_]+\.([a-z_]+|\*)(,[a-z_]+\.([a-z_]+|\*))*")
    complaint = "Types of events, separated by commas, are expected."

    def __init__(self, **options: Any) -> None:
        super().__init__(max=2000, **options)


class Email(Text):
    """An e-mail address."""

    pattern = EMAIL
    complaint = "Not a valid e-mail address."

    def __init__(self, **options: Any) -> None:
        super().__init__(min=3, max=254, **options)


class Currency(Text):
    """An ISO 4217 code."""

    pattern = re.compile(r"[A-Z]{3}")
    complaint = "A currency is three capital letters (ISO 4217)."

    def __init__(self, **options: Any) -> None:
        super().__init__(min=3, max=3, **options)


class TimeZone(Text):
    """The name of a time zone in the IANA data base."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max=64, **options)

    def cleaned(self, value: str) -> str:
        """The name, if there is such a zone. Raises `ValidationError`."""
        text = super().cleaned(value)
        if text not in zoneinfo.available_timezones():
            raise ValidationError("Not a time zone of the IANA data base.")
        return text


class Id(Text):
    """An identifier with its type prefix. Whether it exists is not asked here."""

    def __init__(self, prefix: str, **options: Any) -> None:
        options.setdefault("example", f"{prefix}_{EXAMPLE_ID}")
        super().__init__(max=64, **options)


class ExternalId(Text):
    """The host product's own identifier (R31)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            max=200,
            allow_none=True,
            description="The host product's own identifier, unique in its scope",
            example="crm-4711",
            **options,
        )


class Integer(Documented, marshmallow.fields.Integer):
    """A JSON integer between `min` and `max`."""

    def __init__(
        self,
        *,
        min: int | None = None,
        max: int | None = None,
        **options: Any,
    ) -> None:
        bounds = {"minimum": min, "maximum": max}
        self.bounds = min, max
        super().__init__(
            metadata={name: bound for name, bound in bounds.items() if bound is not None}, **options
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise ValidationError("Not a valid integer.")
        least, most = self.bounds
        if (least is not None and value < least) or (most is not None and value > most):
            raise ValidationError(f"Must be between {least} and {most}.")
        return value


class QueryInteger(Integer):
    """An integer in a query string: plain ASCII digits."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not re.fullmatch(rf"(0|[1-9][0-9]{{0,{LONGEST_INTEGER - 1}}})", str(value)):
            raise ValidationError("Not a valid integer.")
        return super()._deserialize(int(value), attr, data, **kwargs)


class Boolean(Documented, marshmallow.fields.Boolean):
    """JSON's true or false."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise ValidationError("Not a valid boolean.")
        return value


class QueryBoolean(Documented, marshmallow.fields.Boolean):
    """`true` or `false` in a query string."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("Must be true or false.")
        return bool(value == "true")


class Instant(Documented, marshmallow.fields.AwareDateTime):
    """An instant: RFC 3339 with a zone, between 2000 and 2100, kept in UTC to the millisecond."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not RFC_3339.fullmatch(value):
            raise ValidationError("Not a date and time with a zone, as 2026-11-23T10:15:30Z.")
        try:
            instant = datetime.fromisoformat(value.upper())
            if not EARLIEST <= instant <= LATEST:
                raise OverflowError
        except (ValueError, OverflowError):
            raise ValidationError("Not an instant between 2000 and 2100.") from None
        return datetime.fromisoformat(to_text(instant))


class Choice(Documented, marshmallow.fields.Enum[Any]):
    """One of the values of an enumeration, which the contract names as a component."""

    def __init__(
        self, choices: type[StrEnum], *, only: tuple[StrEnum, ...] = (), **options: Any
    ) -> None:
        self.choices = tuple(choices)
        self.only = only or self.choices
        super().__init__(choices, by_value=marshmallow.fields.String, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> StrEnum:
        if not isinstance(value, str) or value not in self.only:
            raise ValidationError(f"Must be one of: {', '.join(self.only)}.")
        return self.enum(value)  # type: ignore[no-any-return]


class Nested(Documented, marshmallow.fields.Nested):
    """An object of a schema."""

    def __init__(self, schema: Any, **options: Any) -> None:
        super().__init__(nested=schema, **options)


class ListOf(Documented, marshmallow.fields.List[Any]):
    """
    A list of `min` to `max` items; `unique` names the member in which no two may agree.

    `plain` reads a list whose items are all plainly right, as `inner` would; None of any other.
    """

    def __init__(
        self,
        inner: Field[Any],
        *,
        max: int,
        min: int = 0,
        unique: str | None = None,
        plain: Callable[[list[Any]], list[Any] | None] | None = None,
        **options: Any,
    ) -> None:
        self.bounds, self.unique, self.plain = (min, max), unique, plain
        super().__init__(
            cls_or_instance=inner, metadata={"minItems": min, "maxItems": max}, **options
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        least, most = self.bounds
        if isinstance(value, list) and not least <= len(value) <= most:
            raise ValidationError(f"Must have between {least} and {most} items.")
        if self.plain is not None and isinstance(value, list):
            plain = self.plain(value)
            if plain is not None:
                return plain
        items: list[Any] = super()._deserialize(value, attr, data, **kwargs)
        if self.unique is not None:
            seen = [item[self.unique] for item in items]
            if len(set(seen)) < len(seen):
                raise ValidationError(f"No two items may have the same {self.unique}.")
        return items


class MapOf(Documented, marshmallow.fields.Dict):
    """An object whose members are all of one kind."""

    def __init__(self, inner: Field[Any], **options: Any) -> None:
        super().__init__(keys=marshmallow.fields.String(), values=inner, **options)


class AnyObject(Documented, marshmallow.fields.Dict):
    """An object whose members depend on what it is about."""


class Metadata(Documented, marshmallow.fields.Dict):
    """Up to 20 short texts of the host product's own (R31)."""

    with_null = False

    def __init__(self, **options: Any) -> None:
        super().__init__(
            keys=marshmallow.fields.String(),
            values=marshmallow.fields.String(
                allow_none=self.with_null, metadata={"minLength": 1, "maxLength": 500}
            ),
            description="Up to 20 short texts of the host product's own",
            example={"crm_owner": "team-north"},
            metadata={"maxProperties": MOST_METADATA},
            **options,
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ValidationError("Not an object.")
        if len(value) > MOST_METADATA:
            raise ValidationError(f"Must have at most {MOST_METADATA} entries.")
        return {self._key(key): self._value(key, value[key]) for key in value}

    def _key(self, key: str) -> str:
        if not METADATA_KEY.fullmatch(key):
            raise ValidationError("A key has 1 to 40 letters, digits or one of _ . -")
        return key

    def _value(self, key: str, value: Any) -> str | None:
        if value is None and self.with_null:
            return None
        text = Text(max=500, description="One text")
        try:
            return text._deserialize(value, key, {})
        except ValidationError as problem:
            raise ValidationError({key: problem.messages}) from None


class MetadataPatch(Metadata):
    """A merge patch of metadata: null removes a key, or all of them."""

    with_null = True

    def __init__(self) -> None:
        super().__init__(allow_none=True)


class Version(Integer):
    """The version of a thing that changes in place; its ETag is made of it."""

    def __init__(self) -> None:
        super().__init__(min=1, description="Rises with every change; see ETag", example=7)


class CreatedAt(Instant):
    """When a thing was made."""

    def __init__(self) -> None:
        super().__init__(description="When it was made", example="2026-11-23T10:15:30.123Z")
