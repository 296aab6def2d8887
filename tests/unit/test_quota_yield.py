"""The simulator behind ``docs/yield.md`` keeps the provider's rules, and chartimg its targets in a few of the cells."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from places import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks.quota_yield import CANDLE, QUARTER, TRAVEL, Cell, Result, Row, brief, compare, quantile, run, table
from benchmarks.yield_ways import NAMES
from benchmarks.yield_world import (
    DAY,
    SECOND,
    UNITS,
    Answer,
    Call,
    Chart,
    Fate,
    Fetching,
    Provider,
    Verdict,
    VirtualTime,
    World,
    demand,
    possible,
)

PICTURE, ERROR = Fate(2 * SECOND, Answer.PICTURE), Fate(2 * SECOND, Answer.ERROR)
ROW = Row("chartimg", 995, 1000, 0, 0, 5, 12.0, 24.0, 1.0)


def chart(*fates: Fate, demanded: int = 0) -> Chart:
    """Make a chart that meets *fates*, and pictures after them."""
    return Chart(0, demanded, 0, (*fates, PICTURE, PICTURE, PICTURE)[:3], ())


def test_the_provider_throttles_first_and_without_a_charge() -> None:
    """A burst of three passes, the fourth waits a whole second; what is throttled costs neither token nor unit."""
    provider = Provider(1)

    assert [None, None, None, Answer.THROTTLED] == [provider.take(0, 0) for _ in range(4)]
    assert [Answer.THROTTLED, None] == [provider.take(0, SECOND - 1), provider.take(0, SECOND)]
    assert (2, 0, 4) == (provider.throttled, provider.refused, provider.charged[0])


def test_the_provider_counts_a_utc_day() -> None:
    """The unit after the last is refused, though there are tokens, until midnight."""
    provider = Provider(2)
    for unit in range(UNITS):
        assert provider.take(1, unit * SECOND) is None

    assert Answer.SPENT is provider.take(1, DAY - SECOND)
    assert provider.take(1, DAY) is None
    assert ([0, 1], UNITS, 1) == (provider.used(1), provider.charged[0], provider.charged[1])


def test_the_possible_is_what_the_units_pay_for() -> None:
    """Faults cost units; a chart that runs out of them, or meets nothing but faults, is none; each day has its own."""
    charts = [chart(), chart(ERROR), chart(ERROR, ERROR, ERROR), chart(ERROR), chart(demanded=DAY)]

    assert [2, 3, 3, 4] == [possible(charts, units) for units in (1, 3, 7, 8)]


def test_demand_is_spread_over_bursts_and_processes() -> None:
    """Every chart is demanded once, as evenly as whole charts allow, and one luck is always the same."""
    charts = demand(charts=100, every=6 * 3600 * SECOND, processes=4, travel=0, luck="1")

    assert [25, 25, 25, 25] == [sum(made.demanded == burst * DAY // 4 for made in charts) for burst in range(4)]
    assert {28, 24} == {sum(made.process == process for made in charts) for process in range(4)}
    assert charts == demand(charts=100, every=6 * 3600 * SECOND, processes=4, travel=0, luck="1")


class OneCall:
    """Calls the first key once."""

    def fetch(self, chart: Chart) -> Fetching:
        """Call, and say whether that brought the picture."""
        return Verdict.DELIVERED if (yield Call(0, 10 * SECOND)) is Answer.PICTURE else Verdict.FAILED

    def restart(self) -> None:
        """Remember nothing."""


def test_a_fetch_waits_for_a_slot() -> None:
    """With one slot the second chart begins when the first is done; an answer that is too late is a timeout, charged."""
    time, provider = VirtualTime(), Provider(1)
    charts = [chart(), chart(Fate(11 * SECOND, Answer.PICTURE)), chart()]
    World(time, provider, OneCall(), processes=1, slots=1).run(charts)

    assert [Verdict.DELIVERED, Verdict.FAILED, Verdict.DELIVERED] == [made.verdict for made in charts]
    assert [2, 12, 14] == [made.finished // SECOND for made in charts]
    assert 3 == provider.charged[0]


def test_nobody_sleeps_in_virtual_time() -> None:
    """A pool that tried to sleep would stop the day."""
    with pytest.raises(AssertionError, match="nobody may sleep"):
        VirtualTime().sleep(1)


def test_a_quantile_is_one_of_the_values() -> None:
    """The nearest rank is given."""
    assert [2, 4, 1] == [quantile([1, 2, 3, 4], share) for share in (0.5, 0.99, 0.01)]


@pytest.mark.parametrize(
    "cell",
    [
        Cell(2, CANDLE, 100, 8),
        Cell(2, QUARTER, 150, 8, 4),
        Cell(5, CANDLE, 100, 32, 4, restart=True),
        Cell(5, CANDLE, 100, 32, travel=TRAVEL),
    ],
    ids=str,
)
def test_chartimg_keeps_its_targets(cell: Cell) -> None:
    """As many charts as the ideal, as soon, without a 429, with the provider's own books, restarted or not."""
    result = run(cell, seed=1)

    assert () == result.missed
    assert 0 == result.row("chartimg").refused
    assert result.row("ideal").refused == 0 < result.row("first in order").refused


def test_a_run_can_be_repeated() -> None:
    """The same cell and seed give the same rows, but for the machine's time; another seed gives others."""
    cell = Cell(2, CANDLE, 80, 8, days=2)
    first, again, other = ([replace(row, seconds=0.0) for row in run(cell, seed).rows] for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_what_people_write_yields_what_was_measured_elsewhere() -> None:
    """The order of magnitude of each way is that of the orientation in the issue: 6, 61, 36, 99 % and the ideal 99 %."""
    shares = [row.share for row in run(Cell(5, CANDLE, 100, 32), seed=1).rows]

    assert [0.06, 0.61, 0.36, 1.0, 1.0, 1.0] == pytest.approx(shares, abs=0.1)


@pytest.mark.parametrize(
    ("ours", "ideal", "says"),
    [
        (ROW, ROW, []),
        (ROW, replace(ROW, delivered=1000), []),
        (ROW, replace(ROW, delivered=1001), ["995 charts were delivered, by the ideal 1001, of 1000"]),
        (ROW, replace(ROW, p50=10.0, p99=20.0), []),
        (ROW, replace(ROW, p50=9.0), ["the median is 12.0 s, 1.33 times the ideal's 9.0 s"]),
        (ROW, replace(ROW, p99=16.0), ["the p99 is 24.0 s, 1.50 times the ideal's 16.0 s"]),
    ],
)
def test_a_missed_target_is_said(ours: Row, ideal: Row, says: list[str]) -> None:
    """Half a point of the charts and 1.2 times the seconds are allowed, and no more."""
    assert says == list(compare(ours, ideal))


def test_the_tables_have_every_way() -> None:
    """The long table has a row for each way, the brief one a line for each cell, in both layouts."""
    rows = tuple(replace(ROW, name=name) for name in NAMES)
    results = [Result(Cell(2, QUARTER, 40, 1), rows, ())]

    for markdown in (False, True):
        long, short = list(table(results, markdown=markdown)), list(brief(results, markdown=markdown))
        assert all(sum(name in line for line in long) >= 1 for name in NAMES)
        assert len(short) == (3 if markdown else 2)
        assert "99.5 %" in long[-1]
