"""The table, the plots and the file of figures that a run leaves behind."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.figures import Figure, Verdict


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


def page(figures: Sequence[Figure], machine: Iterable[tuple[str, str]], rounds: int) -> str:
    """The whole report as Markdown."""
    facts = "\n".join(f"- {name}: {value}" for name, value in machine)
    missed = [of for of in figures if of.verdict is Verdict.MISSED]
    summary = f"{len(figures)} figures, {len(missed)} miss their target."
    return (
        "# Measured\n\n"
        f"{summary} Each is the median of {rounds} interleaved rounds, with the interval in which "
        "it lies with 95 % certainty; ratios compare figures of the same round. A target is missed "
        "where the whole interval misses it.\n\n"
        f"{table(figures)}\n## The machine\n\n{facts}\n"
    )


def write(
    folder: Path, figures: Sequence[Figure], machine: Sequence[tuple[str, str]], rounds: int
) -> None:
    """Write `README.md`, `figures.json` and, where matplotlib is installed, the plots."""
    folder.mkdir(parents=True, exist_ok=True)
    text = page(figures, machine, rounds)
    with suppress(ImportError):
        text += "\n## Plots\n\n" + "".join(
            f"![{name}]({name}.svg)\n" for name in _plots(folder, figures)
        )
    (folder / "README.md").write_text(text, encoding="utf-8")
    kept = {"machine": dict(machine), "rounds": rounds, "figures": [asdict(of) for of in figures]}
    (folder / "figures.json").write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n")


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
