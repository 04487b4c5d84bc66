"""P13 and P14: what each operation costs as accounts, and the number of them, grow."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from peewee import chunked, fn

from licensing import db, ids
from licensing.models import Account, Pool, PoolFigures, Seat, SeatHolding, User
from licensing.operations import accounts, api_keys
from licensing.rules.permissions import Scope, system
from tests.benchmarks import cloning, contestants
from tests.benchmarks.asking import Client
from tests.benchmarks.companies import add_users, opened
from tests.benchmarks.contestants import ASSIGN, ENTITLEMENT, PAGE
from tests.benchmarks.figures import Figure
from tests.benchmarks.places import Place
from tests.benchmarks.ratios import ratio
from tests.world import AnAccount, an_account
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint

TAKE_BACK = "take a seat back"
OPERATIONS = (ENTITLEMENT, PAGE, ASSIGN, TAKE_BACK)
FREE, TIMES = 2_000, 40
# No pool has more than a million seats: so many of them are not assigned.
UNASSIGNED = 2 * TIMES
ACCOUNTS_ASKED, FREE_IN_EACH, EVENTS_IN_EACH = 100, 20, 100
# No more than this many rows in a statement, whose values SQLite counts.
ROWS = 500


@dataclass(frozen=True)
class Grown:
    """A database of one size: who is there without a seat, and who may be asked."""

    size: int
    url: str
    token: str
    free: list[tuple[str, str]]


def seats_of_one_account(
    place: Place, folder: Path, sizes: Sequence[int], rounds: int
) -> Iterator[Figure]:
    """P13: one account with so many seats."""
    grown = [_an_account_of(place, size) for size in sizes]
    yield from _measured("P13", "seats in one account", place, folder, grown, rounds)


def accounts_of_one_database(
    place: Place, folder: Path, sizes: Sequence[int], rounds: int, address: str
) -> Iterator[Figure]:
    """P14: so many accounts, each with a log of 100 events and a lane to the receiver."""
    grown = [_so_many_accounts(place, size, address) for size in sizes]
    what = "accounts, 100 events and a lane each"
    yield from _measured("P14", what, place, folder, grown, rounds)


def _an_account_of(place: Place, size: int) -> Grown:
    with opened(place.make(f"seats_{size}")):
        account = an_account(core=1)
        _seat_directly(account, size, size - UNASSIGNED)
        free = [(user, account.id) for user in add_users(account, "free", FREE, None)]
        _, token = api_keys.create_key(system(), "benchmark", [Scope.ADMIN])
        db.db.execute_sql("ANALYZE")
    return Grown(size, place.url(f"seats_{size}"), token, free)


def _seat_directly(account: AnAccount, purchased: int, assigned: int) -> None:
    """Users who hold core seats, as the operations would have written them, but for the log."""
    pool = Pool.get(Pool.account_id == account.id)
    numbers = {"purchased": purchased, "assigned": assigned}
    Pool.update(**numbers).where(Pool.account_id == account.id, Pool.id == pool.id).execute()
    figures = PoolFigures.select(fn.MAX(PoolFigures.starts_at)).where(
        PoolFigures.account_id == account.id
    )
    PoolFigures.update(**numbers).where(
        PoolFigures.account_id == account.id, PoolFigures.starts_at == figures
    ).execute()
    told = _events_of(account)
    for chunk in chunked(range(assigned), ROWS):
        with db.db.atomic():
            _write_holders(account, pool, list(chunk), told)
    Account.update(last_sequence=Account.last_sequence + assigned).where(
        Account.id == account.id
    ).execute()


def _write_holders(account: AnAccount, pool: Pool, numbers: list[int], told: int) -> None:
    users, seats, holdings = [], [], []
    for number in numbers:
        email = f"holder{number}@example.com"
        user_id, seat_id = ids.new("usr"), ids.new("seat")
        users.append({
            "account_id": account.id, "id": user_id, "email": email, "email_key": email,
            "name": f"Holder {number}", "name_key": f"holder {number}", "search_text": email,
            "status": "active", "permissions": [], "partner_eligible": False,
            "holds_exclusive": False, "holding": "paid", "metadata": {}, "version": 1,
            "created_at": pool.created_at,
        })  # fmt: skip
        seats.append({
            "account_id": account.id, "id": seat_id, "user_id": user_id, "seat_type": "core",
            "pool_id": pool.id, "exclusive": False, "assigned_at": pool.created_at,
            "assigned_by_type": "system", "assigned_by_id": "benchmark", "version": 1,
            "created_at": pool.created_at,
        })  # fmt: skip
        holdings.append({
            "account_id": account.id, "sequence": told + 1 + number, "seat_id": seat_id,
            "user_id": user_id, "seat_type": "core", "pool_id": pool.id,
            "starts_at": pool.created_at,
        })  # fmt: skip
    User.insert_many(users).execute()
    Seat.insert_many(seats).execute()
    SeatHolding.insert_many(holdings).execute()


def _so_many_accounts(place: Place, size: int, address: str) -> Grown:
    with opened(place.make(f"accounts_{size}")):
        template = an_account(core=FREE_IN_EACH + 10)
        add_users(template, "held", 5, ("core",))
        while (had := _events_of(template)) < EVENTS_IN_EACH:
            accounts.update_account(template.by, {"name": f"Company after {had} events"})
        made, _ = endpoints.create_endpoint(system(), NewEndpoint(address, ["*"]))
        endpoints.enable_endpoint(system(), made.id)
        cloning.clone(template.id, size)
        free = []
        for number in range(1, ACCOUNTS_ASKED + 1):
            account = AnAccount(
                cloning.account_id(number),
                replace(template.by, account_id=cloning.account_id(number)),
            )
            free.append([(u, account.id) for u in add_users(account, "free", FREE_IN_EACH, None)])
        _, token = api_keys.create_key(system(), "benchmark", [Scope.ADMIN])
        db.db.execute_sql("ANALYZE")
    in_turn = [pair for pairs in zip(*free, strict=True) for pair in pairs]
    return Grown(size, place.url(f"accounts_{size}"), token, in_turn)


def _events_of(account: AnAccount) -> int:
    return int(Account.get_by_id(account.id).last_sequence)


def _measured(
    target: str, what: str, place: Place, folder: Path, grown: Sequence[Grown], rounds: int
) -> Iterator[Figure]:
    took: dict[tuple[int, str], list[float]] = {}
    with ExitStack() as stack:
        clients = {one.size: stack.enter_context(_served(one, folder)) for one in grown}
        for number in range(-1, rounds):
            for one in grown:
                for operation, cost in _costs(clients[one.size], one, number + 1).items():
                    if number >= 0:
                        took.setdefault((one.size, operation), []).append(cost)
    small = grown[0].size
    for operation in OPERATIONS:
        middle = {one.size: median(took[one.size, operation]) for one in grown}
        for one in grown[1:]:
            yield Figure(
                target,
                f"{operation}, {one.size:,} {what}, {place.name}",
                f"{small:,}",
                ratio(took[one.size, operation], took[small, operation]),
                at_most=1.3,
                absolute=f"{middle[one.size]:.2f} ms : {middle[small]:.2f} ms",
                series={f"{size}": value for size, value in middle.items()},
            )


@contextmanager
def _served(one: Grown, folder: Path) -> Iterator[Client]:
    with (
        contestants.seatkeeper(one.url, one.token, folder / "nobody") as (server,),
        Client(server.address, one.token) as client,
    ):
        yield client


def _costs(client: Client, one: Grown, number: int) -> dict[str, float]:
    """The median of the milliseconds that each operation takes, one after the other."""
    start = number * TIMES % len(one.free)
    people = (one.free + one.free)[start : start + TIMES]
    seats = []
    took: dict[str, list[float]] = {operation: [] for operation in OPERATIONS}
    for user, account in people:
        path = f"/v1/accounts/{account}"
        given = client.ask("POST", f"{path}/seats", {"user_id": user, "seat_type": "core"})
        took[ASSIGN].append(client.milliseconds)
        client.ask("GET", f"{path}/users/{user}/entitlements/contacts")
        took[ENTITLEMENT].append(client.milliseconds)
        client.ask("GET", f"{path}/seats?limit=50")
        took[PAGE].append(client.milliseconds)
        seats.append(f"{path}/seats/{given['id']}")
    for seat in seats:
        client.ask("DELETE", seat)
        took[TAKE_BACK].append(client.milliseconds)
    return {operation: median(times) for operation, times in took.items()}
