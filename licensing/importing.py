"""Putting an export into a database: all of it, checked, or nothing."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from peewee import DataError, IntegrityError

from licensing import events, finding, migrations, portable, sealing
from licensing.db import db, ping, take_any_time, transactional
from licensing.models import Account, TestClock, User
from licensing.portable import Portable
from licensing.queries import invariants

LONGEST_LINE = 64 * 1024 * 1024
# Of one statement; a row may be as long as a line.
ROWS_PER_INSERT, CHARACTERS_PER_INSERT = 200, 4 * 1024 * 1024
HEADER = {"seatkeeper_export": int, "schema": dict, "sealed": str, "rows": dict}
# What the columns of the account say as well, and can hold.
OF_ONE: dict[str, Any] = {
    "account": Account.id,
    "sequence": Account.last_sequence,
    "log_digest": Account.purged_digest,
    "test_clock": Account.test_clock_id,
}


class ImportRefused(Exception):
    """A file cannot be imported, and nothing was changed; the message says why."""


def put_in(file: Path) -> int:
    """
    Import what `licensing.exporting` wrote; returns how many accounts that were.

    All of it in one transaction. Afterwards every invariant of the accounts holds, and each has
    begun a new epoch, since receivers may have heard of what happened after the export.

    Raises `ImportRefused` for a file that is not whole or not of this release, sealed under a key
    that is not among the settings, or of accounts that are here already.
    """
    with file.open("rb") as opened:
        _refuse_what_is_not_whole(opened)
    return _put_in(file)


def _refuse_what_is_not_whole(opened: BinaryIO) -> None:
    digest, last = hashlib.sha256(), b""
    for line in _raw(opened):
        digest.update(last)
        last = line
    if _content(last, 0) != {"sha256": digest.hexdigest()}:
        raise ImportRefused("the file was changed or is not whole: its last line does not fit")


def _raw(opened: BinaryIO) -> Iterator[bytes]:
    while line := opened.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise ImportRefused("the file has a line that is too long")
        yield line


def _content(line: bytes, number: int) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        where = f"line {number}" if number else "the last line"
        raise ImportRefused(f"{where} is no line of an export")
    return content


@transactional
def _put_in(file: Path) -> int:
    take_any_time()
    with file.open("rb") as opened:
        contents = (_content(line, number) for number, line in enumerate(_raw(opened), 1))
        header = _header(next(contents))
        account_id = header.get("account")
        _refuse_what_is_here(account_id)
        try:
            counts = _insert(contents)
        except (IntegrityError, DataError) as refused:
            # Here, since a transaction that collided with another one would be repeated as a whole.
            said = str(refused).splitlines()[0]
            raise ImportRefused(f"the database refuses what is in the file: {said}") from None
    _refuse_other_counts(header, counts, account_id)
    return _begin(header, account_id)


def _header(header: dict[str, Any]) -> dict[str, Any]:
    if type(header.get("seatkeeper_export")) is not int:
        raise ImportRefused("the file is no export")
    if header["seatkeeper_export"] != portable.VERSION:
        raise ImportRefused(
            f"the file has format {header['seatkeeper_export']}, known is {portable.VERSION}"
        )
    of_one = OF_ONE if header.get("account") is not None else {}
    if any(type(header.get(name)) is not kind for name, kind in HEADER.items()) or not all(
        portable.is_sound(field, header.get(name)) for name, field in of_one.items()
    ):
        raise ImportRefused("the first line is not one of an export")
    if header["schema"] != migrations.versions():
        raise ImportRefused(
            f"the file has the schema {header['schema']}, the database "
            f"{migrations.versions()}; export and import with the same release"
        )
    _refuse_other_secret_key(header["sealed"])
    _refuse_without_clock(header.get("test_clock"))
    return header


def _refuse_other_secret_key(sealed: str) -> None:
    try:
        sealing.unseal(sealed, portable.SEALED)
    except (InvalidTag, ValueError):
        raise ImportRefused(
            "what is encrypted in the file was so under another secret key; set the same "
            "SEATKEEPER_SECRET_KEY, or add it to SEATKEEPER_FORMER_SECRET_KEYS"
        ) from None


def _refuse_without_clock(clock_id: object) -> None:
    if clock_id is not None and not TestClock.select().where(TestClock.id == clock_id).exists():
        raise ImportRefused(f"the account is bound to the test clock {clock_id}, which is not here")


def _refuse_what_is_here(account_id: str | None) -> None:
    for one in portable.tables():
        if one.rows(account_id).exists():
            whose = "the database is not empty" if account_id is None else f"{account_id} is here"
            raise ImportRefused(f"{whose}: there are rows in {one.name}")


def _insert(contents: Iterator[dict[str, Any]]) -> Counter[str]:
    known = {one.name: one for one in portable.tables()}
    counts: Counter[str] = Counter()
    rows = (content for content in contents if "sha256" not in content)
    for name, of_table in groupby(rows, lambda content: str(content.get("table"))):
        if name not in known:
            raise ImportRefused(f"the file has rows of {name}, which is no table")
        for chunk in _chunks(_row(known[name], content) for content in of_table):
            _insert_some(known[name], chunk)
            ping()  # else the driver keeps in hand what PostgreSQL has yet to answer
            counts[name] += len(chunk)
    return counts


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """As many rows at a time as may be in hand, however long they are."""
    chunk: list[dict[str, Any]] = []
    characters = 0
    for row in rows:
        chunk.append(row)
        characters += sum(len(value) for value in row.values() if isinstance(value, str))
        if len(chunk) == ROWS_PER_INSERT or characters >= CHARACTERS_PER_INSERT:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _row(one: Portable, content: dict[str, Any]) -> dict[str, Any]:
    row, fields = content.get("row"), one.fields
    if not isinstance(row, dict) or row.keys() != fields.keys():
        raise ImportRefused(f"a row of {one.name} has other columns than the table")
    for name, field in fields.items():
        if not portable.is_sound(field, row[name]):
            raise ImportRefused(f"a row of {one.name} has a wrong {name}")
    return row


def _insert_some(one: Portable, rows: list[dict[str, Any]]) -> None:
    names = list(one.fields)
    columns = ", ".join(f'"{name}"' for name in names)
    marks = "(" + ", ".join([db.param] * len(names)) + ")"
    sql = f"INSERT INTO {one.name} ({columns}) VALUES {', '.join([marks] * len(rows))}"  # noqa: S608 names of ours
    db.execute_sql(sql, [row[name] for row in rows for name in names])
    if one.table is User:
        for account_id, users in groupby(rows, itemgetter("account_id")):
            finding.keep(account_id, [(row["id"], row["search_text"]) for row in users])


def _refuse_other_counts(
    header: dict[str, Any], counts: Counter[str], account_id: str | None
) -> None:
    """Each row has to be one of the account: then there are as many of its as were in the file."""
    for one in portable.tables():
        told, found = header["rows"].get(one.name), counts[one.name]
        there = one.rows(account_id).count()
        if not told == found == there:
            raise ImportRefused(
                f"the file tells of {told} rows of {one.name} and has {found}, "
                f"of which {there} belong to what is imported"
            )


def _begin(header: dict[str, Any], account_id: str | None) -> int:
    """Look all through, then begin a new epoch."""
    accounts = Account.select() if account_id is None else Account.select().where(_is(account_id))
    if account_id is not None and header["log_digest"] != events.digest(
        account_id, header["sequence"]
    ):
        raise ImportRefused("the log does not end as the file says")
    wrong = _first_violation(account_id)
    if wrong is not None:
        raise ImportRefused(f"an invariant does not hold: {wrong}")
    epochs = Account.update(epoch=Account.epoch + 1)
    (epochs if account_id is None else epochs.where(_is(account_id))).execute()
    return int(accounts.count())


def _first_violation(account_id: str | None) -> str | None:
    found = invariants.violations() if account_id is None else invariants.of_one(account_id)
    try:
        return next(found, None)
    except (AttributeError, KeyError, TypeError, ValueError) as unreadable:
        return f"what is in the file cannot be read ({unreadable})"


def _is(account_id: str) -> Any:
    return Account.id == account_id
