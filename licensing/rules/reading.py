"""Reading a catalogue from TOML: every mistake is told with the file, the line and the reason."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, NoReturn

from licensing.rules.catalogue import Catalogue, Feature, Price, Product, SeatType, Tier

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
CURRENCY = re.compile(r"[A-Z]{3}")
KINDS_OF_ACCOUNT = ("free_tools", "subscribed")
LEVELS = ("view", "edit")
LEVELS_WHILE_SUSPENDED = ("none", "view")
INTERVALS = ("month", "year")

# For each kind of table: its keys, the type of each, and the default of those that may be left out.
REQUIRED = object()
TOP = {
    "version": (str, REQUIRED),
    "fallback": (str, REQUIRED),
    "free_tools": (str, REQUIRED),
    "suspended": (str, "view"),
    "tiers": (dict, REQUIRED),
    "products": (dict, REQUIRED),
    "seat_types": (dict, REQUIRED),
    "features": (dict, REQUIRED),
    "prices": (list, []),
}
TIER = {"title": (str, REQUIRED), "paid": (bool, REQUIRED)}
PRODUCT = {"title": (str, REQUIRED), "tiers": (list, REQUIRED), "included": (dict, {})}
SEAT_TYPE = {
    "title": (str, REQUIRED),
    "description": (str, ""),
    "paid": (bool, REQUIRED),
    "exclusive": (bool, False),
    "transferable": (bool, False),
    "legacy": (bool, False),
    "eligible_only": (bool, False),
    "includes": (list, []),
    "sold_by": (dict, {}),
    "available_to": (list, []),
    "level": (str, "edit"),
    "advanced": (list, []),
    "everything": (bool, False),
    "closed": (list, []),
    "becomes": (str, None),
}
FEATURE = {
    "title": (str, REQUIRED),
    "product": (str, REQUIRED),
    "tier": (str, REQUIRED),
    "advanced": (bool, False),
}
PRICE = {
    "seat_type": (str, REQUIRED),
    "product": (str, None),
    "tier": (str, REQUIRED),
    "interval": (str, REQUIRED),
    "currency": (str, REQUIRED),
    "amount": (int, REQUIRED),
}
Shape = Mapping[str, tuple[type, Any]]


class BrokenCatalogue(Exception):
    """A catalogue file is wrong: `file:line: what is wrong`."""


def parse(text: str, source: str) -> Catalogue:
    """
    Read a catalogue from TOML text; `source` is the file's name for messages.

    Raises `BrokenCatalogue` with the line and the reason of the first mistake.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as mistake:
        found = re.search(r"at line (\d+)", str(mistake))
        line = found.group(1) if found else len(text.splitlines())  # "(at end of document)"
        raise BrokenCatalogue(f"{source}:{line}: {mistake}") from None
    return _Reader(text, source).read(content)


@cache
def default() -> Catalogue:
    """The catalogue that comes with the service."""
    file = resources.files(__package__).joinpath("catalogue.toml")
    return parse(file.read_text(encoding="utf-8"), "catalogue.toml")


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.lines = text.splitlines()
        self.source = source

    def read(self, content: dict[str, Any]) -> Catalogue:
        top = self.shaped("", content, TOP)
        self.known("", "suspended", [top["suspended"]], LEVELS_WHILE_SUSPENDED)
        ranks = {name: rank for rank, name in enumerate(top["tiers"])}
        tiers = self.each("tiers", top, TIER, lambda _, name, t: Tier(name, rank=ranks[name], **t))
        products = self.each("products", top, PRODUCT, lambda *a: self.product(tiers, *a))
        features = self.each("features", top, FEATURE, lambda *a: self.feature(tiers, products, *a))
        seat_types = self.each(
            "seat_types", top, SEAT_TYPE, lambda *a: self.seat_type(products, features, top, *a)
        )
        catalogue = Catalogue(
            version=top["version"],
            tiers=tiers,
            products=products,
            seat_types=seat_types,
            features=features,
            prices=self.prices(top["prices"], tiers, products, seat_types),
            fallback=top["fallback"],
            free_tools=top["free_tools"],
            suspended=top["suspended"],
        )
        self.refuse_wrong_roles(catalogue)
        self.refuse_wrong_inclusions(catalogue)
        return catalogue

    def each(
        self,
        kind: str,
        top: dict[str, Any],
        shape: Shape,
        make: Callable[[str, str, dict[str, Any]], Any],
    ) -> dict[str, Any]:
        """One object per table of a kind, in the file's order."""
        made = {}
        for name, table in top[kind].items():
            path = f"{kind}.{name}"
            if not NAME.fullmatch(name):
                self.fail(path, f"{name!r} is no name: lower-case letters, digits and _ only")
            made[name] = make(path, name, self.shaped(path, table, shape))
        if not made:
            self.fail(kind, f"at least one of {kind} is needed")
        return made

    def product(
        self, tiers: dict[str, Tier], path: str, name: str, table: dict[str, Any]
    ) -> Product:
        self.known(path, "tiers", table["tiers"], [t.name for t in tiers.values() if t.paid])
        self.known(path, "included", table["included"], table["tiers"])
        return Product(name, table["title"], tuple(table["tiers"]), table["included"])

    def feature(
        self,
        tiers: dict[str, Tier],
        products: dict[str, Product],
        path: str,
        name: str,
        table: dict[str, Any],
    ) -> Feature:
        self.known(path, "product", [table["product"]], products)
        self.known(path, "tier", [table["tier"]], tiers)
        return Feature(name, **table)

    def seat_type(
        self,
        products: dict[str, Product],
        features: dict[str, Feature],
        top: dict[str, Any],
        path: str,
        name: str,
        table: dict[str, Any],
    ) -> SeatType:
        self.known(path, "includes", table["includes"], top["seat_types"])
        self.known(path, "available_to", table["available_to"], KINDS_OF_ACCOUNT)
        self.known(path, "level", [table["level"]], LEVELS)
        self.known(path, "advanced", table["advanced"], products)
        self.known(path, "closed", table["closed"], features)
        others = [other for other in top["seat_types"] if other != name]
        self.known(path, "becomes", [table["becomes"]] if table["becomes"] else [], others)
        self.known(path, "sold_by", table["sold_by"], products)
        for product, sold_at in table["sold_by"].items():
            self.known(path, "sold_by", sold_at, products[product].tiers)
        if table["paid"] and (table["exclusive"] or not any(table["sold_by"].values())):
            self.fail(
                path, "a paid seat type is sold by some product, and is not exclusive", "paid"
            )
        if not table["paid"] and (table["sold_by"] or not table["available_to"]):
            self.fail(path, "a free seat type says available_to, not sold_by", "paid")
        return SeatType(
            name,
            **table
            | {
                "includes": tuple(table["includes"]),
                "sold_by": {product: tuple(at) for product, at in table["sold_by"].items()},
                "available_to": frozenset(table["available_to"]),
                "advanced": frozenset(table["advanced"]),
                "closed": frozenset(table["closed"]),
            },
        )

    def prices(
        self,
        rows: list[Any],
        tiers: dict[str, Tier],
        products: dict[str, Product],
        seat_types: dict[str, SeatType],
    ) -> tuple[Price, ...]:
        made: dict[tuple[Any, ...], Price] = {}
        paid = [seat_type.name for seat_type in seat_types.values() if seat_type.paid]
        for number, row in enumerate(rows):
            path = f"prices[{number}]"
            table = self.shaped(path, row, PRICE)
            self.known(path, "seat_type", [table["seat_type"]], paid)
            self.known(
                path, "product", [] if table["product"] is None else [table["product"]], products
            )
            self.known(path, "tier", [table["tier"]], tiers)
            self.known(path, "interval", [table["interval"]], INTERVALS)
            if not CURRENCY.fullmatch(table["currency"]):
                self.fail(path, "a currency is three capital letters (ISO 4217)", "currency")
            if table["amount"] < 0:
                self.fail(path, "an amount is not negative", "amount")
            key = tuple(value for name, value in table.items() if name != "amount")
            if key in made:
                self.fail(path, "the same price stands here twice")
            made[key] = Price(**table)
        return tuple(made.values())

    def refuse_wrong_roles(self, catalogue: Catalogue) -> None:
        """The two seat types that every account of a kind can fall back on (R4, R8)."""
        roles = {"fallback": "subscribed", "free_tools": "free_tools"}
        for role, kind in roles.items():
            name = getattr(catalogue, role)
            self.known("", role, [name], catalogue.seat_types)
            seat_type = catalogue.seat_types[name]
            if seat_type.paid or not seat_type.exclusive or kind not in seat_type.available_to:
                self.fail("", f"{name!r} has to be free, exclusive and available to {kind}", role)

    def refuse_wrong_inclusions(self, catalogue: Catalogue) -> None:
        """What a product includes it also sells, and no seat type contains itself (R4, R8)."""
        for product in catalogue.products.values():
            path = f"products.{product.name}"
            for tier, minimums in product.included.items():
                sold = [n for n in catalogue.seat_types if catalogue.sells(product.name, tier, n)]
                if not isinstance(minimums, dict):
                    self.fail(
                        path, f"'included' has to say how many of each type at {tier!r}", "included"
                    )
                self.known(path, "included", minimums, sold)
                if any(type(m) is not int or m < 0 for m in minimums.values()):
                    self.fail(path, "an included minimum is a whole number", "included")
        for seat_type in catalogue.seat_types.values():
            self.refuse_cycle(catalogue, seat_type)

    def refuse_cycle(self, catalogue: Catalogue, seat_type: SeatType) -> None:
        contained: list[str] = []
        waiting = list(seat_type.includes)
        while waiting:
            name = waiting.pop()
            if name == seat_type.name:
                self.fail(f"seat_types.{name}", "a seat type cannot include itself", "includes")
            if name not in contained:
                contained.append(name)
                waiting += catalogue.seat_types[name].includes

    def shaped(self, path: str, table: Any, shape: Shape) -> dict[str, Any]:
        """The table with its defaults, if it has the keys and types that it must have."""
        if not isinstance(table, dict):
            self.fail(path, "a table is expected here")
        for key in table.keys() - shape.keys():
            self.fail(path, f"unknown key {key!r}; known are {', '.join(shape)}", key)
        return {key: self.value(path, table, key, *shape[key]) for key in shape}

    def value(self, path: str, table: dict[str, Any], key: str, kind: type, default: Any) -> Any:
        """The value of a key, or its default."""
        if key not in table:
            if default is REQUIRED:
                self.fail(path, f"{key!r} is missing")
            return default
        # bool is a subclass of int, and true is no amount.
        if type(table[key]) is not kind:
            self.fail(path, f"{key!r} has to be a {kind.__name__}", key)
        return table[key]

    def known(self, path: str, key: str, names: Iterable[Any], known: Iterable[str]) -> None:
        """Refuse a name that is not one of those known, and one that stands twice."""
        if isinstance(names, str) or not isinstance(names, Iterable):
            self.fail(path, f"{key!r} has to be a list of names", key)
        choices, names = list(known), list(names)
        for name in names:
            if name not in choices:
                reason = f"there is no {name!r}; known are {', '.join(choices)}"
                self.fail(path, reason, key, str(name))
            if names.count(name) > 1:
                self.fail(path, f"{name!r} stands there twice", key)

    def fail(self, path: str, reason: str, key: str = "", name: str = "") -> NoReturn:
        where = f"{path}: " if path else ""
        line = self.line(path, key)
        # A value may stand some lines below its key.
        below = self.lines[line - 1 :]
        line += next((n for n, text in enumerate(below) if name in text), 0)
        raise BrokenCatalogue(f"{self.source}:{line}: {where}{reason}")

    def line(self, path: str, key: str = "") -> int:
        """The line of a table's header, or of one of its keys where the key can be found there."""
        first = self._header(path)
        if not key:
            return first
        wanted = re.compile(rf"\s*\[*[\w.]*\b{re.escape(key)}\b\s*[=.\]]")
        for number, text in enumerate(self.lines[first - 1 :], first):
            inside = number == first or not text.startswith("[") or key in text
            if not inside:
                break
            if wanted.match(text):
                return number
        return first if path else self._header(key)

    def _header(self, path: str) -> int:
        table, _, number = path.partition("[")
        headers = (f"[[{table}]]",) if number else (f"[{table}]", f"[{table}.", f"[[{table}]]")
        skip = int(number.rstrip("]")) if number else 0
        for line, text in enumerate(self.lines, 1):
            if path and text.replace('"', "").strip().startswith(headers):
                if not skip:
                    return line
                skip -= 1
        return 1
