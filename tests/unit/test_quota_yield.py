"""The simulator of ``docs/yield.md`` keeps the provider's rules, chartimg its targets, and page and drawing the figures."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from places import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks import outage_drawing, yield_outage
from benchmarks.quota_yield import SMALL, put, table
from benchmarks.yield_day import CANDLE, Cell, Row, compare, quantile, run
from benchmarks.yield_drawing import COLOURS, DOCS, digest, simulated, stale
from benchmarks.yield_world import (
    DAY,
    SECOND,
    UNITS,
    Answer,
    Call,
    Chart,
    Fate,
    Fetching,
    Outage,
    Provider,
    Verdict,
    VirtualTime,
    World,
    demand,
    possible,
)

from rows import for_each

PICTURE, ERROR = Fate(2 * SECOND, Answer.PICTURE), Fate(2 * SECOND, Answer.ERROR)
ROW = Row("chartimg", 995, 1000, 0, 5, 12.0, 24.0, 1.0)
PAGE = (ROOT / "docs/yield.md").read_text(encoding="utf-8")


def chart(*fates: Fate, demanded: int = 0) -> Chart:
    """Return a chart that meets *fates*, and pictures after them."""
    return Chart(0, demanded, 0, (*fates, PICTURE, PICTURE, PICTURE)[:3], ())


def test_the_provider_throttles_first_and_without_a_charge() -> None:
    """A burst of three passes, the fourth waits a whole second; a throttled call costs neither token nor unit."""
    provider = Provider(1)

    assert [None, None, None, Answer.THROTTLED] == [provider.take(0, 0) for _ in range(4)]
    assert [Answer.THROTTLED, None] == [provider.take(0, SECOND - 1), provider.take(0, SECOND)]
    assert (2, 0, 4) == (provider.throttled, provider.refused, provider.charged[0])


def test_the_provider_counts_a_utc_day() -> None:
    """A spent key is refused until midnight, although it has tokens."""
    provider = Provider(2)
    for unit in range(UNITS):
        assert provider.take(1, unit * SECOND) is None

    assert Answer.SPENT is provider.take(1, DAY - SECOND)
    assert provider.take(1, DAY) is None
    assert ([0, 1], UNITS, 1) == (provider.used(1), provider.charged[0], provider.charged[1])


def test_the_possible_is_what_the_units_pay_for() -> None:
    """Faults cost units; a chart without enough units, or with faults alone, is impossible; each day has its own units."""
    charts = [chart(), chart(ERROR), chart(ERROR, ERROR, ERROR), chart(ERROR), chart(demanded=DAY)]

    assert [2, 3, 3, 4] == [possible(charts, units) for units in (1, 3, 7, 8)]


def test_demand_is_spread_over_bursts_and_processes() -> None:
    """Every chart is demanded once, as evenly as whole charts allow, and one seed gives one demand."""
    charts = demand(charts=100, every=6 * 3600 * SECOND, processes=4, travel=0, luck="1")

    assert [25, 25, 25, 25] == [sum(made.demanded == burst * DAY // 4 for made in charts) for burst in range(4)]
    assert {28, 24} == {sum(made.process == process for made in charts) for process in range(4)}
    assert charts == demand(charts=100, every=6 * 3600 * SECOND, processes=4, travel=0, luck="1")


class OneCall:
    """A way that calls the first key once."""

    def fetch(self, chart: Chart) -> Fetching:
        """Call once, and return whether the picture came."""
        return Verdict.DELIVERED if (yield Call(0, 10 * SECOND)) is Answer.PICTURE else Verdict.FAILED

    def restart(self) -> None:
        """Keep no state."""


def test_a_fetch_waits_for_a_slot() -> None:
    """With one slot a fetch begins as the one before ends, and an answer that comes too late is a charged timeout."""
    time, provider = VirtualTime(), Provider(1)
    charts = [chart(), chart(Fate(11 * SECOND, Answer.PICTURE)), chart()]
    World(time, provider, OneCall(), processes=1, slots=1).run(charts)

    assert [Verdict.DELIVERED, Verdict.FAILED, Verdict.DELIVERED] == [made.verdict for made in charts]
    assert [2, 12, 14] == [made.finished // SECOND for made in charts]
    assert 3 == provider.charged[0]


def test_a_sleep_is_refused_in_virtual_time() -> None:
    """A pool that tries to sleep fails, instead of stopping the day."""
    with pytest.raises(AssertionError, match="would stop the virtual day"):
        VirtualTime().sleep(1)


def test_a_quantile_is_one_of_the_values() -> None:
    """The quantile is the value at the nearest rank."""
    assert [2, 4, 1] == [quantile([1, 2, 3, 4], share) for share in (0.5, 0.99, 0.01)]


@for_each("cell", [cell for cell in SMALL if cell.keys < 1000])
@pytest.mark.gate
def test_chartimg_keeps_its_targets_and_the_page_has_the_figures(cell: Cell) -> None:
    """Chartimg delivers as much as the ideal, as soon, without a 429, with true books; docs/yield.md has the row."""
    result = run(cell, seed=1)

    assert () == result.missed
    assert 0 == result.row("chartimg").refused == result.row("ideal").refused
    assert [*table([result])][-1] in PAGE.splitlines()


@pytest.mark.parametrize("name", ["10 min", "60 min, 100 % asked", "20 % errors, bursts of 67, 32 in flight"])
@pytest.mark.gate
def test_an_outage_costs_a_handful_of_units_and_the_page_has_the_figures(name: str) -> None:
    """A day with an outage, or with errors by chance, keeps its targets; docs/yield.md has the row."""
    result = yield_outage.run(name, seed=1)

    assert () == result.missed
    assert [*yield_outage.table([result])][-1] in PAGE.splitlines()


def test_the_probes_of_an_outage_are_counted() -> None:
    """At most as many probes are due as pauses fit into the outage, each as short as chance makes it."""
    lengths = (24, 25, 73, 600, 1_800, 3_600)

    assert [0, 1, 2, 4, 6, 8] == [yield_outage.probes(Outage(0, length * SECOND)) for length in lengths]


def test_a_call_in_an_outage_fails_and_is_charged() -> None:
    """A call that comes during an outage fails, with or without an answer, and leaves the luck of the chart alone."""
    time, provider = VirtualTime(), Provider(1, [Outage(0, SECOND), Outage(SECOND, 2 * SECOND, 60 * SECOND)])
    charts = [chart(), chart(demanded=SECOND), chart(demanded=2 * SECOND)]
    World(time, provider, OneCall(), processes=1, slots=3).run(charts)

    assert [Verdict.FAILED, Verdict.FAILED, Verdict.DELIVERED] == [made.verdict for made in charts]
    assert [500_000, 11 * SECOND, 4 * SECOND] == [made.finished for made in charts]
    assert (2, 3) == (provider.spent_down, provider.charged[0])


@pytest.mark.gate
def test_the_drawings_are_of_the_data_of_today() -> None:
    """The data of the drawing equal a new simulation, and both drawings carry their digest."""
    assert [] == list(stale(simulated()))


def test_the_drawings_of_an_outage_are_of_their_data() -> None:
    """Both drawings of a day with an outage carry the digest of the data beside them."""
    data = outage_drawing.DATA.read_text(encoding="utf-8")

    assert all(digest(data) in (DOCS / f"outage-{theme}.svg").read_text(encoding="utf-8") for theme in COLOURS)


@pytest.mark.soak
def test_the_data_of_the_drawing_of_an_outage_are_those_of_today() -> None:
    """A new simulation of the day with an outage equals the data of its drawing."""
    assert outage_drawing.simulated() == outage_drawing.DATA.read_text(encoding="utf-8")


def test_a_run_can_be_repeated() -> None:
    """One cell and seed give the same rows each time, apart from the machine's time; another seed gives others."""
    cell = Cell(2, CANDLE, 80, 8, days=2)
    first, again, other = ([replace(row, seconds=0.0) for row in run(cell, seed).rows] for seed in (1, 1, 2))

    assert first == again
    assert first != other


@for_each(
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
def test_a_missed_target_is_reported(ours: Row, ideal: Row, says: list[str]) -> None:
    """A target is missed beyond half a point of the charts or 1.2 times the seconds."""
    assert says == list(compare(ours, ideal))


def test_a_table_replaces_the_one_in_its_place(tmp_path: Path) -> None:
    """The text between the marks is replaced; a page without the marks is refused."""
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    put(page, "small", "a table")

    assert "<!-- small: begin -->\n\na table\n\n<!-- small: end -->" in page.read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="full: begin"):
        put(page, "full", "a table")
