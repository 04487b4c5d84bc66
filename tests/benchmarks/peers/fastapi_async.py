"""FastAPI and SQLAlchemy's asyncio extension over aiosqlite, as its documentation has it."""

import os
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi_sync import Level, Page, SeatIn, SeatOut
from sqlalchemy import event, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from tables import FEATURES, Outbox, Pool, Seat, new_id, pragmas

engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['PEER_DATABASE']}", pool_size=20)
event.listen(engine.sync_engine, "connect", pragmas)
Sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


async def session() -> AsyncIterator[AsyncSession]:
    async with Sessions() as opened:
        yield opened


Opened = Annotated[AsyncSession, Depends(session)]


@app.get("/hello")
async def hello() -> dict[str, str]:
    return {"hello": "world"}


@app.get("/accounts/{account_id}/users/{user_id}/entitlements/{feature}")
async def entitlement(account_id: str, user_id: str, feature: str, opened: Opened) -> Level:
    held = await opened.scalars(
        select(Seat).where(Seat.account_id == account_id, Seat.user_id == user_id)
    )
    allowed = any(seat.seat_type in FEATURES[feature] for seat in held)
    return Level(feature=feature, level="full" if allowed else "none")


@app.get("/accounts/{account_id}/seats")
async def seats(account_id: str, opened: Opened, limit: int = 50, cursor: str = "") -> Page:
    answer = await opened.scalars(
        select(Seat)
        .where(Seat.account_id == account_id, Seat.id > cursor)
        .order_by(Seat.id)
        .limit(limit + 1)
    )
    found = answer.all()
    more = found[limit - 1].id if len(found) > limit else None
    return Page(items=[SeatOut.model_validate(row) for row in found[:limit]], next_cursor=more)


@app.post("/accounts/{account_id}/seats", status_code=201)
async def assign(account_id: str, wanted: SeatIn, opened: Opened) -> SeatOut:
    answer = await opened.scalars(
        update(Pool)
        .where(
            Pool.account_id == account_id,
            Pool.seat_type == wanted.seat_type,
            Pool.assigned < Pool.purchased,
        )
        .values(assigned=Pool.assigned + 1)
        .returning(Pool)
    )
    pool = answer.one_or_none()
    if pool is None:
        raise HTTPException(409, "no seat is available")
    seat = Seat(
        id=new_id(), account_id=account_id, pool_id=pool.id,
        user_id=wanted.user_id, seat_type=wanted.seat_type,
    )  # fmt: skip
    opened.add(seat)
    await opened.flush()
    opened.add(Outbox.of(seat))
    await opened.commit()
    return SeatOut.model_validate(seat)
