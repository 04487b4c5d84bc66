"""What is sold, as data: the default catalogue, the questions to it, and the files it refuses."""

from typing import Any

import pytest

from licensing.rules.catalogue import Catalogue, Tier
from licensing.rules.reading import BrokenCatalogue, default, parse
from licensing.rules.refusals import NotFound, Unknown

SMALL = """\
version = "1"
fallback = "watcher"
free_tools = "visitor"

[tiers.basic]
title = "Basic"
paid = false

[tiers.plus]
title = "Plus"
paid = true

[tiers.pro]
title = "Pro"
paid = true

[products.desk]
title = "Desk"
tiers = ["plus", "pro"]
included = { plus = { writer = 1 }, pro = { writer = 2 } }

[products.shop]
title = "Shop"
tiers = ["pro"]

[seat_types.writer]
title = "Writer"
paid = true
sold_by = { desk = ["plus", "pro"], shop = ["pro"] }

[seat_types.editor]
title = "Editor"
paid = true
includes = ["writer"]
sold_by = { desk = ["pro"] }
advanced = ["desk"]

[seat_types.watcher]
title = "Watcher"
paid = false
exclusive = true
available_to = ["subscribed"]
level = "view"
closed = ["drafts"]

[seat_types.visitor]
title = "Visitor"
paid = false
exclusive = true
available_to = ["free_tools"]

[features.pages]
title = "Pages"
product = "desk"
tier = "basic"

[features.drafts]
title = "Drafts"
product = "desk"
tier = "plus"
advanced = true

[[prices]]
seat_type = "writer"
tier = "pro"
interval = "month"
currency = "EUR"
amount = 900

[[prices]]
seat_type = "writer"
product = "shop"
tier = "pro"
interval = "month"
currency = "EUR"
amount = 700
"""


@pytest.fixture(scope="module")
def small() -> Catalogue:
    return parse(SMALL, "small.toml")


# --- the default catalogue -----------------------------------------------------------------------


def test_r4_the_default_tiers_rank_from_free_to_enterprise() -> None:
    tiers = default().tiers

    assert [(tier.name, tier.rank, tier.paid) for tier in tiers.values()] == [
        ("free", 0, False),
        ("starter", 1, True),
        ("professional", 2, True),
        ("enterprise", 3, True),
    ]


def test_r5_core_is_sold_with_every_product_the_special_seats_with_their_own() -> None:
    catalogue = default()

    sold = {
        name: {product: set(tiers) for product, tiers in seat_type.sold_by.items()}
        for name, seat_type in catalogue.seat_types.items()
        if seat_type.paid
    }

    paid_tiers = {"starter", "professional", "enterprise"}
    assert sold == {
        "core": dict.fromkeys(
            ["marketing", "sales", "service", "operations", "content"], paid_tiers
        ),
        "sales": {"sales": paid_tiers},
        "service": {"service": paid_tiers},
    }


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        pytest.param("legacy", {"sales", "service"}, id="R2 what legacy accounts have"),
        pytest.param("exclusive", {"view_only", "partner", "free"}, id="R8 what stands alone"),
        pytest.param("eligible_only", {"partner"}, id="R7 what takes eligibility"),
        pytest.param("everything", {"partner"}, id="R7 what opens everything"),
        pytest.param("transferable", {"core", "sales", "service"}, id="R15 what can move"),
        pytest.param("includes", set(), id="R8 nothing contains another by default"),
    ],
)
def test_r8_the_default_seat_types_have_the_properties_of_the_rule_book(
    rule: str, names: set[str]
) -> None:
    catalogue = default()

    assert {name for name, kind in catalogue.seat_types.items() if getattr(kind, rule)} == names


def test_r6_the_viewing_seat_of_the_default_catalogue() -> None:
    catalogue = default()

    viewing = catalogue.seat_type(catalogue.fallback)

    assert (viewing.name, viewing.level) == ("view_only", "view")
    assert viewing.closed == {"social_posts", "forms"}


def test_r17_every_seat_that_is_sold_has_a_price_in_both_currencies() -> None:
    catalogue = default()

    unpriced = [
        (name, product, tier, interval, currency)
        for name, seat_type in catalogue.seat_types.items()
        for product, tiers in seat_type.sold_by.items()
        for tier in tiers
        for interval in ("month", "year")
        for currency in ("EUR", "USD")
        if not catalogue.price(name, product, tier, interval, currency)
    ]

    assert unpriced == []


def test_the_default_catalogue_is_read_once() -> None:
    assert default() is default()


# --- the questions -------------------------------------------------------------------------------


def test_a_catalogue_keeps_the_order_of_its_file(small: Catalogue) -> None:
    orders = [list(kind) for kind in (small.tiers, small.products, small.seat_types)]

    assert orders == [
        ["basic", "plus", "pro"],
        ["desk", "shop"],
        ["writer", "editor", "watcher", "visitor"],
    ]


def test_a_name_finds_what_bears_it(small: Catalogue) -> None:
    assert small.tier("plus") == Tier("plus", "Plus", 1, True)
    assert small.product("shop").tiers == ("pro",)
    assert small.seat_type("editor").includes == ("writer",)
    assert small.feature("drafts").advanced is True


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        ("tier", ["basic", "plus", "pro"]),
        ("product", ["desk", "shop"]),
        ("seat_type", ["writer", "editor", "watcher", "visitor"]),
    ],
)
def test_an_unknown_name_is_refused_with_those_that_are_known(
    small: Catalogue, kind: str, known: list[str]
) -> None:
    with pytest.raises(Unknown) as refusal:
        getattr(small, kind)("gold")

    assert refusal.value.facts == {"field": kind, "value": "gold", "known": known}


def test_r9_an_unknown_feature_is_not_found(small: Catalogue) -> None:
    with pytest.raises(NotFound, match="levitation"):
        small.feature("levitation")


@pytest.mark.parametrize(
    ("product", "tier", "seat_type", "sold"),
    [
        pytest.param("desk", "plus", "writer", True, id="at a tier that sells it"),
        pytest.param("desk", "plus", "editor", False, id="not below it"),
        pytest.param("shop", "pro", "editor", False, id="not by another product"),
        pytest.param("desk", "basic", "writer", False, id="not at an unpaid tier"),
        pytest.param("desk", "pro", "watcher", False, id="a free type is never sold"),
    ],
)
def test_r5_a_seat_type_is_sold_by_product_and_tier(
    small: Catalogue, product: str, tier: str, seat_type: str, sold: bool
) -> None:
    assert small.sells(product, tier, seat_type) is sold


def test_r4_the_included_minimum_is_that_of_product_and_tier(small: Catalogue) -> None:
    minimums = [small.included(*where) for where in [("desk", "plus"), ("desk", "pro")]]

    assert minimums == [{"writer": 1}, {"writer": 2}]
    assert small.included("shop", "pro") == {}


def test_r5_a_tier_has_what_lower_ones_have(small: Catalogue) -> None:
    assert small.at_least("pro", "plus")
    assert small.at_least("plus", "plus")
    assert not small.at_least("basic", "plus")


@pytest.mark.parametrize(
    ("product", "tier", "currency", "amount"),
    [
        pytest.param("shop", "pro", "EUR", 700, id="the product's own price comes first"),
        pytest.param("desk", "pro", "EUR", 900, id="then that of any product"),
        pytest.param("desk", "plus", "EUR", None, id="none at this tier"),
        pytest.param("desk", "pro", "USD", None, id="none in this currency"),
    ],
)
def test_r17_the_most_specific_price_counts(
    small: Catalogue, product: str, tier: str, currency: str, amount: int | None
) -> None:
    assert small.price("writer", product, tier, "month", currency) == amount


def test_r17_a_price_of_nothing_is_a_price() -> None:
    catalogue = parse(SMALL.replace("amount = 700", "amount = 0"), "small.toml")

    assert catalogue.price("writer", "shop", "pro", "month", "EUR") == 0


def test_keys_that_may_be_left_out_have_the_quiet_default(small: Catalogue) -> None:
    writer = small.seat_type("writer")

    told: dict[str, Any] = vars(writer)
    assert not any(told[key] for key in ("exclusive", "legacy", "eligible_only", "everything"))
    assert not any(told[key] for key in ("includes", "advanced", "closed", "available_to"))
    assert (writer.level, writer.transferable, writer.description) == ("edit", False, "")


# --- the files that are refused ------------------------------------------------------------------
# Each row is one mistake: what is replaced in SMALL, by what, the line that has to be named (the
# first that begins so, after what comes before it), and words of the reason.

BROKEN = [
    pytest.param("[tiers.pro]", "[tiers.pro", "[tiers.pro", "Expected", id="not TOML"),
    pytest.param(
        "[tiers.pro]", "[tiers.plus]", "[tiers.plus]@2", "twice", id="a name stands twice"
    ),
    pytest.param('version = "1"\n', "", 'fallback = "', "'version' is missing", id="no version"),
    pytest.param("version", "colour = 1\nversion", "colour", "unknown key 'colour'", id="a key"),
    pytest.param('version = "1"', "version = 1", "version", "has to be a str", id="a type"),
    pytest.param('"watcher"', '"guard"', "fallback", "there is no 'guard'", id="no fallback"),
    pytest.param('"watcher"', '"writer"', "fallback", "has to be free", id="a paid fallback"),
    pytest.param(
        '"watcher"', '"visitor"', "fallback", "available to subscribed", id="a wrong fallback"
    ),
    pytest.param('"visitor"', '"guard"', "free_tools", "there is no 'guard'", id="no free tools"),
    pytest.param(
        '"visitor"', '"writer"', "free_tools", "free, exclusive", id="free tools that are paid for"
    ),
    pytest.param(
        'exclusive = true\navailable_to = ["free_tools"]',
        'available_to = ["free_tools"]',
        "free_tools",
        "free, exclusive",
        id="free tools beside others",
    ),
    pytest.param(
        "[tiers.pro]", "[tiers.Pro]", "[tiers.Pro]", "is no name", id="a name in capitals"
    ),
    pytest.param(
        'title = "Pro"\n', "", "[tiers.pro]", "'title' is missing", id="a tier without a title"
    ),
    pytest.param('title = "Pro"', "title = 3", "title = 3", "to be a str", id="a title of 3"),
    pytest.param(
        'title = "Shop"', 'titel = "Shop"', "titel", "unknown key 'titel'", id="a slip of the pen"
    ),
    pytest.param(
        '["pro"]\n\n[seat', '["gold"]\n\n[seat', 'tiers = ["gold"]', "'gold'", id="a tier"
    ),
    pytest.param(
        '["pro"]\n\n[seat', '["basic"]\n\n[seat', 'tiers = ["basic"]', "'basic'", id="unpaid tier"
    ),
    pytest.param(
        "pro = { writer = 2 }", "max = { writer = 2 }", "included", "'max'", id="included where"
    ),
    pytest.param(
        "pro = { writer = 2 }", "pro = { guard = 2 }", "included", "'guard'", id="included what"
    ),
    pytest.param(
        "plus = { writer = 1 }",
        "plus = { editor = 1 }",
        "included",
        "there is no 'editor'",
        id="included, but not sold there",
    ),
    pytest.param(
        "{ writer = 1 }", "{ writer = -1 }", "included", "whole number", id="less than nothing"
    ),
    pytest.param(
        "{ writer = 1 }", "{ writer = true }", "included", "whole number", id="true is no number"
    ),
    pytest.param(
        'sold_by = { desk = ["pro"] }\n',
        "",
        "paid = true@4",
        "sold by some product",
        id="a paid type that nobody sells",
    ),
    pytest.param(
        'includes = ["writer"]',
        "exclusive = true",
        "paid = true@4",
        "not exclusive",
        id="a paid type that stands alone",
    ),
    pytest.param(
        'available_to = ["subscribed"]\n',
        "",
        "paid = false@2",
        "says available_to",
        id="a free type for nobody",
    ),
    pytest.param(
        '["subscribed"]', '["everyone"]', "available_to", "no 'everyone'", id="a free type for whom"
    ),
    pytest.param("desk = [", "desks = [", "sold_by", "there is no 'desks'", id="sold by nobody"),
    pytest.param(
        'shop = ["pro"]', 'shop = ["plus"]', "sold_by", "'plus'", id="sold where it is not"
    ),
    pytest.param('"writer"]', '"guard"]', "includes", "there is no 'guard'", id="includes what"),
    pytest.param('"writer"]', '"editor"]', "includes", "itself", id="includes itself"),
    pytest.param(
        "paid = true\nsold_by",
        'paid = true\nincludes = ["editor"]\nsold_by',
        "includes",
        "cannot include itself",
        id="two that include each other",
    ),
    pytest.param('level = "view"', 'level = "own"', "level", "there is no 'own'", id="a level"),
    pytest.param('["desk"]', '["desks"]', "advanced = [", "no 'desks'", id="advanced of what"),
    pytest.param('["drafts"]', '["draft"]', "closed", "there is no 'draft'", id="closed what"),
    pytest.param(
        'closed = ["drafts"]',
        'closed = [\n  "pages",\n  "draft",\n]',
        '  "draft"',
        "there is no 'draft'",
        id="a value below its key",
    ),
    pytest.param(
        'product = "desk"\ntier = "basic"',
        'product = "desks"\ntier = "basic"',
        'product = "desks"',
        "there is no 'desks'",
        id="a feature of no product",
    ),
    pytest.param(
        'tier = "basic"', 'tier = "gold"', 'tier = "gold"', "'gold'", id="a feature of no tier"
    ),
    pytest.param(
        "advanced = true", "advanced = 1", "advanced = 1", "has to be a bool", id="1 is not true"
    ),
    pytest.param("amount = 700", "amount = -1", "amount = -1", "negative", id="a negative price"),
    pytest.param("amount = 700", "amount = 7.0", "amount = 7.0", "to be a int", id="half a cent"),
    pytest.param("amount = 700", "amount = true", "amount = true", "to be a int", id="true cents"),
    pytest.param(
        'currency = "EUR"\namount = 700',
        'currency = "eur"\namount = 700',
        'currency = "eur"',
        "three capital letters",
        id="a currency in small letters",
    ),
    pytest.param(
        'currency = "EUR"\namount = 700',
        'currency = "EURO"\namount = 700',
        'currency = "EURO"',
        "three capital letters",
        id="a currency of four letters",
    ),
    pytest.param('product = "shop"\n', "", "[[prices]]@2", "twice", id="a price that stands twice"),
    pytest.param(
        'product = "shop"', 'product = "desks"', 'product = "desks"', "'desks'", id="price of what"
    ),
    pytest.param(
        'seat_type = "writer"\nproduct',
        'seat_type = "watcher"\nproduct',
        'seat_type = "watcher"',
        "there is no 'watcher'",
        id="a price of what is free",
    ),
    pytest.param(
        'interval = "month"\ncurrency = "EUR"\namount = 700',
        'interval = "week"\ncurrency = "EUR"\namount = 700',
        'interval = "week"',
        "there is no 'week'",
        id="a price for a week",
    ),
    pytest.param(
        'sold_by = { desk = ["pro"] }',
        "sold_by = { desk = 3 }",
        "sold_by = { desk = 3",
        "a list",
        id="sold at 3",
    ),
    pytest.param(
        'sold_by = { desk = ["pro"] }',
        "sold_by = { desk = [] }",
        "paid = true@4",
        "sold by some product",
        id="sold by a product at no tier",
    ),
    pytest.param("{ writer = 1 }", "3", "included", "how many of each", id="3 of what"),
    pytest.param("{ writer = 1 }", '["writer"]', "included", "how many of each", id="how many"),
    pytest.param('["plus", "pro"]\n', '["pro", "pro"]\n', "tiers = [", "twice", id="a tier twice"),
    pytest.param('"shop"', '""', 'product = ""', "there is no ''", id="a price of an empty name"),
    pytest.param(
        "[tiers.pro]", "[discounts.pro]", "[discounts.pro]", "unknown key 'discounts'", id="a kind"
    ),
    pytest.param("amount = 700\n", "amount = ", "amount =@2", "Invalid value", id="an early end"),
    pytest.param(
        '[tiers.pro]\ntitle = "Pro"',
        '[tiers.pro_max]\ntitle = "Max"\npaid = true\n[tiers.pro]\ntitle = 3',
        "title = 3",
        "to be a str",
        id="a name that begins like another",
    ),
]


def _line(text: str, wanted: str) -> int:
    """The line that begins so; `…@2` is the second such line."""
    beginning, _, nth = wanted.partition("@")
    lines = [n for n, line in enumerate(text.splitlines(), 1) if line.startswith(beginning)]
    return lines[int(nth or 1) - 1]


@pytest.mark.parametrize(("instead_of", "stands", "at", "reason"), BROKEN)
def test_r5_a_broken_catalogue_is_refused_with_its_line_and_the_reason(
    instead_of: str, stands: str, at: str, reason: str
) -> None:
    assert instead_of in SMALL
    text = SMALL.replace(instead_of, stands, 1)

    with pytest.raises(BrokenCatalogue) as refused:
        parse(text, "own.toml")

    where, _, why = str(refused.value).partition(": ")
    assert where == f"own.toml:{_line(text, at)}"
    assert reason in why


@pytest.mark.parametrize("kind", ["tiers", "products", "seat_types", "features"])
def test_a_catalogue_without_one_of_its_parts_is_refused(kind: str) -> None:
    kept = [part for part in SMALL.split("\n\n") if not part.startswith(f"[{kind}.")]

    with pytest.raises(BrokenCatalogue, match=rf"^own.toml:1: '{kind}' is missing"):
        parse("\n\n".join(kept), "own.toml")


def test_a_catalogue_may_leave_the_prices_to_the_billing_system() -> None:
    without = SMALL[: SMALL.index("[[prices]]")]

    catalogue = parse(without, "own.toml")

    assert catalogue.prices == ()
    assert catalogue.price("writer", "desk", "pro", "month", "EUR") is None
