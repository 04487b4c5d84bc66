"""The gate: what clients of the last release rely on stays; whatever breaks them is found out."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.requiring import needs

ROOT = Path(__file__).parent.parent.parent
CONTRACT, RELEASED = ROOT / "openapi/openapi.json", ROOT / "openapi/released/openapi.json"
TOOL = Path(sys.executable).with_name("specshift")
Change = Callable[[dict[str, Any]], object]


def _breaks(old: Path, new: Path) -> bool:
    """Whether clients of the old contract would be broken by the new one."""
    needs("clients", TOOL.exists(), "specshift (pip install '.[contract]')")
    ran = subprocess.run(  # noqa: S603 the tool of this test
        [TOOL, "diff", old, new, "--fail-on", "breaking", "--quiet"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode in (0, 1), ran.stderr
    return ran.returncode == 1


def _schema(contract: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = contract["components"]["schemas"][name]
    return found


def _operation(contract: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = contract["paths"][path][method]
    return found


POOLS, USERS = "/v1/accounts/{account_id}/pools", "/v1/accounts/{account_id}/users"
REQUIRED = {"name": "tenant", "in": "query", "required": True, "schema": {"type": "string"}}
OPTIONAL = REQUIRED | {"required": False}
BREAKING: dict[str, Change] = {
    "an operation is gone": lambda c: c["paths"].pop("/v1/catalogue"),
    "a member of an answer is gone": lambda c: _schema(c, "Pool")["properties"].pop("purchased"),
    "a member of an answer is of another type": lambda c: _schema(c, "Pool")["properties"].update(
        purchased={"type": "string"}
    ),
    "a member of a request has to be sent": lambda c: _schema(c, "UserRequest")["required"].append(
        "permissions"
    ),
    "a parameter has to be sent": lambda c: _operation(c, "get", POOLS)["parameters"].append(
        REQUIRED
    ),
    "a value is not taken any more": lambda c: _schema(c, "Interval")["enum"].remove("year"),
    "a success is another one": lambda c: _operation(c, "post", USERS)["responses"].pop("201"),
}
COMPATIBLE: dict[str, Change] = {
    "nothing": lambda c: None,
    "an operation is new": lambda c: c["paths"].update(
        {"/v1/news": deepcopy(c["paths"]["/v1/catalogue"])}
    ),
    "a member of an answer is new": lambda c: _schema(c, "Pool")["properties"].update(
        colour={"type": "string"}
    ),
    "a member of a request may be sent": lambda c: _schema(c, "UserRequest")["properties"].update(
        colour={"type": "string"}
    ),
    "a parameter may be sent": lambda c: _operation(c, "get", POOLS)["parameters"].append(OPTIONAL),
}


def test_the_contract_does_not_break_the_last_release() -> None:
    assert not RELEASED.exists() or not _breaks(RELEASED, CONTRACT)


def test_what_was_released_is_kept() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    releases = [heading.split()[0] for heading in headings if "unreleased" not in heading]

    kept = json.loads(RELEASED.read_text())["info"]["version"] if RELEASED.exists() else None

    assert kept == (releases[0] if releases else None)


@pytest.mark.parametrize("what", [*BREAKING, *COMPATIBLE])
def test_a_break_is_told_from_what_is_none(what: str, tmp_path: Path) -> None:
    changed = json.loads(CONTRACT.read_text())
    (BREAKING | COMPATIBLE)[what](changed)
    (tmp_path / "changed.json").write_text(json.dumps(changed))

    assert _breaks(CONTRACT, tmp_path / "changed.json") == (what in BREAKING)
