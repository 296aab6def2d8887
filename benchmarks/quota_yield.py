"""How many charts a day's quota yields, and how soon: chartimg beside an ideal scheduler and what people write instead.

Simulates the provider and 24 hours of demand in virtual time, and drives the real pool, ledger and fetch machine through
them. ``docs/yield.md`` describes the model and has the table. Exits with 1 when chartimg misses a target.

::

    python benchmarks/quota_yield.py
    python benchmarks/quota_yield.py --cells full --brief
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import sys
import time as machine
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, too

from benchmarks.yield_ways import NAMES, Chartimg, way_of
from benchmarks.yield_world import DAY, SECOND, UNITS, Chart, Provider, Verdict, VirtualTime, World, demand, possible

QUARTER, CANDLE = 900, 14_400  # seconds between bursts
RESTART: Final = DAY // 2 + 1_500_000  # a second and a half after noon's candle has closed
TRAVEL: Final = 90_000  # microseconds; a little less than the ledger's margin
POINTS: Final = 0.005
SLOWER: Final = 1.2
MINUTE: Final = 60.0  # seconds a simulated day may take


@dataclass(frozen=True)
class Cell:
    """One situation.

    Attributes:
        keys: accounts.
        every: seconds between two bursts.
        percent: demand in percent of the day's quota.
        slots: fetches in flight, over all processes; each has its share, rounded up.
        processes: how many share the work; chartimg's share a store, too.
        restart: all processes are restarted in the middle of noon's burst.
        travel: calls are under way to the provider for up to so many microseconds; the ideal's are not.
        days: how long it goes on.
    """

    keys: int
    every: int
    percent: int
    slots: int
    processes: int = 1
    restart: bool = False
    travel: int = 0
    days: int = 1

    def __str__(self) -> str:
        every = "15 min" if self.every == QUARTER else f"{self.every // 3600} h"
        text = f"{self.keys:,} accounts, every {every}, {self.percent} %, {self.slots} in flight"
        text += f", {self.processes} processes" if self.processes > 1 else ""
        text += ", restarted at noon" if self.restart else ""
        text += f", {self.travel // 1000} ms of travel" if self.travel else ""
        return text + (f", {self.days} days" if self.days > 1 else "")

    @property
    def units(self) -> int:
        """The quota of a day."""
        return self.keys * UNITS

    def charts(self, seed: int) -> list[Chart]:
        """Make the demand; the luck of its charts depends on neither slots nor processes."""
        return demand(
            charts=self.units * self.percent // 100 * self.days,
            every=self.every * SECOND,
            processes=self.processes,
            travel=self.travel,
            luck=f"{seed} {self.keys} {self.every} {self.percent}",
            length=self.days * DAY,
        )


@dataclass(frozen=True)
class Row:
    """The outcome of one way in a cell.

    Attributes:
        name: of the way.
        delivered: charts.
        possible: charts that the day's quota could pay for, with the faults they meet.
        throttled: calls that got a 429 ``Too Many Requests``.
        spent: calls that got a 429 ``Limit Exceeded``.
        wasted: units charged for no chart; faults are among them.
        p50: the median of the seconds from the demand to the picture.
        p99: the same of the slowest in a hundred.
        seconds: of the machine's, for the simulated day.
    """

    name: str
    delivered: int
    possible: int
    throttled: int
    spent: int
    wasted: int
    p50: float
    p99: float
    seconds: float

    @property
    def share(self) -> float:
        """Delivered over possible."""
        return self.delivered / self.possible

    @property
    def refused(self) -> int:
        """Calls that got a 429."""
        return self.throttled + self.spent


@dataclass(frozen=True)
class Result:
    """A cell's rows, in the order of :data:`NAMES`, and the targets that chartimg missed."""

    cell: Cell
    rows: tuple[Row, ...]
    missed: tuple[str, ...]

    def row(self, name: str) -> Row:
        """Return the row of a way."""
        return self.rows[NAMES.index(name)]


def run(cell: Cell, seed: int) -> Result:
    """Run a cell in every way, on the same demand and luck."""
    rows = []
    missed: list[str] = []
    for name in NAMES:
        day = Day(cell, seed, name)
        rows.append(day.row())
        if name == "chartimg":
            missed += day.wrong()
            if cell.restart and day.outcomes() != Day(replace(cell, restart=False), seed, name).outcomes():
                missed.append("the restart changed what became of a chart, or when")
    result = Result(cell, tuple(rows), ())
    return replace(result, missed=(*compare(result.row("chartimg"), result.row("ideal")), *missed))


class Day:
    """The day of a cell, simulated in one way."""

    def __init__(self, cell: Cell, seed: int, name: str) -> None:
        self.cell, self.name = cell, name
        self.charts = cell.charts(seed)
        if name == "ideal":
            for chart in self.charts:
                chart.under_way = ()
        self.time = time = VirtualTime()
        self.provider = Provider(cell.keys)
        self.way = way_of(name, time, cell.keys, cell.processes)
        slots = math.ceil(cell.slots / cell.processes)
        world = World(time, self.provider, self.way, processes=cell.processes, slots=slots)
        started = machine.process_time()
        world.run(self.charts, RESTART if cell.restart else None)
        self.seconds = machine.process_time() - started

    def row(self) -> Row:
        """Sum the day up."""
        waits = sorted(
            (chart.finished - chart.demanded) / SECOND for chart in self.charts if chart.verdict is Verdict.DELIVERED
        )
        provider, delivered = self.provider, len(waits)
        return Row(
            self.name,
            delivered,
            possible(self.charts, self.cell.units),
            provider.throttled,
            provider.refused,
            provider.charged.total() - delivered,
            quantile(waits, 0.5),
            quantile(waits, 0.99),
            self.seconds,
        )

    def outcomes(self) -> list[tuple[Verdict | None, int]]:
        """Return the verdict on each chart, and its moment."""
        return [(chart.verdict, chart.finished) for chart in self.charts]

    def wrong(self) -> Iterator[str]:
        """Report charts that chartimg refused without need, and differences between its books and the provider."""
        provider, verdicts = self.provider, [chart.verdict for chart in self.charts]
        if provider.throttled or provider.refused:
            yield f"{provider.throttled} calls were throttled, {provider.refused} made on a spent key"
        if blind := verdicts.count(Verdict.REFUSED):
            yield f"{blind} charts were refused without the date to come back"
        for day in range(self.cell.days):
            left = self.cell.units - provider.charged[day]
            refused = sum(chart.verdict is Verdict.KNOWN and chart.finished // DAY == day for chart in self.charts)
            if left and refused:
                yield f"{refused} charts were refused for want of quota, and {left} units were left over"
        if (used := provider.used(self.time.passed // DAY)) != (booked := self.booked()):
            wrong = sum(one != other for one, other in zip(used, booked, strict=True))
            yield f"the books of {wrong} accounts are not the provider's: {sum(booked)} units and {sum(used)}"
        if self.seconds > MINUTE:
            yield f"the day took {self.seconds:.0f} s"

    def booked(self) -> list[int]:
        """Return the units of each account in the books of chartimg."""
        assert isinstance(self.way, Chartimg)
        return self.way.booked()


def compare(ours: Row, ideal: Row) -> Iterator[str]:
    """Report where chartimg is too far from the ideal."""
    if ours.share < ideal.share - POINTS:
        yield f"{ours.delivered} charts were delivered, by the ideal {ideal.delivered}, of {ours.possible}"
    for what, mine, best in (("median", ours.p50, ideal.p50), ("p99", ours.p99, ideal.p99)):
        if mine > SLOWER * best:
            yield f"the {what} is {mine:.1f} s, {mine / best:.2f} times the ideal's {best:.1f} s"


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of the *ordered* values that a *share* of them does not exceed; NaN without values."""
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else math.nan


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
    """Return every cell. A day of a thousand accounts takes minutes, so there are two of them."""
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


def table(results: Sequence[Result], *, markdown: bool) -> Iterator[str]:
    """Lay out a row for each cell and way."""
    head = ("", "delivered", "throttled", "on a spent key", "wasted", "median", "p99")
    if markdown:
        yield f"| {' | '.join(head)} |"
        yield "|---" + "|---:" * (len(head) - 1) + "|"
    for result in results:
        title = f"{result.cell}: {result.rows[0].possible:,} charts possible"
        yield f"| **{title}** |" + " |" * (len(head) - 1) if markdown else title
        if not markdown:
            yield "  {:<18}{:>10}{:>12}{:>16}{:>9}{:>10}{:>10}".format(*head)
        for row in result.rows:
            cells = (
                row.name,
                f"{row.share:.1%}".replace("%", " %"),
                f"{row.throttled:,}",
                f"{row.spent:,}",
                f"{row.wasted:,}",
                f"{row.p50:.1f} s",
                f"{row.p99:.1f} s",
            )
            yield (
                f"| {' | '.join(cells)} |" if markdown else "  {:<18}{:>10}{:>12}{:>16}{:>9}{:>10}{:>10}".format(*cells)
            )


def brief(results: Sequence[Result], *, markdown: bool) -> Iterator[str]:
    """Lay out one line for each cell: the charts delivered by each way, and chartimg beside the ideal."""
    head = ("delivered of the possible", *NAMES, "429s", "wasted, ideal", "median, ideal", "p99, ideal")
    if markdown:
        yield f"| {' | '.join(head)} |"
        yield "|---" + "|---:" * (len(head) - 1) + "|"
    form = "{:<62}" + "{:>16}" * len(NAMES) + "{:>6}{:>16}{:>18}{:>18}"
    if not markdown:
        yield form.format(*head)
    for result in results:
        ours, ideal = result.row("chartimg"), result.row("ideal")
        cells = (
            str(result.cell),
            *(f"{row.share:.1%}".replace("%", " %") for row in result.rows),
            f"{ours.refused:,}",
            f"{ours.wasted:,}, {ideal.wasted:,}",
            f"{ours.p50:.1f}, {ideal.p50:.1f} s",
            f"{ours.p99:.1f}, {ideal.p99:.1f} s",
        )
        yield f"| {' | '.join(cells)} |" if markdown else form.format(*cells)


def put(page: Path, place: str, text: str) -> None:
    """Replace the text between the marks of a *place* of a page."""
    begin, end = f"<!-- {place}: begin -->\n", f"\n<!-- {place}: end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{page} has no place for the table: {begin.strip()} and {end.strip()}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def main() -> int:
    """Run the cells that were asked for, print the table and the targets that were missed."""
    parser = argparse.ArgumentParser(description="How many charts a day's quota yields, and how soon.")
    parser.add_argument("--cells", choices=("small", "full"), default="small")
    parser.add_argument("--brief", action="store_true", help="one line for each cell")
    parser.add_argument("--markdown", action="store_true", help="as it stands in docs/yield.md")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path, metavar="FILE", help="also put the table into its place in FILE")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    asked = parser.parse_args()
    cells = SMALL if asked.cells == "small" else tuple(full())
    with ProcessPoolExecutor(asked.jobs) as executor:
        longest = sorted(cells, key=lambda cell: -cell.keys * cell.percent)
        running = {cell: executor.submit(run, cell, asked.seed) for cell in longest}
        results = [running[cell].result() for cell in cells]
    layout = brief if asked.brief else table
    print("\n".join(layout(results, markdown=asked.markdown)))
    missed = [f"{result.cell}: {what}" for result in results for what in result.missed]
    verdict = "\n".join(("missed:", *missed)) if missed else "every target holds"
    slowest = max(result.row("chartimg").seconds for result in results)
    print(
        f"\n{len(cells)} cells, seed {asked.seed}; the longest of chartimg's days took {slowest:.1f} s", file=sys.stderr
    )
    print(verdict, file=sys.stderr)
    if asked.into is not None:
        said = f"{len(cells)} cells, seed {asked.seed}, {verdict}"
        put(asked.into, asked.cells, "\n".join((said, "", *layout(results, markdown=True))))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
