"""
Known vulnerabilities in what requirements.lock pins, asked of PyPI's database by pip-audit.

Fails on any finding, and when it could be asked about some packages only. Where nothing could be
asked, as on a machine without a way to the database, it says so and goes on; with `--required`
it fails then, too.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements.lock"
SECONDS = 120


def main() -> int:
    """Ask, tell, and return the code of the process."""
    told, code = verdict(_asked(), required="--required" in sys.argv)
    sys.stderr.write("\n".join(told) + "\n")
    return code


def verdict(packages: list[dict[str, Any]], required: bool = False) -> tuple[list[str], int]:
    """What there is to say of what pip-audit tells, and the code of the process."""
    found = [
        f"{package['name']} {package['version']}: {one['id']}, mended in {one['fix_versions']}"
        for package in packages
        for one in package.get("vulns", [])
    ]
    answered = [package for package in packages if "skip_reason" not in package]
    skipped = [f"{p['name']}: {p['skip_reason']}" for p in packages if "skip_reason" in p]
    if not answered:
        loud = "NOT AUDITED: the database of vulnerabilities could not be asked about anything"
        return [f"{'!' * 20} {loud}", *skipped[:1]], int(required)
    if found or skipped:
        return found + skipped, 1
    return [f"{len(answered)} packages, none with a known vulnerability"], 0


def _asked() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--no-deps"]
        command += [
            "--disable-pip",
            "--progress-spinner=off",
            "--format=json",
            f"--output={answer}",
        ]
        try:
            subprocess.run(  # noqa: S603 of our own making
                command, capture_output=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return []
        if not answer.exists():
            return []
        packages: list[dict[str, Any]] = json.loads(answer.read_text())["dependencies"]
        return packages


if __name__ == "__main__":
    sys.exit(main())
