"""
Everything of an account, or of all of them, as lines of JSON.

The first line says what the file is, the last one has the SHA-256 of all before it; between them is
one row a line, each after those that it names. What is encrypted stays so.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from licensing import db, events, migrations, portable, sealing
from licensing.models import Account


class ExportRefused(Exception):
    """There is nothing to export; the message says why."""


def lines(account_id: str | None) -> Iterator[bytes]:
    """
    The lines of an export, from one state of the database; few are held at a time.

    Args:
        account_id: the one account; None for all that the database holds.

    Raises `ExportRefused` where there is no such account.
    """
    digest = hashlib.sha256()
    with db.snapshot():
        db.take_any_time()
        for content in _contents(account_id):
            line = _line(content)
            digest.update(line)
            yield line
    yield _line({"sha256": digest.hexdigest()})


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _contents(account_id: str | None) -> Iterator[dict[str, Any]]:
    yield _header(account_id)
    for one in portable.tables():
        for row in one.written(account_id):
            yield {"table": one.name, "row": row}


def _header(account_id: str | None) -> dict[str, Any]:
    header: dict[str, Any] = {
        "seatkeeper_export": portable.VERSION,
        "schema": migrations.versions(),
        "account": account_id,
    }
    if account_id is not None:
        account = Account.get_or_none(Account.id == account_id)
        if account is None:
            raise ExportRefused(f"there is no account {account_id}")
        header |= {
            "sequence": account.last_sequence,
            "log_digest": events.digest(account_id, account.last_sequence),
            "test_clock": account.test_clock_id,
        }
    counts = {one.name: one.rows(account_id).count() for one in portable.tables()}
    return header | {"sealed": sealing.seal(b"", portable.SEALED), "rows": counts}
