"""Days with outages and with errors by chance, for ``quota_yield.py``: what they cost with chartimg, without its table, and by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from typing import Final

from benchmarks.yield_day import CANDLE, Cell, Day, Row
from benchmarks.yield_ways import BLIND
from benchmarks.yield_world import DAY, SECOND, Outage

NAMES: Final = ("first in order", "round-robin", "limiter per key", BLIND, "chartimg", "ideal")
HEAD: Final = (
    "delivered of the possible",
    *NAMES[:-1],
    "knows it beforehand",
    "units spent while down",
    "p99, without the table",
)
MINUTE: Final = 60 * SECOND
NOON: Final = DAY // 2 + SECOND
MAX_SHARE_MISSED: Final = 0.05  # of the charts, against a way that knows the outage beforehand
MAX_SHARE_OF_CHANCE: Final = 0.005  # of the charts, where errors are chance
_SHORTEST: Final = 0.8  # of a pause, by chance
_BURSTS: Final = Cell(10, 900, 80, 32)
_STEADY: Final = Cell(10, 120, 80, 8)


def _minutes(*lengths: int, begins: int = NOON, hangs: int = SECOND // 2) -> tuple[Outage, ...]:
    """Return outages of as many minutes, with as long a time between them."""
    made: list[Outage] = []
    for length in lengths:
        made.append(Outage(begins, begins + length * MINUTE, hangs))
        begins += 2 * length * MINUTE
    return tuple(made)


OUTAGES: Final = {
    "10 min": replace(_STEADY, outages=_minutes(10)),
    "30 min": replace(_STEADY, outages=_minutes(30)),
    "60 min": replace(_STEADY, outages=_minutes(60)),
    "60 min, 100 % asked": replace(_STEADY, outages=_minutes(60), percent=100),
    "60 min, bursts of 4, 4 processes": replace(_BURSTS, outages=_minutes(60), processes=4),
    "60 min, each call hangs 60 s": replace(_STEADY, outages=_minutes(60, hangs=60 * SECOND)),
    "flapping: 5 min down, 5 min up, for an hour": replace(_STEADY, outages=_minutes(*6 * [5])),
    "10 min at midnight, 5 accounts, a chart each 6 s": Cell(5, 6, 5_760, 8, outages=_minutes(10, begins=0)),
    "0.5 % errors": replace(_STEADY, errors=0.005),
    "5 % errors": replace(_STEADY, errors=0.05),
    "20 % errors": replace(_STEADY, errors=0.2),
    "0.5 % errors, bursts of 83, 32 in flight": replace(_BURSTS, every=CANDLE, percent=100, errors=0.005),
    "5 % errors, bursts of 83, 32 in flight": replace(_BURSTS, every=CANDLE, percent=100, errors=0.05),
    "20 % errors, bursts of 83, 32 in flight": replace(_BURSTS, every=CANDLE, percent=100, errors=0.2),
    "20 % errors, bursts of 67, 32 in flight": replace(_BURSTS, every=CANDLE, errors=0.2),
}
"""Cells by their name in the table."""


@dataclass(frozen=True)
class OutageResult:
    """The rows of a cell, in the order of :data:`NAMES`.

    Attributes:
        name: the name of the cell.
        cell: the cell.
        rows: the yield of each way.
        spent: the units that each way spent while the service was down.
    """

    name: str
    cell: Cell
    rows: tuple[Row, ...]
    spent: tuple[int, ...]

    def row(self, name: str) -> Row:
        """Return the row of a way."""
        return self.rows[NAMES.index(name)]

    @property
    def bound(self) -> int:
        """The units that an outage may cost: three, those in flight, and the probes due; in each process."""
        slots = math.ceil(self.cell.slots / self.cell.processes)
        return sum(self.cell.processes * (3 + slots + probes(each)) for each in self.cell.outages)

    @property
    def missed(self) -> tuple[str, ...]:
        """The targets that chartimg misses."""
        return tuple(self._missed())

    def _missed(self) -> Iterator[str]:
        ours, best, blind = self.row("chartimg"), self.row("ideal"), self.row(BLIND)
        if ours.share < best.share - MAX_SHARE_MISSED:
            yield f"{ours.delivered} charts were delivered, and {best.delivered} by a way that knows the outage beforehand"
        if self.spent[NAMES.index("chartimg")] > self.bound:
            yield f"{self.spent[NAMES.index('chartimg')]} units were spent while down, more than {self.bound}"
        if not self.cell.outages and ours.share < blind.share - MAX_SHARE_OF_CHANCE:
            yield f"{ours.delivered} charts were delivered, and {blind.delivered} without the table"
        if ours.refused:
            yield f"{ours.refused} calls got a 429"


def probes(outage: Outage) -> int:
    """Count the probes that are due in an outage at most: each pause is as short as chance makes it."""
    due = accumulate(min(30.0 * 2.0**step, 900.0) * _SHORTEST for step in range(1_000))
    return sum(1 for _ in takewhile(lambda at: at * SECOND < outage.ends - outage.begins, due))


def run(name: str, seed: int) -> OutageResult:
    """Simulate a cell in every way, with the same demand and luck."""
    cell = OUTAGES[name]
    days = [Day(cell, seed, way) for way in NAMES]
    return OutageResult(
        name,
        cell,
        tuple(replace(day.row(), seconds=0.0) for day in days),
        tuple(day.provider.spent_down for day in days),
    )


def table(results: Sequence[OutageResult]) -> Iterator[str]:
    """Lay out one line for each cell, in Markdown."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|---" + "|---:" * (len(HEAD) - 1) + "|"
    for result in results:
        spent = dict(zip(NAMES, result.spent, strict=True))
        cells = (
            result.name,
            *(f"{100 * row.share:.1f} %" for row in result.rows),
            f"{spent[BLIND]:,} without, {spent['chartimg']:,} with the table" if result.cell.outages else "",
            f"{result.row('chartimg').p99:.1f}, {result.row(BLIND).p99:.1f} s",
        )
        yield f"| {' | '.join(cells)} |"
