"""FastAPI and SQLAlchemy with sessions, as the tutorial of FastAPI on SQL databases has it."""

import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import create_engine, event, select, update
from sqlalchemy.orm import Session, sessionmaker
from tables import FEATURES, Outbox, Pool, Seat, new_id, pragmas

engine = create_engine(f"sqlite:///{os.environ['PEER_DATABASE']}", pool_size=20)
event.listen(engine, "connect", pragmas)
Sessions = sessionmaker(engine)
app = FastAPI()


def session() -> Iterator[Session]:
    with Sessions() as opened:
        yield opened


Opened = Annotated[Session, Depends(session)]


class SeatOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    account_id: str
    pool_id: str
    user_id: str
    seat_type: str
    created_at: str


class SeatIn(BaseModel):
    user_id: str
    seat_type: str


class Page(BaseModel):
    items: list[SeatOut]
    next_cursor: str | None


class Level(BaseModel):
    feature: str
    level: str


@app.get("/hello")
def hello() -> dict[str, str]:
    return {"hello": "world"}


@app.get("/accounts/{account_id}/users/{user_id}/entitlements/{feature}")
def entitlement(account_id: str, user_id: str, feature: str, opened: Opened) -> Level:
    held = opened.scalars(
        select(Seat).where(Seat.account_id == account_id, Seat.user_id == user_id)
    )
    allowed = any(seat.seat_type in FEATURES[feature] for seat in held)
    return Level(feature=feature, level="full" if allowed else "none")


@app.get("/accounts/{account_id}/seats")
def seats(account_id: str, opened: Opened, limit: int = 50, cursor: str = "") -> Page:
    found = opened.scalars(
        select(Seat)
        .where(Seat.account_id == account_id, Seat.id > cursor)
        .order_by(Seat.id)
        .limit(limit + 1)
    ).all()
    more = found[limit - 1].id if len(found) > limit else None
    return Page(items=[SeatOut.model_validate(row) for row in found[:limit]], next_cursor=more)


@app.post("/accounts/{account_id}/seats", status_code=201)
def assign(account_id: str, wanted: SeatIn, opened: Opened) -> SeatOut:
    pool = opened.scalars(
        update(Pool)
        .where(
            Pool.account_id == account_id,
            Pool.seat_type == wanted.seat_type,
            Pool.assigned < Pool.purchased,
        )
        .values(assigned=Pool.assigned + 1)
        .returning(Pool)
    ).one_or_none()
    if pool is None:
        raise HTTPException(409, "no seat is available")
    seat = Seat(
        id=new_id(), account_id=account_id, pool_id=pool.id,
        user_id=wanted.user_id, seat_type=wanted.seat_type,
    )  # fmt: skip
    opened.add(seat)
    opened.flush()
    opened.add(Outbox.of(seat))
    opened.commit()
    return SeatOut.model_validate(seat)
