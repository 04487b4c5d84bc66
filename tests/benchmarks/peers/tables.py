"""The tables of the peers that use SQLAlchemy; `schema.sql` says what is in the database."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Which seat types give full access to a feature.
FEATURES = {"contacts": {"core", "sales"}, "reports": {"sales"}}


def new_id() -> str:
    return str(uuid.uuid4())


def now() -> str:
    return datetime.now(UTC).isoformat()


def pragmas(connection: Any, _record: Any = None) -> None:
    """What all contestants set: a write-ahead log, synced at each commit."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = wal")
    cursor.execute("PRAGMA synchronous = full")
    cursor.execute("PRAGMA foreign_keys = on")
    cursor.execute("PRAGMA busy_timeout = 5000")
    cursor.close()


class Base(DeclarativeBase):
    pass


class Pool(Base):
    __tablename__ = "pools"
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    seat_type: Mapped[str]
    purchased: Mapped[int]
    assigned: Mapped[int]


class Seat(Base):
    __tablename__ = "seats"
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    pool_id: Mapped[str]
    user_id: Mapped[str]
    seat_type: Mapped[str]
    created_at: Mapped[str] = mapped_column(default=now)


class Outbox(Base):
    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    type: Mapped[str]
    body: Mapped[str]

    @classmethod
    def of(cls, seat: Seat) -> Self:
        body = {"id": seat.id, "user_id": seat.user_id, "seat_type": seat.seat_type}
        return cls(account_id=seat.account_id, type="seat.assigned", body=json.dumps(body))
