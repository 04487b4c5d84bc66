"""Flask and SQLAlchemy with a session for each request, as their documentation has it."""

import os
from typing import Any

from flask import Flask, abort, request
from sqlalchemy import create_engine, event, select, update
from sqlalchemy.orm import scoped_session, sessionmaker
from tables import FEATURES, Outbox, Pool, Seat, new_id, pragmas

engine = create_engine(f"sqlite:///{os.environ['PEER_DATABASE']}", pool_size=20)
event.listen(engine, "connect", pragmas)
session = scoped_session(sessionmaker(engine))
app = Flask(__name__)


@app.teardown_appcontext
def close(_problem: BaseException | None) -> None:
    session.remove()


def shown(seat: Seat) -> dict[str, Any]:
    return {
        "id": seat.id,
        "account_id": seat.account_id,
        "pool_id": seat.pool_id,
        "user_id": seat.user_id,
        "seat_type": seat.seat_type,
        "created_at": seat.created_at,
    }


@app.get("/hello")
def hello() -> dict[str, str]:
    return {"hello": "world"}


@app.get("/accounts/<account_id>/users/<user_id>/entitlements/<feature>")
def entitlement(account_id: str, user_id: str, feature: str) -> dict[str, Any]:
    held = session.scalars(
        select(Seat).where(Seat.account_id == account_id, Seat.user_id == user_id)
    )
    allowed = any(seat.seat_type in FEATURES[feature] for seat in held)
    return {"feature": feature, "level": "full" if allowed else "none"}


@app.get("/accounts/<account_id>/seats")
def seats(account_id: str) -> dict[str, Any]:
    limit = request.args.get("limit", 50, type=int)
    found = session.scalars(
        select(Seat)
        .where(Seat.account_id == account_id, Seat.id > request.args.get("cursor", ""))
        .order_by(Seat.id)
        .limit(limit + 1)
    ).all()
    more = found[limit - 1].id if len(found) > limit else None
    return {"items": [shown(row) for row in found[:limit]], "next_cursor": more}


@app.post("/accounts/<account_id>/seats")
def assign(account_id: str) -> tuple[dict[str, Any], int]:
    wanted = request.get_json()
    pool = session.scalars(
        update(Pool)
        .where(
            Pool.account_id == account_id,
            Pool.seat_type == wanted["seat_type"],
            Pool.assigned < Pool.purchased,
        )
        .values(assigned=Pool.assigned + 1)
        .returning(Pool)
    ).one_or_none()
    if pool is None:
        abort(409, "no seat is available")
    seat = Seat(
        id=new_id(), account_id=account_id, pool_id=pool.id,
        user_id=wanted["user_id"], seat_type=wanted["seat_type"],
    )  # fmt: skip
    session.add(seat)
    session.flush()
    session.add(Outbox.of(seat))
    session.commit()
    return shown(seat), 201
