"""Draw the yield of each way over the demand: ``docs/yield-light.svg`` and ``docs/yield-dark.svg``.

::

    python benchmarks/yield_drawing.py          # simulate, write yield_over_demand.csv, draw (extra docs)
    python benchmarks/yield_drawing.py --check  # exit with 1 if the data or a drawing is stale
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, too

from benchmarks.yield_day import CANDLE, Cell, run
from benchmarks.yield_ways import NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DATA: Final = Path(__file__).with_name("yield_over_demand.csv")
DOCS: Final = Path(__file__).parents[1] / "docs"
CELLS: Final = tuple(Cell(5, CANDLE, percent, 32, 4) for percent in (20, 40, 60, 80, 100, 120, 150, 200))
SEED: Final = 1

COLOURS: Final[Mapping[str, Mapping[str, str]]] = {
    "light": {
        "text": "#1f2328",
        "grid": "#d1d9e0",
        "chartimg": "#1a7f37",
        "ideal": "#1f2328",
        "limiter per key": "#0969da",
        "cooldown": "#9a6700",
        "round-robin": "#8250df",
        "first in order": "#cf222e",
    },
    "dark": {
        "text": "#e6edf3",
        "grid": "#30363d",
        "chartimg": "#2ea043",
        "ideal": "#ffffff",
        "limiter per key": "#58a6ff",
        "cooldown": "#d29922",
        "round-robin": "#bc8cff",
        "first in order": "#ff7b72",
    },
}
"""The colours of text, grid and lines, by theme."""


def simulated() -> str:
    """Return the data as CSV: a row for each demand, with the yield of each way."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["demand", *NAMES])
    for cell in CELLS:
        writer.writerow([cell.percent, *(f"{row.share:.4f}" for row in run(cell, SEED).rows)])
    return file.getvalue()


def digest(data: str) -> str:
    """Return the digest of the data that each drawing carries."""
    return hashlib.sha256(data.encode()).hexdigest()[:16]


def draw(data: str, theme: str) -> None:
    """Draw one line for each way, with its name at the end of the line."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    rows = list(csv.DictReader(io.StringIO(data)))
    demand = [int(row["demand"]) for row in rows]
    shares = {name: [100 * float(row[name]) for row in rows] for name in NAMES}
    colours = COLOURS[theme]
    mpl.use("svg")
    with mpl.rc_context({"svg.hashsalt": "chartimg", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure, axes = plt.subplots(figsize=(8.4, 4.4))
        for name, place in places_of_names({name: values[-1] for name, values in shares.items()}).items():
            width, style, order = {"chartimg": (5.0, "-", 3), "ideal": (1.4, "--", 4)}.get(name, (1.6, "-", 2))
            axes.plot(
                demand,
                shares[name],
                style,
                color=colours[name],
                linewidth=width,
                zorder=order,
                marker=None if name == "ideal" else "o",
                markersize=4,
                clip_on=False,
            )
            weight = "bold" if name == "chartimg" else "normal"
            axes.text(demand[-1] + 5, place, name, color=colours[name], va="center", fontweight=weight)
        axes.set_xlabel("demand, percent of the day's quota", color=colours["text"])
        axes.set_ylabel("charts delivered, percent of the possible", color=colours["text"])
        axes.set_xlim(demand[0], demand[-1])
        axes.set_ylim(0, 105)
        figure.subplots_adjust(left=0.09, right=0.82, top=0.98, bottom=0.12)
        save(figure, axes, DOCS / f"yield-{theme}.svg", data, colours)


def save(figure: Figure, axes: Axes, file: Path, data: str, colours: Mapping[str, str]) -> None:
    """Write a drawing of *data* without frame and ticks, on a light grid."""
    from matplotlib import pyplot as plt

    axes.tick_params(colors=colours["text"], length=0, pad=7)
    axes.grid(color=colours["grid"], linewidth=0.6)
    for side in axes.spines.values():
        side.set_visible(False)
    metadata = {"Date": None, "Creator": None, "Description": digest(data)}
    figure.savefig(file, transparent=True, metadata=metadata)
    plt.close(figure)


def places_of_names(ends: Mapping[str, float], gap: float = 6.0) -> dict[str, float]:
    """Return the height of each name: the end of its line, or *gap* below the name above; chartimg first."""
    heights = dict(sorted(ends.items(), key=lambda end: (-end[1], NAMES[::-1].index(end[0]))))
    for above, below in itertools.pairwise(heights):
        heights[below] = min(heights[below], heights[above] - gap)
    return heights


def stale(data: str, themes: Sequence[str] = tuple(COLOURS)) -> Iterator[Path]:
    """List the files that differ from the *data* of today's code."""
    if data != DATA.read_text(encoding="utf-8"):
        yield DATA
    for drawing in (DOCS / f"yield-{theme}.svg" for theme in themes):
        if digest(data) not in drawing.read_text(encoding="utf-8"):
            yield drawing


def main() -> int:
    """Simulate, then check the files or write them."""
    data = simulated()
    if "--check" in sys.argv[1:]:
        found = list(stale(data))
        for file in found:
            print(f"{file} is stale; draw it again with benchmarks/{Path(__file__).name}")
        return 1 if found else 0
    DATA.write_text(data, encoding="utf-8", newline="\n")
    for theme in COLOURS:
        draw(data, theme)
    return 0


if __name__ == "__main__":
    sys.exit(main())
