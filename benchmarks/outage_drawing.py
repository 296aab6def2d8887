"""Draw a day that begins with an outage, with and without the outage table: ``docs/outage-light.svg`` and ``docs/outage-dark.svg``.

::

    python benchmarks/outage_drawing.py  # simulate, write outage_day.csv, draw (extra docs)
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, too

from benchmarks.yield_day import Day
from benchmarks.yield_drawing import COLOURS, DOCS, save
from benchmarks.yield_outage import MINUTE, OUTAGES
from benchmarks.yield_ways import BLIND
from benchmarks.yield_world import Verdict

DATA: Final = Path(__file__).with_name("outage_day.csv")
CELL: Final = "10 min at midnight, 5 accounts, a chart each 6 s"
MINUTES: Final = 40
SEED: Final = 1
LABELS: Final[Mapping[str, str]] = {"chartimg": "chartimg", "ideal": "knows it beforehand", BLIND: "CHARTS_OUTAGE=off"}
COLOUR_OF: Final[Mapping[str, str]] = {"chartimg": "chartimg", "ideal": "ideal", BLIND: "first in order"}


def simulated() -> str:
    """Return the data as CSV: a row for each minute, with the charts that each way has delivered until then."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["minute", *LABELS])
    ends = {
        name: [chart.finished for chart in Day(OUTAGES[CELL], SEED, name).charts if chart.verdict is Verdict.DELIVERED]
        for name in LABELS
    }
    for minute in range(MINUTES + 1):
        writer.writerow([minute, *(sum(end <= minute * MINUTE for end in ends[name]) for name in LABELS)])
    return file.getvalue()


def draw(data: str, theme: str) -> None:
    """Draw one line for each way, with its name at the end of the line."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    rows = list(csv.DictReader(io.StringIO(data)))
    minutes, colours = [int(row["minute"]) for row in rows], COLOURS[theme]
    mpl.use("svg")
    with mpl.rc_context({"svg.hashsalt": "chartimg", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure, axes = plt.subplots(figsize=(8.4, 3.6))
        axes.axvspan(0, 10, color=colours["grid"], alpha=0.5, linewidth=0)
        axes.text(5, 262, "the provider is down", color=colours["text"], ha="center", va="bottom")
        for name, label in LABELS.items():
            charts = [int(row[name]) for row in rows]
            width, style = {"chartimg": (4.0, "-"), "ideal": (1.4, "--")}.get(name, (1.6, "-"))
            colour, above = colours[COLOUR_OF[name]], {"chartimg": -8, "ideal": 8}.get(name, 0)
            axes.plot(minutes, charts, style, color=colour, linewidth=width, clip_on=False)
            weight = "bold" if name == "chartimg" else "normal"
            axes.text(minutes[-1] + 0.6, charts[-1] + above, label, color=colour, va="center", fontweight=weight)
        axes.set_xlabel("minutes of the day", color=colours["text"])
        axes.set_ylabel("charts delivered, of 250 units", color=colours["text"])
        axes.set_xlim(0, MINUTES)
        axes.set_ylim(0, 260)
        figure.subplots_adjust(left=0.09, right=0.78, top=0.9, bottom=0.15)
        save(figure, axes, DOCS / f"outage-{theme}.svg", data, colours)


def main() -> None:
    """Simulate, write the data and draw."""
    data = simulated()
    DATA.write_text(data, encoding="utf-8", newline="\n")
    for theme in COLOURS:
        draw(data, theme)


if __name__ == "__main__":
    main()
