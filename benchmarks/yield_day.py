"""A day of one cell, simulated in each way of spending the quota, and the targets of chartimg."""

from __future__ import annotations

import math
import time as machine
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.yield_ways import NAMES, Chartimg, way_of
from benchmarks.yield_world import (
    DAY,
    ERRORS,
    SECOND,
    UNITS,
    Chart,
    Outage,
    Provider,
    Verdict,
    VirtualTime,
    World,
    demand,
    possible,
)

QUARTER, CANDLE = 900, 14_400  # seconds between two bursts
RESTART: Final = DAY // 2 + 1_500_000  # 1.5 s after the burst of noon began
TRAVEL: Final = 90_000  # microseconds; a little less than the margin of the ledger
MAX_SHARE_MISSED: Final = 0.005  # of the charts, against the ideal
MAX_TIMES_SLOWER: Final = 1.2  # than the ideal
MAX_SECONDS: Final = 60.0  # of the machine's, for a simulated day


@dataclass(frozen=True)
class Cell:
    """One situation.

    Attributes:
        keys: the number of accounts.
        every: the seconds between two bursts.
        percent: the demand, in percent of the day's quota.
        slots: the fetches in flight over all processes; each process has its share, rounded up.
        processes: the number of processes that share the work.
        restart: whether all processes restart in the middle of the burst of noon.
        travel: the upper limit of the microseconds that a call is under way to the provider; 0 for the ideal.
        days: the number of days.
        outages: the times when every call fails.
        errors: the share of calls that end with a 500 at other times.
    """

    keys: int
    every: int
    percent: int
    slots: int
    processes: int = 1
    restart: bool = False
    travel: int = 0
    days: int = 1
    outages: tuple[Outage, ...] = ()
    errors: float = ERRORS

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
        """Return the demand; the luck of its charts depends neither on slots nor on processes."""
        return demand(
            charts=self.units * self.percent // 100 * self.days,
            every=self.every * SECOND,
            processes=self.processes,
            travel=self.travel,
            luck=f"{seed} {self.keys} {self.every} {self.percent}",
            length=self.days * DAY,
            errors=self.errors,
        )


@dataclass(frozen=True)
class Row:
    """The yield of one way in a cell.

    Attributes:
        name: the name of the way.
        delivered: the number of charts delivered.
        possible: the number of charts that the day's quota can pay for, faults included.
        refused: the number of calls that got a 429.
        wasted: the units charged without a chart, faults among them.
        p50: the median of the seconds from demand to picture.
        p99: the 99th percentile of these seconds.
        seconds: the seconds of the machine's time for the simulated day.
    """

    name: str
    delivered: int
    possible: int
    refused: int
    wasted: int
    p50: float
    p99: float
    seconds: float

    @property
    def share(self) -> float:
        """The charts delivered, as a share of the possible."""
        return self.delivered / self.possible


@dataclass(frozen=True)
class Result:
    """The rows of a cell, in the order of :data:`NAMES`, and the targets that chartimg missed."""

    cell: Cell
    rows: tuple[Row, ...]
    missed: tuple[str, ...]

    def row(self, name: str) -> Row:
        """Return the row of a way."""
        return self.rows[NAMES.index(name)]


def run(cell: Cell, seed: int) -> Result:
    """Simulate a cell in every way, with the same demand and luck."""
    rows = []
    missed: list[str] = []
    for name in NAMES:
        day = Day(cell, seed, name)
        rows.append(day.row())
        if name == "chartimg":
            missed += day.wrong()
            if cell.restart and day.outcomes() != Day(replace(cell, restart=False), seed, name).outcomes():
                missed.append("the restart changed the end of a chart, or its moment")
    result = Result(cell, tuple(rows), ())
    return replace(result, missed=(*compare(result.row("chartimg"), result.row("ideal")), *missed))


class Day:
    """The day of a cell in one way; the constructor simulates it."""

    def __init__(self, cell: Cell, seed: int, name: str) -> None:
        self.cell, self.name = cell, name
        self.charts = cell.charts(seed)
        if name == "ideal":
            for chart in self.charts:
                chart.under_way = ()
        self.time = time = VirtualTime()
        self.provider = Provider(cell.keys, cell.outages)
        self.way = way_of(name, time, cell.keys, cell.processes, cell.outages)
        slots = math.ceil(cell.slots / cell.processes)
        world = World(time, self.provider, self.way, processes=cell.processes, slots=slots)
        started = machine.process_time()
        world.run(self.charts, RESTART if cell.restart else None)
        self.seconds = machine.process_time() - started

    def row(self) -> Row:
        """Return the yield of the day."""
        waits = sorted(
            (chart.finished - chart.demanded) / SECOND for chart in self.charts if chart.verdict is Verdict.DELIVERED
        )
        provider, delivered = self.provider, len(waits)
        return Row(
            self.name,
            delivered,
            possible(self.charts, self.cell.units),
            provider.throttled + provider.refused,
            provider.charged.total() - delivered,
            quantile(waits, 0.5),
            quantile(waits, 0.99),
            self.seconds,
        )

    def outcomes(self) -> list[tuple[Verdict | None, int]]:
        """Return the end of each chart, and its moment."""
        return [(chart.verdict, chart.finished) for chart in self.charts]

    def wrong(self) -> Iterator[str]:
        """Report charts that chartimg should have served, and books that are wrong."""
        provider, verdicts = self.provider, [chart.verdict for chart in self.charts]
        if provider.throttled or provider.refused:
            yield f"{provider.throttled} calls were throttled, {provider.refused} made on a spent key"
        if blind := verdicts.count(Verdict.REFUSED):
            yield f"{blind} charts were refused without a date to come back"
        for day in range(self.cell.days):
            left = self.cell.units - provider.charged[day]
            refused = sum(chart.verdict is Verdict.DATED and chart.finished // DAY == day for chart in self.charts)
            if left and refused:
                yield f"{refused} charts were refused for want of quota, but {left} units were left"
        if (used := provider.used(self.time.passed // DAY)) != (booked := self.booked()):
            wrong = sum(one != other for one, other in zip(used, booked, strict=True))
            yield f"the books of {wrong} accounts differ from the provider's: {sum(booked)} units, not {sum(used)}"
        if self.seconds > MAX_SECONDS:
            yield f"the day took {self.seconds:.0f} s"

    def booked(self) -> list[int]:
        """Return the units of each account that were used today, by the books of chartimg."""
        assert isinstance(self.way, Chartimg)
        return self.way.booked()


def compare(ours: Row, ideal: Row) -> Iterator[str]:
    """Report each target that chartimg misses against the ideal."""
    if ours.share < ideal.share - MAX_SHARE_MISSED:
        yield f"{ours.delivered} charts were delivered, by the ideal {ideal.delivered}, of {ours.possible}"
    for name, mine, best in (("median", ours.p50, ideal.p50), ("p99", ours.p99, ideal.p99)):
        if mine > MAX_TIMES_SLOWER * best:
            yield f"the {name} is {mine:.1f} s, {mine / best:.2f} times the ideal's {best:.1f} s"


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of the *ordered* values that a *share* of them does not exceed; NaN without values."""
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else math.nan
