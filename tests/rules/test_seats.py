"""What seats an account can have, who may hold which together (R2, R5 to R8, R15)."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.rules.catalogue import Catalogue
from licensing.rules.reading import default
from licensing.rules.refusals import (
    ExclusiveSeat,
    IncludedInHeldSeat,
    SeatTypeNotAvailable,
    SeatTypeNotTransferable,
)
from licensing.rules.seats import (
    Situation,
    fallback,
    refuse_unavailable,
    refuse_untransferable,
    replaced_by,
    replacement,
    sellers,
)
from licensing.rules.seats import (
    default as default_type,
)

BOTH = {"marketing": "professional", "sales": "starter"}
NOT_SOLD = "no subscription of the account sells it at its tier"
NOT_LEGACY = "an account on legacy pricing has only the legacy seat types"


def _where_sales_includes_core() -> Catalogue:
    catalogue = default()
    richer = replace(catalogue.seat_types["sales"], includes=("core",))
    return replace(catalogue, seat_types={**catalogue.seat_types, "sales": richer})


def _where_sales_takes_professional() -> Catalogue:
    catalogue = default()
    dearer = replace(catalogue.seat_types["sales"], sold_by={"sales": ("professional",)})
    return replace(catalogue, seat_types={**catalogue.seat_types, "sales": dearer})


@pytest.mark.parametrize(
    ("seat_based", "tiers", "wanted"),
    [
        pytest.param(True, BOTH, "core", id="what any of the products sells"),
        pytest.param(True, BOTH, "sales", id="what one of them sells"),
        pytest.param(True, BOTH, "view_only", id="the viewing seat where the account pays"),
        pytest.param(True, BOTH, "partner", id="a partner's seat where the account pays"),
        pytest.param(True, {}, "partner", id="a partner's seat on the free tools"),
        pytest.param(True, {}, "free", id="the free seat on the free tools"),
        pytest.param(False, BOTH, "sales", id="a legacy type on legacy pricing"),
    ],
)
def test_r5_a_type_that_belongs_to_accounts_of_this_kind_is_available(
    seat_based: bool, tiers: Mapping[str, str], wanted: str
) -> None:
    catalogue = default()

    refuse_unavailable(catalogue, Situation(seat_based, tiers), catalogue.seat_type(wanted))


@pytest.mark.parametrize(
    ("seat_based", "tiers", "wanted", "because"),
    [
        pytest.param(True, BOTH, "service", NOT_SOLD, id="R5 no product of the account sells it"),
        pytest.param(True, {}, "core", NOT_SOLD, id="R4 a paid seat on the free tools"),
        pytest.param(
            True, BOTH, "free", "it is not offered to subscribed accounts", id="R4 the free seat"
        ),
        pytest.param(
            True, {}, "view_only", "it is not offered to free_tools accounts", id="R6 viewing"
        ),
        pytest.param(False, BOTH, "core", NOT_LEGACY, id="R2 core on legacy pricing"),
        pytest.param(False, BOTH, "view_only", NOT_LEGACY, id="R2 viewing on legacy pricing"),
        pytest.param(False, BOTH, "partner", NOT_LEGACY, id="R2 a partner on legacy pricing"),
        pytest.param(False, {}, "free", NOT_LEGACY, id="R2 the free seat on legacy pricing"),
        pytest.param(False, BOTH, "service", NOT_SOLD, id="R2 a legacy type that nobody sells"),
    ],
)
def test_r2_a_type_that_the_account_cannot_have_is_refused_with_the_reason(
    seat_based: bool, tiers: Mapping[str, str], wanted: str, because: str
) -> None:
    catalogue = default()

    with pytest.raises(SeatTypeNotAvailable) as refusal:
        refuse_unavailable(catalogue, Situation(seat_based, tiers), catalogue.seat_type(wanted))

    assert refusal.value.facts == {"seat_type": wanted, "because": because}


def test_r5_a_type_is_sold_at_the_tiers_that_the_catalogue_names_only() -> None:
    catalogue = _where_sales_takes_professional()

    below = sellers(catalogue, {"sales": "starter"}, "sales")
    at = sellers(catalogue, {"sales": "professional"}, "sales")

    assert (below, at) == ([], ["sales"])


def test_r4_the_sellers_come_in_the_order_of_the_accounts_subscriptions() -> None:
    tiers = {"service": "starter", "content": "enterprise", "marketing": "professional"}

    found = sellers(default(), tiers, "core")

    assert found == ["service", "content", "marketing"]


@pytest.mark.parametrize(
    ("held", "wanted", "ends"),
    [
        pytest.param([], "core", [], id="nothing is held"),
        pytest.param(["view_only"], "core", ["view_only"], id="viewing gives way to a paid seat"),
        pytest.param(["partner"], "sales", ["partner"], id="so does a partner's"),
        pytest.param(["free"], "view_only", ["free"], id="one exclusive seat to another"),
        pytest.param(["view_only"], "partner", ["view_only"], id="viewing to a partner's"),
        pytest.param(["sales"], "service", [], id="sales and service are held together"),
        pytest.param(["core"], "sales", [], id="core beside sales, where it is not included"),
    ],
)
def test_r8_what_ends_when_a_seat_is_given(held: list[str], wanted: str, ends: list[str]) -> None:
    catalogue = default()

    assert replaced_by(catalogue, "usr_1", held, catalogue.seat_type(wanted)) == ends


@pytest.mark.parametrize("wanted", ["view_only", "partner", "free"])
def test_r8_an_exclusive_seat_does_not_come_beside_paid_ones(wanted: str) -> None:
    catalogue = default()

    with pytest.raises(ExclusiveSeat) as refusal:
        replaced_by(catalogue, "usr_1", ["service", "sales"], catalogue.seat_type(wanted))

    assert refusal.value.facts == {
        "seat_type": wanted,
        "user_id": "usr_1",
        "held": ["sales", "service"],
    }


def test_r8_an_included_seat_goes_back_when_the_richer_one_is_given() -> None:
    catalogue = _where_sales_includes_core()

    ends = replaced_by(catalogue, "usr_1", ["service", "core"], catalogue.seat_type("sales"))

    assert ends == ["core"]


def test_r8_a_seat_that_is_included_in_a_held_one_is_refused() -> None:
    catalogue = _where_sales_includes_core()

    with pytest.raises(IncludedInHeldSeat) as refusal:
        replaced_by(catalogue, "usr_1", ["sales"], catalogue.seat_type("core"))

    assert refusal.value.facts == {"seat_type": "core", "user_id": "usr_1", "held": "sales"}


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted(default().seat_types)), max_size=12))
def test_r8_however_seats_are_given_an_exclusive_one_stands_alone(wishes: list[str]) -> None:
    catalogue = _where_sales_includes_core()
    held: list[str] = []

    for wish in wishes:
        if wish in held:
            continue
        try:
            ends = replaced_by(catalogue, "usr_1", held, catalogue.seat_type(wish))
        except (ExclusiveSeat, IncludedInHeldSeat):
            continue
        held = [name for name in held if name not in ends] + [wish]

    assert len(held) < 2 or not any(catalogue.seat_type(name).exclusive for name in held)
    assert not {"core", "sales"} <= set(held)


@pytest.mark.parametrize(
    ("seat_based", "tiers", "status", "seat_type"),
    [
        pytest.param(True, BOTH, "active", "view_only", id="viewing where the account pays"),
        pytest.param(True, {}, "active", "free", id="the free tools where it does not"),
        pytest.param(True, BOTH, "invited", None, id="nothing for the invited"),
        pytest.param(True, BOTH, "deactivated", None, id="nothing for the deactivated"),
        pytest.param(False, BOTH, "active", None, id="nothing on legacy pricing"),
        pytest.param(False, {}, "active", None, id="nor on legacy pricing without a subscription"),
    ],
)
def test_r8_who_is_left_without_a_seat_gets_the_one_of_such_accounts(
    seat_based: bool, tiers: Mapping[str, str], status: str, seat_type: str | None
) -> None:
    assert fallback(default(), Situation(seat_based, tiers), status) == seat_type


@pytest.mark.parametrize(
    ("name", "is_eligible", "given"),
    [
        pytest.param("core", False, "core", id="what the account names"),
        pytest.param("partner", True, "partner", id="a partner's seat for a partner"),
        pytest.param("partner", False, None, id="not for anybody else"),
        pytest.param("service", False, None, id="not what no subscription sells"),
        pytest.param("platinum", False, None, id="not what the catalogue does not have any more"),
        pytest.param(None, True, None, id="nothing where the account names nothing"),
    ],
)
def test_r13_a_new_user_gets_the_default_type_where_he_can_have_it(
    name: str | None, is_eligible: bool, given: str | None
) -> None:
    found = default_type(default(), Situation(True, BOTH), name, is_eligible)

    assert (None if found is None else found.name) == given


@pytest.mark.parametrize(
    ("becomes", "given"),
    [
        pytest.param(None, None, id="the catalogue names none"),
        pytest.param("core", "core", id="one that the account can have"),
        pytest.param("service", None, id="one that no subscription sells"),
    ],
)
def test_r25_a_seat_that_nothing_sells_becomes_what_the_catalogue_says_where_that_is_sold(
    becomes: str | None, given: str | None
) -> None:
    ended = replace(default().seat_type("sales"), becomes=becomes)

    found = replacement(default(), Situation(True, BOTH), ended)

    assert (None if found is None else found.name) == given


@pytest.mark.parametrize("wanted", ["core", "sales", "service"])
def test_r15_paid_seats_of_the_default_catalogue_can_be_transferred(wanted: str) -> None:
    refuse_untransferable(default().seat_type(wanted))


@pytest.mark.parametrize(
    ("exclusive", "transferable"),
    [
        pytest.param(True, False, id="an exclusive type"),
        pytest.param(True, True, id="an exclusive type, whatever the catalogue says"),
        pytest.param(False, False, id="a type of which the catalogue says so"),
    ],
)
def test_r15_a_type_that_stays_with_its_holder_is_not_transferred(
    exclusive: bool, transferable: bool
) -> None:
    seat_type = replace(default().seat_type("core"), exclusive=exclusive, transferable=transferable)

    with pytest.raises(SeatTypeNotTransferable) as refusal:
        refuse_untransferable(seat_type)

    assert refusal.value.facts == {"seat_type": "core"}
