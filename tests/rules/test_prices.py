"""Amounts of money for seats (R17): integers in minor units, exact shares."""

from dataclasses import replace
from fractions import Fraction
from math import floor, gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.rules.prices import per_term, prorated
from licensing.rules.reading import default
from licensing.rules.terms import Interval, TermShare

amounts = st.integers(0, 10**12)


@st.composite
def shares(draw: st.DrawFn) -> TermShare:
    """A reduced share of some term."""
    denominator = draw(st.integers(1, 10**14))
    numerator = draw(st.integers(0, denominator))
    divisor = gcd(numerator, denominator)
    return TermShare(numerator // divisor, denominator // divisor, 0, 0)


@pytest.mark.parametrize(
    ("interval", "count", "currency", "amount"),
    [
        pytest.param("month", 1, "EUR", 4500, id="a month"),
        pytest.param("month", 3, "EUR", 13500, id="a quarter is three months"),
        pytest.param("year", 1, "EUR", 45000, id="a year has a price of its own"),
        pytest.param("year", 2, "USD", 100000, id="two years in another currency"),
        pytest.param("month", 1, "CHF", None, id="no price in this currency"),
    ],
)
def test_r17_a_term_costs_as_much_as_its_intervals(
    interval: str, count: int, currency: str, amount: int | None
) -> None:
    catalogue = default()

    found = per_term(
        catalogue, "core", "marketing", "professional", Interval(interval), count, currency
    )

    assert found == amount


def test_r17_a_seat_that_is_given_away_costs_nothing_rather_than_has_no_price() -> None:
    catalogue = default()
    given_away = [replace(price, amount=0) for price in catalogue.prices]

    found = per_term(
        replace(catalogue, prices=tuple(given_away)),
        "core",
        "marketing",
        "starter",
        Interval.MONTH,
        3,
        "EUR",
    )

    assert found == 0


@pytest.mark.parametrize(
    ("amount", "numerator", "denominator", "part"),
    [
        pytest.param(4500, 1, 1, 4500, id="all of a term costs all"),
        pytest.param(4500, 0, 1, 0, id="nothing left costs nothing"),
        pytest.param(4500, 1, 2, 2250, id="half"),
        pytest.param(100, 1, 3, 33, id="less than a half is rounded down"),
        pytest.param(100, 2, 3, 67, id="more than a half is rounded up"),
        pytest.param(1, 1, 2, 1, id="a half is rounded up"),
        pytest.param(5, 1, 2, 3, id="a half is rounded up, also to an odd amount"),
        pytest.param(3, 1, 2, 2, id="a half is rounded up, also to an even amount"),
        pytest.param(10**17 + 1, 1, 2, 5 * 10**16 + 1, id="where a float would be wrong"),
    ],
)
def test_r17_a_prorated_amount_is_rounded_half_up(
    amount: int, numerator: int, denominator: int, part: int
) -> None:
    share = TermShare(numerator, denominator, 0, 0)

    assert prorated(amount, share) == part


@given(amount=amounts, share=shares())
def test_r17_a_prorated_amount_is_the_nearest_to_the_exact_one(
    amount: int, share: TermShare
) -> None:
    exact = Fraction(amount * share.numerator, share.denominator)

    part = prorated(amount, share)

    assert part == floor(exact + Fraction(1, 2))
    assert 0 <= part <= amount


@pytest.mark.parametrize(
    ("parts", "share"),
    [
        pytest.param(1, 600, id="the whole term is billed"),
        pytest.param(2, 300, id="one half of it is"),
        pytest.param(12, 50, id="one month of a year is"),
        pytest.param(7, 86, id="a seventh of it is, rounded up"),
    ],
)
def test_r24_the_share_of_a_term_that_is_billed_in_parts_is_one_of_a_part(
    parts: int, share: int
) -> None:
    assert prorated(1200, TermShare(1, 2, 0, 0), parts) == share


@given(amount=amounts, share=shares())
def test_r17_what_is_left_and_what_is_over_make_the_whole_to_within_one(
    amount: int, share: TermShare
) -> None:
    rest = TermShare(share.denominator - share.numerator, share.denominator, 0, 0)

    together = prorated(amount, share) + prorated(amount, rest)

    assert together - amount in (0, 1)


@given(amount=amounts, pair=st.tuples(shares(), shares()))
def test_r17_a_greater_share_never_costs_less(
    amount: int, pair: tuple[TermShare, TermShare]
) -> None:
    less, more = sorted(pair, key=lambda share: Fraction(share.numerator, share.denominator))

    assert prorated(amount, less) <= prorated(amount, more)


@given(pair=st.tuples(amounts, amounts).map(sorted), share=shares())
def test_r17_a_greater_amount_never_costs_less(pair: list[int], share: TermShare) -> None:
    less, more = pair

    assert prorated(less, share) <= prorated(more, share)


@given(amount=st.integers(0, 10**12), halves=st.integers(0, 10**6))
def test_r17_exact_halves_are_rounded_up(amount: int, halves: int) -> None:
    share = TermShare(1, 2, 0, 0)
    odd = 2 * halves + 1

    assert prorated(odd, share) == halves + 1
    assert prorated(2 * amount, share) == amount


def test_r17_the_product_has_its_own_price_before_that_of_any() -> None:
    catalogue = default()
    general = catalogue.prices[0]
    own = replace(general, product="sales", amount=general.amount + 100)
    dearer = replace(catalogue, prices=(*catalogue.prices, own))

    found = [
        per_term(
            dearer,
            general.seat_type,
            product,
            general.tier,
            Interval(general.interval),
            2,
            general.currency,
        )
        for product in ("sales", "marketing")
    ]

    assert found == [2 * general.amount + 200, 2 * general.amount]
