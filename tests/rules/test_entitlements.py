"""What a user may do with a feature (R5 to R7, R9), as a rule without any account."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.rules.catalogue import Catalogue
from licensing.rules.entitlements import (
    Entitlement,
    Holder,
    Level,
    Reason,
    entitlement,
    entitlements,
)
from licensing.rules.reading import default, parse
from licensing.rules.refusals import NotFound

MARKETING = {"marketing": "professional"}
SALES = {"sales": "professional"}
BOTH = MARKETING | SALES
RANK = {Level.NONE: 0, Level.VIEW: 1, Level.EDIT: 2}
PAID_TIERS = ["starter", "professional", "enterprise"]

seats = st.lists(st.sampled_from(sorted(default().seat_types)), unique=True, max_size=3).map(tuple)
subscriptions = st.dictionaries(
    st.sampled_from(sorted(default().products)), st.sampled_from(PAID_TIERS)
)


def _holder(*seat_types: str, subscriptions: Mapping[str, str], status: str = "active") -> Holder:
    return Holder(True, status, seat_types, subscriptions)


@cache
def _in_which_sales_is_sold_from_professional_on() -> Catalogue:
    text = resources.files("licensing.rules").joinpath("catalogue.toml").read_text("utf-8")
    sold = 'sold_by = { sales = ["starter", "professional", "enterprise"] }'
    text = text.replace(sold, 'sold_by = { sales = ["professional", "enterprise"] }')
    # An advanced feature at the tier that no longer sells the seat.
    text = text.replace('title = "Quotes"', 'title = "Quotes"\nadvanced = true')
    return parse(text, "a test's catalogue")


@pytest.mark.parametrize(
    ("held", "subscribed", "feature", "level", "reason"),
    [
        pytest.param("core", BOTH, "social_posts", "edit", None, id="core edits what is paid for"),
        pytest.param("core", BOTH, "contacts", "edit", None, id="and what lower tiers have"),
        pytest.param("core", BOTH, "attribution", "none", "tier", id="but not what higher ones do"),
        pytest.param("core", BOTH, "tickets", "none", "not_subscribed", id="nor other products"),
        pytest.param("core", BOTH, "sequences", "none", "seat_type", id="nor advanced features"),
        pytest.param("sales", BOTH, "sequences", "edit", None, id="which the special seat opens"),
        pytest.param("sales", BOTH, "social_posts", "edit", None, id="beside all that core opens"),
        pytest.param(
            "sales",
            BOTH | {"service": "professional"},
            "help_desk",
            "none",
            "seat_type",
            id="but not those of another product",
        ),
        pytest.param(
            "sales", BOTH, "conversation_insights", "none", "tier", id="nor those of a higher tier"
        ),
        pytest.param(
            "sales",
            MARKETING,
            "sequences",
            "none",
            "not_subscribed",
            id="nor any when the product is not subscribed to",
        ),
        pytest.param("sales", MARKETING, "contacts", "edit", None, id="what is left is as core"),
    ],
)
def test_r5_a_paid_seat_opens_what_the_account_pays_for(
    held: str, subscribed: Mapping[str, str], feature: str, level: str, reason: str | None
) -> None:
    holder = _holder(held, subscriptions=subscribed)

    answer = entitlement(default(), holder, feature)

    assert (answer.level, answer.reason) == (level, reason)


def test_r5_advanced_features_take_a_tier_that_sells_the_seat() -> None:
    catalogue = _in_which_sales_is_sold_from_professional_on()
    below = _holder("sales", subscriptions={"sales": "starter"})
    above = _holder("sales", subscriptions={"sales": "professional"})

    answers = [entitlement(catalogue, holder, "quotes") for holder in (below, above)]

    assert answers == [Entitlement(Level.NONE, Reason.SEAT_TYPE), Entitlement(Level.EDIT)]
    assert entitlement(catalogue, below, "deals") == Entitlement(Level.EDIT)


@pytest.mark.parametrize(
    ("feature", "level", "reason"),
    [
        pytest.param("contacts", "view", None, id="it reads"),
        pytest.param("forms", "none", "seat_type", id="forms are closed"),
        pytest.param("social_posts", "none", "seat_type", id="social posts are closed"),
        pytest.param("sequences", "none", "seat_type", id="advanced features are closed"),
        pytest.param("attribution", "none", "tier", id="a higher tier is the nearer cause"),
        pytest.param("tickets", "none", "not_subscribed", id="so is another product"),
    ],
)
def test_r6_the_viewing_seat_reads_what_is_not_closed_to_it(
    feature: str, level: str, reason: str | None
) -> None:
    holder = _holder("view_only", subscriptions=BOTH)

    answer = entitlement(default(), holder, feature)

    assert (answer.level, answer.reason) == (level, reason)


@pytest.mark.parametrize(
    ("subscribed", "feature", "level", "reason"),
    [
        pytest.param(BOTH, "sequences", "edit", None, id="advanced features"),
        pytest.param(BOTH, "forms", "edit", None, id="what is closed to others"),
        pytest.param(BOTH, "attribution", "none", "tier", id="no more than the account has"),
        pytest.param(BOTH, "tickets", "none", "not_subscribed", id="nor another product"),
        pytest.param({}, "tickets", "edit", None, id="the free tools where nothing is paid for"),
        pytest.param({}, "quotes", "none", "not_subscribed", id="and nothing beyond them"),
    ],
)
def test_r7_a_partner_has_everything_in_the_account(
    subscribed: Mapping[str, str], feature: str, level: str, reason: str | None
) -> None:
    holder = _holder("partner", subscriptions=subscribed)

    answer = entitlement(default(), holder, feature)

    assert (answer.level, answer.reason) == (level, reason)


def test_r4_a_free_seat_edits_the_free_tier_of_every_product() -> None:
    catalogue = default()
    holder = _holder("free", subscriptions={})

    answers = entitlements(catalogue, holder)

    assert {name for name, answer in answers.items() if answer.level is Level.EDIT} == {
        name for name, feature in catalogue.features.items() if feature.tier == "free"
    }
    assert {answer.reason for answer in answers.values()} == {None, Reason.NOT_SUBSCRIBED}


def test_r4_a_free_seat_does_not_open_what_others_pay_for() -> None:
    holder = _holder("free", subscriptions=BOTH)

    answers = entitlements(default(), holder)

    assert answers["contacts"] == Entitlement(Level.EDIT)
    assert answers["social_posts"] == Entitlement(Level.NONE, Reason.SEAT_TYPE)


@pytest.mark.parametrize("held", ["core", "sales", "view_only"])
def test_r9_once_the_subscriptions_are_over_their_seats_open_nothing(held: str) -> None:
    holder = _holder(held, subscriptions={})

    answers = entitlements(default(), holder)

    assert set(answers.values()) == {Entitlement(Level.NONE, Reason.NOT_SUBSCRIBED)}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"account_open": False}, "account_closed", id="a closed account"),
        pytest.param({"status": "deactivated"}, "deactivated", id="a deactivated user"),
        pytest.param({"status": "invited"}, "not_accepted", id="an invited user"),
        pytest.param({"seat_types": ()}, "no_seat", id="a user without a seat"),
        pytest.param(
            {"account_open": False, "status": "deactivated", "seat_types": ()},
            "account_closed",
            id="the account comes before the user",
        ),
        pytest.param(
            {"status": "deactivated", "seat_types": ()},
            "deactivated",
            id="the user before the seat",
        ),
    ],
)
def test_r9_who_is_barred_may_do_nothing_and_is_told_why(
    changes: dict[str, object], reason: str
) -> None:
    holder = replace(_holder("core", subscriptions=BOTH), **changes)  # type: ignore[arg-type]

    answers = entitlements(default(), holder)

    assert set(answers.values()) == {Entitlement(Level.NONE, Reason(reason))}
    assert entitlement(default(), holder, "contacts") == answers["contacts"]


def test_r9_the_best_of_the_seats_held_counts() -> None:
    subscribed = SALES | {"service": "professional"}
    holder = _holder("sales", "service", subscriptions=subscribed)

    answers = entitlements(default(), holder)

    assert (answers["sequences"].level, answers["help_desk"].level) == (Level.EDIT, Level.EDIT)


@pytest.mark.parametrize("status", ["active", "deactivated"])
def test_r9_an_unknown_feature_is_not_found_whoever_asks(status: str) -> None:
    holder = _holder("core", subscriptions=BOTH, status=status)

    with pytest.raises(NotFound, match="levitation"):
        entitlement(default(), holder, "levitation")


@settings(deadline=None)
@given(held=seats, subscribed=subscriptions)
def test_r9_all_answers_together_are_those_of_each_in_the_catalogues_order(
    held: tuple[str, ...], subscribed: dict[str, str]
) -> None:
    holder = _holder(*held, subscriptions=subscribed)

    together = entitlements(default(), holder)

    assert list(together) == list(default().features)
    assert together == {name: entitlement(default(), holder, name) for name in together}
    assert all(
        (answer.level is Level.NONE) == (answer.reason is not None) for answer in together.values()
    )


@settings(deadline=None)
@given(held=seats, subscribed=subscriptions, data=st.data())
def test_r9_a_richer_tier_never_lowers_a_level(
    held: tuple[str, ...], subscribed: dict[str, str], data: st.DataObject
) -> None:
    richer = {
        product: data.draw(st.sampled_from(PAID_TIERS[PAID_TIERS.index(tier) :]))
        for product, tier in subscribed.items()
    }

    poor = entitlements(default(), _holder(*held, subscriptions=subscribed))
    rich = entitlements(default(), _holder(*held, subscriptions=richer))

    assert all(RANK[rich[name].level] >= RANK[poor[name].level] for name in poor)


@settings(deadline=None)
@given(held=seats, more=seats, subscribed=subscriptions)
def test_r9_another_seat_never_lowers_a_level(
    held: tuple[str, ...], more: tuple[str, ...], subscribed: dict[str, str]
) -> None:
    fewer = entitlements(default(), _holder(*held, subscriptions=subscribed))

    richer = entitlements(default(), _holder(*held, *more, subscriptions=subscribed))

    assert all(RANK[richer[name].level] >= RANK[fewer[name].level] for name in fewer)


@settings(deadline=None)
@given(held=seats, subscribed=subscriptions)
def test_r9_the_order_of_the_seats_changes_no_answer(
    held: tuple[str, ...], subscribed: dict[str, str]
) -> None:
    forwards = entitlements(default(), _holder(*held, subscriptions=subscribed))

    backwards = entitlements(default(), _holder(*reversed(held), subscriptions=subscribed))

    assert forwards == backwards


# What each seat does with each feature that the account pays for, at professional tiers.
AT_PROFESSIONAL = """
                        core  sales  service  view_only  partner  free
    contacts            edit  edit   edit     view       edit     edit
    forms               edit  edit   edit     none       edit     edit
    email_campaigns     edit  edit   edit     view       edit     none
    social_posts        edit  edit   edit     none       edit     none
    campaign_automation edit  edit   edit     view       edit     none
    attribution         none  none   none     none       none     none
    deals               edit  edit   edit     view       edit     edit
    quotes              edit  edit   edit     view       edit     none
    sequences           none  edit   none     none       edit     none
    forecasting         none  edit   none     none       edit     none
    conversation_insights none none  none     none       none     none
    tickets             edit  edit   edit     view       edit     edit
    shared_inbox        edit  edit   edit     view       edit     none
    help_desk           none  none   edit     none       edit     none
    service_levels      none  none   edit     none       edit     none
    data_sync           edit  edit   edit     view       edit     none
    data_quality        edit  edit   edit     view       edit     none
    landing_pages       edit  edit   edit     view       edit     edit
    blog                edit  edit   edit     view       edit     none
    personalisation     edit  edit   edit     view       edit     none
"""


@pytest.mark.parametrize("held", sorted(default().seat_types))
def test_r9_what_each_seat_opens_where_everything_is_professional(held: str) -> None:
    heading, *lines = AT_PROFESSIONAL.strip().splitlines()
    column = heading.split().index(held) + 1
    table = {line.split()[0]: line.split()[column] for line in lines}
    holder = _holder(held, subscriptions=dict.fromkeys(default().products, "professional"))

    answers = entitlements(default(), holder)

    assert {name: answer.level for name, answer in answers.items()} == table


@pytest.mark.parametrize(
    ("left", "held", "feature", "level", "reason"),
    [
        pytest.param("view", "core", "social_posts", "view", None, id="seen, not edited"),
        pytest.param("none", "core", "social_posts", "none", "suspended", id="or nothing at all"),
        pytest.param("none", "core", "deals", "edit", None, id="another product goes on"),
        pytest.param("view", "view_only", "contacts", "view", None, id="who saw goes on to see"),
        pytest.param(
            "none", "view_only", "forms", "none", "seat_type", id="what the seat never opened"
        ),
    ],
)
def test_r25b_of_a_suspended_product_the_catalogue_says_what_is_left(
    left: str, held: str, feature: str, level: str, reason: str | None
) -> None:
    catalogue = replace(default(), suspended=left)
    holder = Holder(True, "active", (held,), BOTH, frozenset({"marketing"}))

    answer = entitlement(catalogue, holder, feature)

    assert (answer.level, answer.reason) == (level, reason)


def test_r25b_the_suspension_is_nearer_than_the_other_seat_that_would_not_do() -> None:
    catalogue = replace(default(), suspended="none")
    suspended = frozenset({"sales"})
    holders = [
        Holder(True, "active", held, BOTH, suspended) for held in permutations(("core", "sales"))
    ]

    reasons = {entitlement(catalogue, holder, "sequences").reason for holder in holders}

    assert reasons == {Reason.SUSPENDED}
