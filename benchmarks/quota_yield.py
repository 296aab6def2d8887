"""How many charts a day's quota yields, and how soon: chartimg beside an ideal scheduler and ways written by hand.

Simulates the provider and 24 hours of demand in virtual time, and drives the real pool, ledger and fetch machine through
them. ``docs/yield.md`` describes the model and has the table. Exits with 1 if chartimg misses a target.

::

    python benchmarks/quota_yield.py
    python benchmarks/quota_yield.py --cells full
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, too

from benchmarks import yield_outage
from benchmarks.yield_day import CANDLE, QUARTER, TRAVEL, Cell, Result, run
from benchmarks.yield_ways import NAMES

HEAD: Final = ("delivered of the possible", *NAMES, "429s", "wasted, ideal", "median, ideal", "p99, ideal")
SMALL: Final = (
    Cell(2, CANDLE, 100, 8),
    Cell(2, QUARTER, 40, 1),
    Cell(5, CANDLE, 100, 32),
    Cell(5, CANDLE, 100, 32, 4),
    Cell(5, CANDLE, 150, 8, 4),
    Cell(5, CANDLE, 100, 32, 4, restart=True),
    Cell(5, CANDLE, 100, 32, travel=TRAVEL),
    Cell(5, CANDLE, 80, 8, days=2),
    Cell(20, QUARTER, 80, 8),
    Cell(20, CANDLE, 150, 32),
    Cell(1000, CANDLE, 100, 32),
)


def full() -> Iterator[Cell]:
    """List every cell; those of a thousand accounts are two, since each takes minutes."""
    for keys, every, percent, slots, processes in product(
        (2, 5, 20), (QUARTER, CANDLE), (40, 80, 100, 150), (1, 8, 32), (1, 4)
    ):
        yield Cell(keys, every, percent, slots, processes)
    for processes in (1, 4):
        yield Cell(1000, CANDLE, 100, 32, processes)
    for keys, slots, processes in product((2, 5, 20), (8, 32), (1, 4)):
        yield Cell(keys, CANDLE, 100, slots, processes, restart=True)
        yield Cell(keys, CANDLE, 100, slots, processes, travel=TRAVEL)
        yield Cell(keys, CANDLE, 80, slots, processes, days=2)


def table(results: Sequence[Result]) -> Iterator[str]:
    """Lay out one line for each cell, in Markdown: the yield of each way, and chartimg beside the ideal."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|---" + "|---:" * (len(HEAD) - 1) + "|"
    for result in results:
        ours, ideal = result.row("chartimg"), result.row("ideal")
        cells = (
            str(result.cell),
            *(f"{100 * row.share:.1f} %" for row in result.rows),
            f"{ours.refused:,}",
            f"{ours.wasted:,}, {ideal.wasted:,}",
            f"{ours.p50:.1f}, {ideal.p50:.1f} s",
            f"{ours.p99:.1f}, {ideal.p99:.1f} s",
        )
        yield f"| {' | '.join(cells)} |"


def put(page: Path, place: str, text: str) -> None:
    """Put *text* between the marks of a *place* on a page."""
    begin, end = f"<!-- {place}: begin -->\n", f"\n<!-- {place}: end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{page} has no place for the table: {begin.strip()} and {end.strip()}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def _outages(cells: str) -> Sequence[str]:
    return tuple(yield_outage.OUTAGES) if cells == "small" else ()


def main() -> int:
    """Simulate the cells, print the table and the missed targets, and return the exit code."""
    parser = argparse.ArgumentParser(description="Simulate how many charts a day's quota yields, and how soon.")
    parser.add_argument("--cells", choices=("small", "full"), default="small")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path, metavar="FILE", help="also put the table into its place in FILE")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args()
    cells = SMALL if options.cells == "small" else tuple(full())
    with ProcessPoolExecutor(options.jobs) as executor:
        longest_first = sorted(cells, key=lambda cell: -cell.keys * cell.percent)
        running = {cell: executor.submit(run, cell, options.seed) for cell in longest_first}
        outages = [executor.submit(yield_outage.run, name, options.seed) for name in _outages(options.cells)]
        results = [running[cell].result() for cell in cells]
        down = [each.result() for each in outages]
    missed = [f"{result.cell}: {target}" for result in results for target in result.missed]
    missed += [f"{result.name}: {target}" for result in down for target in result.missed]
    verdict = "\n".join(("missed:", *missed)) if missed else "every target holds"
    summary = f"{len(cells)} cells, seed {options.seed}, {verdict}"
    slowest = max(result.row("chartimg").seconds for result in results)
    print("\n".join(table(results)))
    if down:
        print("", *yield_outage.table(down), sep="\n")
    print(f"\n{summary}\nthe longest day of chartimg took {slowest:.1f} s", file=sys.stderr)
    if options.into is not None:
        put(options.into, options.cells, "\n".join((summary, "", *table(results))))
        if down:
            put(options.into, "outage", "\n".join(yield_outage.table(down)))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
