"""
A list as a CSV file: every item of one state of the data, safe to open in a spreadsheet.

The file is written before its first byte is sent. An error is then answered as an error: a stream
that breaks would end like a whole one, since the server closes it properly. And who reads slowly
keeps no state of the database waiting. It is written page by page, to the disk where it is large,
so memory stays the same however long the list.
"""

import csv
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import StringIO
from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Response
from werkzeug.wsgi import FileWrapper

from licensing import clock
from licensing.api.csv_body import CSV
from licensing.queries.cursors import Page

Item = dict[str, Any]
ROWS_AT_ONCE = 1000
LARGEST_IN_MEMORY = 1024 * 1024
BYTES_AT_ONCE = 64 * 1024
# Without it Excel takes UTF-8 for the code page of the machine, and names lose their accents.
BYTE_ORDER_MARK = "\ufeff"
# What a spreadsheet takes for a formula (OWASP, CSV Injection): at the beginning of a cell, or of
# what becomes one where the semicolon is the separator, as it is in half of Europe.
FORMULA = re.compile(r'(^|;)(?=[\s"]*[=+\-@\t\r\n＝＋－＠])')


@dataclass(frozen=True)
class CsvForm:
    """
    How a list looks as a CSV file.

    Attributes:
        name: what the file is called, before the date.
        columns: the names of the columns, in order.
        line: makes an item an object with at least these members; the item itself by default.
    """

    name: str
    columns: tuple[str, ...]
    line: Callable[[Item], Item] = dict

    @property
    def header(self) -> str:
        """The first line of the file."""
        return BYTE_ORDER_MARK + _lines([self.columns])

    def lines(self, items: Iterable[Item]) -> str:
        """A line for each item."""
        shown = map(self.line, items)
        return _lines([_cell(line[name]) for name in self.columns] for line in shown)

    def page(self, page: dict[str, Any]) -> str:
        """A page of the list as such a file, for the contract."""
        return self.header + self.lines(page["items"])


def file_of(form: CsvForm, page_after: Callable[[str | None], Page]) -> Response:
    """
    The answer with the whole list; `page_after` gives its pages, the first one for None.

    To be called where all pages are read from one state of the database.
    """
    file = SpooledTemporaryFile(max_size=LARGEST_IN_MEMORY)  # noqa: SIM115 closed with the answer
    try:
        file.write(form.header.encode())
        for page in _pages(page_after):
            file.write(form.lines(page.items).encode())
    except BaseException:
        file.close()
        raise
    return _response(form, file)


def _pages(page_after: Callable[[str | None], Page]) -> Iterable[Page]:
    page = page_after(None)
    yield page
    while page.next_cursor is not None:
        page = page_after(page.next_cursor)
        yield page


def _response(form: CsvForm, file: Any) -> Response:
    length = file.tell()
    file.seek(0)
    if length <= LARGEST_IN_MEMORY:
        # In one piece: the server holds it for a slow reader, and the thread is free again.
        response = Response(file.read())
        file.close()
    else:
        response = Response(FileWrapper(file, BYTES_AT_ONCE), direct_passthrough=True)
    name = f"{form.name}-{clock.now():%Y-%m-%d}.csv"
    response.headers["Content-Type"] = f"{CSV}; charset=utf-8"
    # The length tells whoever reads whether all of it has come.
    response.headers["Content-Length"] = str(length)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Vary"] = "Accept"
    return response


def _lines(rows: Iterable[Iterable[str]]) -> str:
    """Lines as RFC 4180 has them."""
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    """A value as the text of a cell; nothing is an empty one, a list is separated by blanks."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return _defused(" ".join(value))
    return _defused(value) if isinstance(value, str) else str(value)


def _defused(text: str) -> str:
    """The text with an apostrophe before what a spreadsheet would take for a formula."""
    return FORMULA.sub(r"\1'", text)
