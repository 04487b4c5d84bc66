"""
Demo data: a believable company on each pricing model, with a history of some months, and one on a
test clock.

Everything is done through the operations, at the instants at which it would have happened, so the
log of the demo companies is as true as that of real ones.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from licensing import clock, sessions, settings
from licensing.db import transactional
from licensing.operations import (
    accounts,
    activity,
    api_keys,
    assigning,
    buying,
    giving_back,
    requesting,
    subscriptions,
    test_clocks,
    tiers,
    users,
)
from licensing.operations.subscriptions import Order
from licensing.rules.permissions import Actor, ActorType, Permission, Scope, system
from licensing.rules.reading import default
from licensing.rules.terms import Interval
from licensing.settings import StartRefused

ADMINISTRATORS = {
    "Amara Okafor": frozenset({Permission.SUPER_ADMIN}),
    "Jonas Lindqvist": frozenset({Permission.MANAGE_USERS}),
    "Mei-Ling Chen": frozenset({Permission.MODIFY_BILLING}),
}
Row = tuple[str, tuple[str, ...], int | None, str]
# (name, seat types, days since last active or None, how the user stands)
STAFF: tuple[Row, ...] = (
    ("Amara Okafor", ("core",), 0, "active"),
    ("Jonas Lindqvist", ("core",), 0, "active"),
    ("Mei-Ling Chen", ("core",), 1, "active"),
    ("Priya Raghavan", ("sales",), 0, "active"),
    ("Tomás Herrera", ("sales",), 0, "active"),
    ("Sofia Marchetti", ("sales", "service"), 1, "active"),
    ("Noah Becker", ("sales",), 2, "active"),
    ("Zainab Al-Rashid", ("sales",), 3, "active"),
    ("Callum Fraser", ("sales",), 41, "active"),
    ("Yuki Tanabe", ("service",), 0, "active"),
    ("Oluwaseun Adeyemi", ("service",), 0, "active"),
    ("Ingrid Solberg", ("service",), 1, "active"),
    ("Mateus Carvalho", ("service",), 5, "active"),
    ("Hannah Goldberg", ("service",), 12, "deactivated"),
    ("Lena Vogel", ("core",), 0, "active"),
    ("Arjun Mehta", ("core",), 1, "active"),
    ("Chloé Dubois", ("core",), 1, "active"),
    ("Viktor Novák", ("core",), 2, "active"),
    ("Siobhán Kelly", ("core",), 4, "active"),
    ("Ibrahim Diallo", ("core",), 7, "active"),
    ("Emma Lindholm", ("core",), 9, "active"),
    ("Rafael Ortiz", ("core",), 15, "active"),
    ("Nadia Petrova", ("core",), 33, "active"),
    ("Giulia Romano", ("core",), 68, "active"),
    ("Samuel Osei", ("core",), None, "active"),
    ("Katarzyna Wójcik", ("core",), 21, "deactivated"),
    ("Felix Baumann", ("core",), None, "invited"),
    ("Aoife Brennan", ("core",), None, "invited"),
    ("Daniel Kim", ("sales",), None, "invited"),
    ("Lucía Fernández", (), None, "invited"),
    ("Marcus Holm", (), 3, "active"),
    ("Esther Nakamura", (), 6, "active"),
    ("Pavel Dvořák", (), 10, "active"),
    ("Leila Haddad", (), 19, "active"),
    ("George Papadopoulos", (), 27, "active"),
    ("Anneke de Vries", (), 55, "active"),
    ("Robert Achebe", (), 120, "active"),
    ("Ines Moreau", (), None, "active"),
    ("Dana Whitfield", ("partner",), 2, "active"),
    ("Kenji Mori", ("partner",), 14, "active"),
)
LEGACY_STAFF: tuple[Row, ...] = (
    ("Amara Okafor", ("sales",), 0, "active"),
    ("Mei-Ling Chen", ("service",), 1, "active"),
    ("Otto Keller", ("sales",), 2, "active"),
    ("Birgit Lang", ("sales", "service"), 0, "active"),
    ("Henrik Dahl", ("service",), 30, "deactivated"),
    ("Rosa Blum", (), 4, "active"),
    ("Jens Thorsen", (), None, "invited"),
)


LEGACY_SINCE = datetime(2022, 5, 10, 8, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Loaded:
    """
    What was loaded: the accounts by name, the test clock of the last one, a key that may do
    everything, and a session of a super admin of the first one.
    """

    accounts: dict[str, str]
    clock_id: str
    token: str
    session: str


def load() -> Loaded:
    """
    Load the companies and a key; each call adds new ones.

    Raises `StartRefused` where the catalogue was replaced: they hold what the default one sells.
    """
    if settings.current().catalogue is not default():
        raise StartRefused(
            "the demo companies need the default catalogue; unset SEATKEEPER_CATALOGUE"
        )
    _, token = api_keys.create_key(system(), "demo", [Scope.ADMIN])
    modern, administrator = _modern()
    companies = {"Northwind Robotics": modern, "Kessler Werkzeuge": _legacy()}
    clock_id, companies["Tidewater Labs"] = _on_a_test_clock()
    session, _ = sessions.mint(modern, administrator, sessions.LONGEST)
    return Loaded(companies, clock_id, token, session)


def welcome(loaded: Loaded, address: str) -> str:
    """What a new user needs to know to make the first request."""
    company, account_id = next(iter(loaded.accounts.items()))
    notes = {
        "Kessler Werkzeuge": " (legacy pricing)",
        "Tidewater Labs": f" (on test clock {loaded.clock_id})",
    }
    companies = "\n".join(
        f"  {id}  {name}{notes.get(name, '')}" for name, id in loaded.accounts.items()
    )
    return f"""\
Seatkeeper runs at {address} (documentation: {address}/docs)

Demo companies:
{companies}

API key that may do everything:
  {loaded.token}

The console, signed in as a super admin of {company} for 12 hours:
  {address}/console#token={loaded.session}

Try it:
  curl -H 'Authorization: Bearer {loaded.token}' {address}/v1/accounts/{account_id}/pools

Who holds what, as a CSV file (inactive_since, search, holding, sort and more go with it):
  curl -H 'Authorization: Bearer {loaded.token}' -H 'Accept: text/csv' \\
    '{address}/v1/accounts/{account_id}/seat-table?sort=last_active_at'
"""


@contextmanager
def _days_ago(days: float) -> Iterator[None]:
    instant = clock.now() - timedelta(days=days)
    with clock.reading(lambda: instant):
        yield


def _modern() -> tuple[str, str]:
    """A company that began on the free tools and has grown since, and its super admin."""
    with _days_ago(236):
        account = accounts.create_account(system(), "Northwind Robotics", "EUR", "Europe/Berlin")
        by = system(account.id)
        ids = {name: _add(by, name, "active") for name in ADMINISTRATORS}
    amara = _administrator(account.id, ids["Amara Okafor"])
    with _days_ago(229):
        _subscribe(amara, "marketing", "professional", Interval.YEAR, core=15)
    with _days_ago(171):
        _subscribe(amara, "sales", "professional", Interval.YEAR, sales=9)
        service = _subscribe(amara, "service", "enterprise", Interval.MONTH, service=6)
    with _days_ago(168):
        ids |= {name: _add(by, name, how) for name, _, _, how in STAFF if _settled(name, how)}
    with _days_ago(160):
        _assign(by, ids, STAFF)
    with _days_ago(40):
        ids["Lucía Fernández"] = _add(by, "Lucía Fernández", "invited")
    with _days_ago(20):
        buying.purchase_seats(amara, "core", 3)
    _recent_weeks(by, amara, ids)
    with _days_ago(1):
        tiers.change_tier(amara, service, "professional")
    return str(account.id), ids["Amara Okafor"]


def _recent_weeks(by: Actor, amara: Actor, ids: dict[str, str]) -> None:
    with _days_ago(3):
        newcomers = ("Felix Baumann", "Aoife Brennan", "Daniel Kim")
        ids |= {name: _add(by, name, "invited") for name in newcomers}
        _assign(by, ids, [row for row in STAFF if row[0] in newcomers])
    with _days_ago(2):
        giving_back.schedule_removal(amara, "core", 2)
        moved = assigning.assign_seat(by, ids["Marcus Holm"], "sales")
        assigning.transfer_seat(by, moved.id, ids["Esther Nakamura"])
        leila = Actor(ActorType.USER, ids["Leila Haddad"], str(amara.account_id))
        requesting.ask_for_seat(leila, "sales", "I take over the northern accounts")
    _report_activity(by, ids, STAFF)
    _deactivate(by, ids, STAFF)


def _legacy() -> str:
    """A company from before seat-based pricing, imported with its real dates (R1, R2)."""
    with _days_ago(200):
        account = accounts.create_account(
            system(), "Kessler Werkzeuge", "EUR", "Europe/Berlin", LEGACY_SINCE
        )
        by = system(account.id)
        ids = {name: _add(by, name, how) for name, _, _, how in LEGACY_STAFF if how != "invited"}
        for product in ("sales", "service"):
            order = Order(product, "professional", Interval.YEAR, 1, {product: 4}, LEGACY_SINCE)
            subscriptions.checkout(by, order)
        _assign(by, ids, LEGACY_STAFF)
    with _days_ago(1):
        ids["Jens Thorsen"] = _add(by, "Jens Thorsen", "invited")
    _report_activity(by, ids, LEGACY_STAFF)
    _deactivate(by, ids, LEGACY_STAFF)
    return str(account.id)


def _on_a_test_clock() -> tuple[str, str]:
    """A company whose time stands still until its clock is advanced (R26)."""
    hands = test_clocks.create_clock(system(), "Demo", clock.now())
    account = accounts.create_account(
        system(), "Tidewater Labs", "EUR", "Europe/Berlin", test_clock_id=hands.id
    )
    by = system(account.id)
    ids = {name: _add(by, name, "active") for name in ("Amara Okafor", "Jonas Lindqvist")}
    _subscribe(by, "marketing", "professional", Interval.MONTH, core=5)
    for user_id in ids.values():
        assigning.assign_seat(by, user_id, "core")
    giving_back.schedule_removal(by, "core", 2)
    return str(hands.id), str(account.id)


def _settled(name: str, how: str) -> bool:
    return how != "invited" and name not in ADMINISTRATORS


def _add(by: Actor, name: str, how: str) -> str:
    first, _, last = name.partition(" ")
    plain = unicodedata.normalize("NFKD", f"{first}.{last}".replace(" ", ""))
    email = plain.encode("ascii", "ignore").decode().lower() + "@example.com"
    holder = users.create_user(
        by,
        email,
        name,
        permissions=ADMINISTRATORS.get(name, frozenset()),
        partner_eligible=("partner",) in [row[1] for row in STAFF if row[0] == name],
        status="invited" if how == "invited" else "active",
    )
    return str(holder.user.id)


def _subscribe(by: Actor, product: str, tier: str, interval: Interval, **seats: int) -> str:
    with_core = {"core": 1} | seats if "core" not in seats else seats
    subscription, _ = subscriptions.checkout(by, Order(product, tier, interval, 1, with_core))
    return str(subscription.id)


@transactional
def _assign(by: Actor, ids: dict[str, str], staff: Iterable[Row]) -> None:
    for name, seat_types, _, _ in staff:
        held = users.update_user(by, ids[name], {}).seat_types if name in ids else seat_types
        for seat_type in seat_types:
            if seat_type not in held:
                assigning.assign_seat(by, ids[name], seat_type)


@transactional
def _report_activity(by: Actor, ids: dict[str, str], staff: Iterable[Row]) -> None:
    for name, _, days, _ in staff:
        if days is not None:
            activity.record_activity(by, ids[name], clock.now() - timedelta(days=days, minutes=7))


def _deactivate(by: Actor, ids: dict[str, str], staff: Iterable[Row]) -> None:
    with _days_ago(1):
        for name, _, _, how in staff:
            if how == "deactivated":
                users.update_user(by, ids[name], {"status": "deactivated"})


def _administrator(account_id: str, user_id: str) -> Actor:
    return Actor(
        ActorType.USER, user_id, account_id, permissions=frozenset({Permission.SUPER_ADMIN})
    )
