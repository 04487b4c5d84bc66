"""The house rules that a machine can check; the rest is in README.md."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from licensing import settings
from licensing.api import problems
from licensing.rules.reading import default
from licensing.rules.refusals import Refusal
from webhooks import event_types

ROOT = Path(__file__).parent.parent
SOURCES = sorted([ROOT / "app.py", *ROOT.glob("licensing/**/*.py"), *ROOT.glob("webhooks/**/*.py")])
VIEWS = [p for p in ROOT.glob("licensing/api/*.py") if "blp = " in p.read_text()]
LONGEST_FILE, LONGEST_FUNCTION = 400, 40
# The one list of everything that is refused; splitting it would make it two.
LONG_LISTS = {"licensing/rules/refusals.py"}


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def test_imports_go_down_only() -> None:
    checked = subprocess.run(  # noqa: S603 our own tool
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        pytest.param(r"db\.atomic\(", {"licensing/db.py"}, id="one opener of transactions"),
        pytest.param(r"datetime\.now\(|time\.time\(\)", {"licensing/clock.py"}, id="one clock"),
        pytest.param(r"uuid7\(|uuid4\(", {"licensing/ids.py"}, id="one source of ids"),
        pytest.param(
            r"os\.environ",
            {"licensing/settings.py", "licensing/cli.py", "webhooks/demo.py"},
            id="one place of settings",
        ),
        pytest.param(
            r"^\s*(import|from) requests\b", {"webhooks/transport.py"}, id="one sender of webhooks"
        ),
        pytest.param(
            r"\bsocket\.(socket|create_connection)\(",
            {"webhooks/connections.py", "licensing/cli.py"},  # the latter listens
            id="one opener of sockets, which checks the address",
        ),
        pytest.param(r"\babort\(", set(), id="refusals are exceptions of their own"),
        pytest.param(r"\b(TODO|FIXME|XXX)\b", set(), id="nothing is left for later in the code"),
        pytest.param(r"^(import|from) app\b", set(), id="nobody imports the application"),
    ],
)
def test_some_things_happen_in_one_place(text: str, allowed: set[str]) -> None:
    places = {_named(p) for p in SOURCES if re.search(text, p.read_text(), re.MULTILINE)}

    assert places <= allowed


def test_the_rule_book_reads_no_clock_and_no_database() -> None:
    allowed = {"collections", "dataclasses", "datetime", "dateutil", "enum", "functools"}
    allowed |= {"importlib", "inspect", "licensing", "math", "re", "tomllib", "typing"}
    allowed |= {"fractions", "types", "unicodedata"}

    imported = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").split(".")[0]
        for path in ROOT.glob("licensing/rules/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }

    assert imported <= allowed


def test_a_migration_runs_no_code_that_may_change() -> None:
    """It means the same for ever: what it needs of ours is frozen beside it."""
    folders = (ROOT / "licensing/migrations", ROOT / "webhooks/migrations")
    scripts = [path for folder in folders for path in folder.glob("[0-9f]*.py")]
    ours = [
        f"{_named(path)}: {name}"
        for path in scripts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
        if name.startswith(("licensing", "webhooks", "app"))
        and not name.startswith("licensing.migrations.frozen_")
    ]

    assert len(scripts) > 8
    assert ours == []


def test_a_migration_takes_nothing_away_that_the_release_before_may_use() -> None:
    """The former release works on the new schema; what goes, goes a release later."""
    # These are from before the first release.
    early = {"0002_terms_and_test_clocks", "0011_fewer_pages_per_command"}
    scripts = [*ROOT.glob("licensing/migrations/0*.py"), *ROOT.glob("webhooks/migrations/0*.py")]
    takes = r"\b(DROP\s+(TABLE|COLUMN|CONSTRAINT)|RENAME\s)"

    found = {_named(path) for path in scripts if re.search(takes, path.read_text(), re.IGNORECASE)}

    assert found == {f"licensing/migrations/{name}.py" for name in early}


def test_no_code_names_what_the_catalogue_names() -> None:
    catalogue = default()
    names = {*catalogue.seat_types, *catalogue.products, *catalogue.tiers} - {
        "service",
        "free",
        "content",
    }
    # The demo is data for the default catalogue, and the contract's examples show its names.
    exempt = {"licensing/demo.py"}
    found = [
        f"{_named(path)}:{node.lineno}: {node.value!r}"
        for path in SOURCES
        if _named(path) not in exempt and path.parent.name != "api"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in names
    ]

    assert found == []


@pytest.mark.parametrize("path", SOURCES, ids=_named)
def test_a_file_has_one_subject_and_functions_fit_on_a_screen(path: Path) -> None:
    long_ones = [
        f"{function.name} has {(function.end_lineno or 0) - function.lineno} lines"
        for function in _functions(path)
        if (function.end_lineno or 0) - function.lineno - len(_docstring(function))
        > LONGEST_FUNCTION
    ]

    assert long_ones == []
    assert len(path.read_text().splitlines()) <= LONGEST_FILE or _named(path) in LONG_LISTS


def _docstring(function: ast.FunctionDef) -> list[str]:
    return (ast.get_docstring(function, clean=False) or "").splitlines()


def test_a_view_decides_nothing(app: Flask) -> None:
    deciding = [
        f"{_named(path)}: {function.name}"
        for path in VIEWS
        for function in _functions(path)
        if any("needs" in ast.dump(decorator) for decorator in function.decorator_list)
        for node in ast.walk(function)
        if isinstance(node, ast.For | ast.While | ast.Try | ast.Raise)
    ]

    assert deciding == []


def test_every_operation_says_what_its_caller_needs(app: Flask) -> None:
    silent = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], "declared")
        and rule.endpoint not in app.config["OPEN_ENDPOINTS"]
    ]

    assert silent == []


@pytest.mark.parametrize("kind", problems.all_refusals(), ids=lambda kind: kind.__name__)
def test_every_refusal_reads_as_a_sentence_with_an_advice(kind: type[Refusal]) -> None:
    sentence, advice = kind.paragraphs()
    facts = set(re.findall(r"{(\w+)}", sentence))

    assert sentence.endswith(".")
    assert advice.endswith(".")
    assert facts <= set(vars(kind).get("__dataclass_fields__", {}))


def test_every_rule_in_force_has_a_test() -> None:
    prose = (ROOT / "licensing/rules/README.md").read_text()
    in_force = set(re.findall(r"^- \*\*(R\d+b?)\*\*", prose, re.MULTILINE))
    of_seats_and_terms = {f"R{number}" for number in range(1, 27)} | {"R22b", "R23b", "R25b"}
    tests = "\n".join(path.read_text() for path in ROOT.glob("tests/**/test_*.py"))
    proven = {f"R{number}" for number in re.findall(r"def test_r(\d+b?)_", tests)}

    assert of_seats_and_terms - in_force == set()
    assert in_force - proven == set()


def test_every_setting_and_event_is_documented() -> None:
    readme = (ROOT / "README.md").read_text()

    assert [name for name in settings.NAMES if settings.PREFIX + name not in readme] == []
    assert [event for event in sorted(event_types.NAMES) if f"`{event}`" not in readme] == []


PROMISES = re.findall(
    r"^(\d+)\. \*\*",
    (ROOT / "README.md").read_text().partition("What is promised")[2].partition("\n|")[0],
    re.MULTILINE,
)


def test_webhooks_promise_ten_things() -> None:
    assert [str(number) for number in range(1, 11)] == PROMISES


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_of_webhooks_has_a_test_that_names_it_on_both_databases(promise: str) -> None:
    named = re.compile(rf"test_promise_(\d+_and_)?{promise}_")
    proofs = [
        ast.unparse(node)
        for path in ROOT.glob("tests/**/test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and named.match(node.name)
    ]

    # What skips a test, or asks for the database, proves nothing on the other one.
    assert [proof for proof in proofs if not re.search(r"\bskip|on_sqlite|POSTGRES", proof)]
