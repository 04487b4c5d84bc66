"""What CI makes of what pip-audit finds (.ci/audit.py)."""

import runpy
from typing import Any

import pytest

from tests.serving import ROOT

verdict = runpy.run_path(str(ROOT / ".ci/audit.py"))["verdict"]
SOUND = {"name": "flask", "version": "3.1.3", "vulns": []}
HOLE = {"id": "PYSEC-2026-1", "fix_versions": ["3.1.4"]}
BROKEN = {"name": "flask", "version": "3.1.3", "vulns": [HOLE]}
UNKNOWN = {"name": "lost", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "required", "code", "said"),
    [
        ([SOUND], False, 0, "1 packages, none"),
        ([SOUND, BROKEN], False, 1, "PYSEC-2026-1"),
        ([SOUND, UNKNOWN], False, 1, "lost: Dependency not found"),
        ([UNKNOWN], False, 0, "NOT AUDITED"),
        ([], False, 0, "NOT AUDITED"),
        ([UNKNOWN], True, 1, "NOT AUDITED"),
    ],
)
def test_findings_fail_and_silence_is_told(
    packages: list[dict[str, Any]], required: bool, code: int, said: str
) -> None:
    told, ended = verdict(packages, required)

    assert ended == code
    assert said in "\n".join(told)
