"""The README's tour, run as it is printed, against the service started as it says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.serving import Served

ROOT = Path(__file__).parent.parent.parent
MARK = "--- end of the output ---"


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def _tour() -> list[tuple[str, str]]:
    """The commands of the README's console blocks, each with what it prints."""
    text = (ROOT / "README.md").read_text()
    section = text[text.index("## The tour") : text.index("## Using it")]
    steps: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", section, re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = step.splitlines()
            count = 1 + next(
                (n for n, line in enumerate(lines[1:]) if not line.startswith("> ")), len(lines) - 1
            )
            command = "\n".join([lines[0], *(line[2:] for line in lines[1:count])])
            steps.append((command, "\n".join(lines[count:])))
    return steps


def _alike(printed: str) -> str:
    """Without what differs from run to run: ids, times, shares of a term to the millisecond."""
    printed = re.sub(r"\b([a-z]{2,4})_[0-9a-f]{32}\b", r"\1_…", printed)
    printed = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "…", printed)
    return re.sub(r'"(days_in_term|days_left)": \d+', r'"\1": …', printed).strip()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour uses curl")
def test_the_tour_prints_what_the_readme_says(demo: Served, tmp_path: Path) -> None:
    steps = _tour()
    script = "\n".join(f"{command}\necho '{MARK}'" for command, _ in steps)
    script = script.replace("http://127.0.0.1:8080", demo.address).replace(
        "KEY=sk_…", f"KEY={demo.key}"
    )

    ran = subprocess.run(  # noqa: S603 the README's own commands
        ["/bin/bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )

    printed = [part.strip() for part in ran.stdout.split(MARK)[: len(steps)]]
    assert ran.stderr == ""
    assert len(steps) > 10
    for (command, expected), found in zip(steps, printed, strict=True):
        assert _alike(found) == _alike(expected), command
