"""Reading a CSV body strictly: a header that names the columns, then a thing in each line."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

from flask import Request
from marshmallow.fields import Boolean, Field, List

from licensing.api.json_body import body_bytes
from licensing.api.request_refusals import MalformedCsv, UnsupportedMediaType, ValidationFailed

CSV = "text/csv"
UTF_8 = ("utf-8", "utf8", "us-ascii")
SEPARATOR = ";"
BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Table:
    """
    What a CSV body says.

    Attributes:
        rows: an object for each line below the header; what a line leaves empty is not in it.
        lines: the number of each line in the file, where the header is line 1.
    """

    rows: list[dict[str, Any]]
    lines: list[int]

    def named(self, failed: ValidationFailed, member: str) -> ValidationFailed:
        """The same mistakes, each with the line of the file that it is in."""
        return ValidationFailed([self._named(error, f"/{member}/") for error in failed.errors])

    def _named(self, error: dict[str, str], above: str) -> dict[str, str]:
        index = error["pointer"].removeprefix(above).split("/")[0]
        if not (error["pointer"].startswith(above) and index.isdecimal()):
            return error
        return error | {"detail": f"Line {self.lines[int(index)]}: {error['detail']}"}


def read_table(
    request: Request, accepted: tuple[str, ...], columns: Mapping[str, Field[Any]], largest: int
) -> Table:
    """
    The table in the body.

    Args:
        request: the request, whose body has not been read yet.
        accepted: the media types that are taken.
        columns: the columns that there may be, in any order, each with its field.
        largest: how many bytes the body may have.

    Raises `MalformedCsv` where it is none, `ValidationFailed` for a column that is unknown, and as
    `json_body.read_object`.
    """
    raw = body_bytes(request, accepted, largest)
    if request.mimetype_params.get("charset", "utf-8").lower() not in UTF_8:
        raise UnsupportedMediaType(list(accepted))
    table = Table([], [])
    header: list[str] = []
    for number, cells in _lines(_text(raw)):
        if not header:
            header = _header(cells, number, columns)
        elif len(cells) != len(header):
            raise MalformedCsv(f"line {number} has {len(cells)} columns, not {len(header)}")
        else:
            table.rows.append(_row(header, cells, columns))
            table.lines.append(number)
    if not header:
        raise MalformedCsv("it has no header")
    return table


def shown_as_csv(columns: list[str], rows: list[dict[str, Any]]) -> str:
    """The objects as such a body, for the contract."""
    text = StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return SEPARATOR.join(value)
    return str(value).lower() if isinstance(value, bool) else value


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedCsv("it is not UTF-8") from None
    if "\x00" in text:
        raise MalformedCsv("it has a NUL")
    return text


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, each with its number; a quoted cell may go on in the next."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    number = 1
    try:
        for cells in reader:
            if cells:
                yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        raise MalformedCsv(f"line {number}: {error}") from None


def _header(cells: list[str], number: int, columns: Mapping[str, Field[Any]]) -> list[str]:
    unknown = sorted(set(cells) - columns.keys())
    if unknown:
        known = ", ".join(columns)
        errors = [
            {
                "location": "body",
                "pointer": "",
                "detail": f"Line {number}: there is no column {name!a}; known are {known}.",
            }
            for name in unknown
        ]
        raise ValidationFailed(errors)
    if len(set(cells)) < len(cells):
        raise MalformedCsv(f"line {number} names a column twice")
    return cells


def _row(header: list[str], cells: list[str], columns: Mapping[str, Field[Any]]) -> dict[str, Any]:
    return {
        name: _value(cell, columns[name]) for name, cell in zip(header, cells, strict=True) if cell
    }


def _value(cell: str, column: Field[Any]) -> Any:
    """What stands in a cell, as JSON would say it; the items of a list are separated by `;`."""
    if isinstance(column, Boolean):
        return BOOLEANS.get(cell, cell)
    if isinstance(column, List):
        return [item.strip() for item in cell.split(SEPARATOR)]
    return cell
