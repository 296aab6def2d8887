"""Draw the yield of each way over the demand: ``docs/yield-light.svg`` and ``docs/yield-dark.svg``.

::

    python benchmarks/yield_drawing.py          # simulate, write yield_over_demand.csv, draw (the extra docs)
    python benchmarks/yield_drawing.py --again  # draw from yield_over_demand.csv
"""

from __future__ import annotations

import csv
import hashlib
import multiprocessing
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, too

import itertools

from benchmarks.quota_yield import CANDLE, Cell, run
from benchmarks.yield_ways import NAMES

DATA: Final = Path(__file__).with_name("yield_over_demand.csv")
DOCS: Final = Path(__file__).parents[1] / "docs"
CELLS: Final = tuple(Cell(5, CANDLE, percent, 32, 4) for percent in (20, 40, 60, 80, 100, 120, 150, 200))
SEED: Final = 1

INKS: Final[Mapping[str, tuple[str, str]]] = {"light": ("#1f2328", "#d0d7de"), "dark": ("#e6edf3", "#3d444d")}
"""The colours of text and of the grid."""
COLOURS: Final[Mapping[str, str]] = {
    "chartimg": "#1a7f37",
    "ideal": "",
    "limiter per key": "#0969da",
    "cooldown": "#bf8700",
    "round-robin": "#8250df",
    "first in order": "#cf222e",
}
"""The colour of each line; the ideal has that of the text."""


def simulate() -> list[list[str]]:
    """Return a row for each cell: the demand in percent of the quota, and the yield of each way."""
    with ProcessPoolExecutor(multiprocessing.cpu_count()) as executor:
        results = list(executor.map(partial(run, seed=SEED), CELLS))
    return [[str(result.cell.percent), *(f"{row.share:.4f}" for row in result.rows)] for result in results]


def write(rows: Sequence[Sequence[str]]) -> None:
    """Write the data file."""
    with DATA.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([["demand", *NAMES], *rows])


def read() -> dict[str, list[float]]:
    """Read the columns of the data file by their names."""
    with DATA.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    return {name: [float(row[place]) for row in rows] for place, name in enumerate(head)}


def digest() -> str:
    """Return the digest of the data that each drawing carries."""
    return hashlib.sha256(DATA.read_bytes()).hexdigest()[:16]


def draw(columns: Mapping[str, Sequence[float]], theme: str) -> None:
    """Draw one line a way; a line's name stands at its end."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.use("svg")
    ink, grid = INKS[theme]
    with mpl.rc_context({"svg.hashsalt": "chartimg", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure, axes = plt.subplots(figsize=(8.4, 4.4))
        demand, *_ = columns.values()
        places = _apart([100 * columns[name][-1] for name in COLOURS])
        for (name, own), place in zip(COLOURS.items(), places, strict=True):
            colour = own or ink
            values = [100 * share for share in columns[name]]
            is_ours = name == "chartimg"
            style = {"linewidth": 4.0} if is_ours else {"linewidth": 1.6, "linestyle": "--" if name == "ideal" else "-"}
            axes.plot(
                demand,
                values,
                color=colour,
                zorder=4 if name == "ideal" else 3 if is_ours else 2,
                marker="o",
                markersize=3,
                **style,
            )
            axes.text(
                demand[-1] + 4, place, name, color=colour, va="center", fontweight="bold" if is_ours else "normal"
            )
        axes.set_xlabel("demand, percent of the day's quota", color=ink)
        axes.set_ylabel("charts delivered, percent of the possible", color=ink)
        axes.set_ylim(0, 105)
        axes.set_xlim(min(demand), max(demand))
        axes.tick_params(colors=ink)
        axes.grid(color=grid, linewidth=0.6)
        for name, spine in axes.spines.items():
            spine.set_color(grid)
            spine.set_visible(name in {"left", "bottom"})
        figure.subplots_adjust(left=0.09, right=0.82, top=0.97, bottom=0.12)
        figure.savefig(DOCS / f"yield-{theme}.svg", transparent=True, metadata={"Date": None, "Description": digest()})
        plt.close(figure)


def _apart(places: Sequence[float], gap: float = 6.0) -> list[float]:
    """Move places that are nearer than *gap* to each other apart, downwards."""
    moved = list(places)
    order = sorted(range(len(places)), key=lambda place: -places[place])
    for above, below in itertools.pairwise(order):
        moved[below] = min(moved[below], moved[above] - gap)
    return moved


def main() -> None:
    """Simulate, unless the data are to be used again, and draw."""
    if "--again" not in sys.argv[1:]:
        write(simulate())
    for theme in INKS:
        draw(read(), theme)


if __name__ == "__main__":
    main()
