"""The table, the plots and the file of figures that a run leaves behind."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Figure, Verdict
from tests.benchmarks.ratios import Ratio


def table(figures: Iterable[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| target | what | beside | found (95 % interval) | wanted | | behind it |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {of.target} | {of.what} | {of.beside} | {_found(of)} | {of.wanted} | {of.verdict} "
        f"| {of.absolute} |"
        for of in figures
    ]
    return "\n".join(lines) + "\n"


def _found(figure: Figure) -> str:
    found = figure.found
    shown = f"{found.median:.3g} {figure.unit}".strip()
    if found.low == found.high:
        return shown
    return f"{shown} ({found.low:.3g} to {found.high:.3g})"


@dataclass(frozen=True)
class Run:
    """
    What was measured of one part.

    Attributes:
        part: its name.
        about: what it measures.
        machine: what does not change between two runs on one machine.
        meanwhile: what does: how busy it was.
    """

    part: str
    about: str
    figures: Sequence[Figure]
    machine: Sequence[tuple[str, str]]
    meanwhile: Sequence[tuple[str, str]]
    rounds: int

    def kept(self) -> dict[str, Any]:
        """As the file has it."""
        return {
            "about": self.about,
            "rounds": self.rounds,
            "meanwhile": dict(self.meanwhile),
            "figures": [asdict(of) for of in self.figures],
        }


def write(folder: Path, run: Run) -> None:
    """
    Write `README.md`, `figures.json` and, where matplotlib is installed, the plots.

    What is there of other parts, measured on this machine with these versions, stays beside it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "figures.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    same = before.get("machine") == dict(run.machine)
    parts = (before["parts"] if same else {}) | {run.part: run.kept()}
    kept = {"machine": dict(run.machine), "parts": {name: parts[name] for name in sorted(parts)}}
    text = _page(kept)
    with suppress(ImportError):
        drawn = _plots(folder, [of for part in kept["parts"].values() for of in _figures(part)])
        text += "\n## Plots\n\n" + "".join(f"![{name}]({name}.svg)\n" for name in drawn)
    (folder / "README.md").write_text(text, encoding="utf-8")
    file.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _figures(part: dict[str, Any]) -> list[Figure]:
    return [Figure(**of | {"found": Ratio(**of["found"])}) for of in part["figures"]]


def _page(kept: dict[str, Any]) -> str:
    """The whole report as Markdown."""
    every = [of for part in kept["parts"].values() for of in _figures(part)]
    missed = [of for of in every if of.verdict is Verdict.MISSED]
    facts = "\n".join(f"- {name}: {value}" for name, value in kept["machine"].items())
    text = (
        "# Measured\n\n"
        f"{len(every)} figures, {len(missed)} miss their target. Each is the median of interleaved "
        "rounds, with the interval in which it lies with 95 % certainty; ratios compare figures of "
        "the same round. A target is missed where the whole interval misses it. What limits them, "
        "and how to measure again: [limits.md](limits.md).\n"
    )
    for part in kept["parts"].values():
        told = "; ".join(f"{name} {value}" for name, value in part["meanwhile"].items())
        text += (
            f"\n## {part['about']}\n\n{table(_figures(part))}\n{part['rounds']} rounds; {told}.\n"
        )
    return f"{text}\n## The machine\n\n{facts}\n"


def _plots(folder: Path, figures: Sequence[Figure]) -> list[str]:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "seatkeeper"
    from matplotlib import pyplot

    drawn = []
    ratios = [of for of in figures if of.unit == "×" and of.beside and not of.series]
    if ratios:
        drawing, axes = pyplot.subplots(figsize=(10, 0.45 * len(ratios) + 1), layout="constrained")
        names = [f"{of.what}\nbeside {of.beside}" for of in ratios]
        middles = [of.found.median for of in ratios]
        errors = [
            [of.found.median - of.found.low for of in ratios],
            [of.found.high - of.found.median for of in ratios],
        ]
        axes.barh(names, middles, xerr=errors, color="#4f6bed")
        for number, of in enumerate(ratios):
            wanted = of.at_least if of.at_least is not None else of.at_most
            if wanted is not None:
                axes.plot([wanted, wanted], [number - 0.4, number + 0.4], color="#c0392b")
        axes.set_xscale("log")
        axes.set_xlabel("× the other's figure; red: what is wanted")
        axes.tick_params(axis="y", labelsize=7)
        axes.invert_yaxis()
        drawing.savefig(folder / "ratios.svg", metadata={"Date": None})
        drawn.append("ratios")
    grown = [of for of in figures if of.series]
    if grown:
        drawing, axes = pyplot.subplots(figsize=(9, 5), layout="constrained")
        for of in grown:
            sizes = [float(size) for size in of.series]
            axes.plot(sizes, list(of.series.values()), marker="o", label=f"{of.target} {of.what}")
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("seats of the account, or accounts of the database")
        axes.set_ylabel("milliseconds")
        axes.legend(fontsize=6)
        drawing.savefig(folder / "growth.svg", metadata={"Date": None})
        drawn.append("growth")
    return drawn
