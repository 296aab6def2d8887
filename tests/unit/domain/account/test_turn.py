"""The lines of accounts, against models that look at all of them every time."""

from __future__ import annotations

from collections.abc import Sized
from datetime import datetime, timedelta

import attrs
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.account import Account, Claim
from chartimg.domain.account.ledger import fresh
from chartimg.domain.account.turn import (
    AccountLine,
    AccountLines,
    Choice,
    Granted,
    NoneLeft,
    NoPlan,
    WaitUntil,
    rank_of,
)
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.plan import UNKNOWN, ChartLimits, PlanName
from chartimg.domain.plan.demand import Demand
from samples import NOON

PLANS = shipped_catalog().plans
BASIC, PRO, MEGA, ULTRA, ENTERPRISE = (plan.chart for plan in PLANS)
LARGE = Demand(1920, 1080)


def at(second: int) -> datetime:
    """Give a moment near noon."""
    return NOON + timedelta(seconds=second)


@attrs.define
class Model:
    """Keeps the moment of each place, and looks at all of them."""

    moments: list[datetime | None]

    def put(self, place: int, moment: datetime | None) -> None:
        """Keep the moment."""
        self.moments[place] = moment

    def first(self, now: datetime, without: frozenset[int]) -> tuple[int, datetime, int] | None:
        """Give the first place that is ready, or else the one that is ready soonest."""
        candidates = [
            (max(moment, now), place, moment)
            for place, moment in enumerate(self.moments)
            if moment is not None and place not in without
        ]
        if not candidates:
            return None
        _, place, moment = min(candidates)
        return place, moment, 0


COUNT = 5
places = st.integers(0, COUNT - 1)
moments = st.none() | st.integers(-30, 30)
puts = st.tuples(places, moments)
looks = st.frozensets(places, max_size=COUNT)
forward = st.integers(0, 20)
any_way = st.integers(-40, 20)

Act = tuple[int, tuple[int, int | None] | frozenset[int]]


def agree(acts: list[Act]) -> None:
    """Let the clock run by each act's seconds, line up or look (without some places), and compare."""
    line, model, now = AccountLine(), Model([None] * COUNT), NOON
    for seconds, act in acts:
        now += timedelta(seconds=seconds)
        if isinstance(act, frozenset):
            expected = model.first(now, act)
            event("nobody" if expected is None else "ready" if expected[1] <= now else "later")
            assert expected == line.first(now, act)
        else:
            place, second = act
            moment = None if second is None else at(second)
            line.put(place, moment)
            model.put(place, moment)


@given(acts=st.lists(st.tuples(forward, puts | looks), max_size=40))
def test_the_line_gives_what_a_look_at_everybody_gives(
    acts: list[Act],
) -> None:
    """While time goes forward the choice is the first who is ready, or else the one who will be soonest."""
    agree(acts)


@given(acts=st.lists(st.tuples(any_way, puts | st.just(frozenset[int]())), max_size=40))
def test_the_line_is_right_when_the_clock_steps_back(
    acts: list[Act],
) -> None:
    """Whoever was ready and, the clock having stepped back, is not yet, waits again."""
    agree(acts)


@given(acts=st.lists(st.tuples(any_way, puts | looks), max_size=40))
@example(
    [
        (0, (0, 1)),
        (0, (1, 20)),
        (0, (2, 5)),
        (30, frozenset()),
        (-20, frozenset({0})),
    ]
)
def test_the_line_is_right_for_a_choice_of_places_when_the_clock_steps_back(
    acts: list[Act],
) -> None:
    """A look that leaves out places finds the best of the others, whatever the clock has done in between."""
    agree(acts)


def test_nobody_in_line_is_nobody_to_call() -> None:
    """A line without accounts, or with none lined up, gives None."""
    line = AccountLine()
    line.put(0, None)

    assert AccountLine().first(NOON) is None
    assert line.first(NOON) is None
    assert AccountLines(PLANS).first(NOON) is None


def test_who_is_ready_goes_in_configured_order() -> None:
    """Of two who can be called now the first in order goes, though the other has been ready for longer."""
    line = AccountLine()
    line.put(0, at(-1))
    line.put(1, at(-9))

    assert (0, at(-1), 0) == line.first(NOON)


def test_who_is_not_ready_goes_by_time_and_then_by_order() -> None:
    """Of those who must be waited for the soonest goes; configured order breaks ties."""
    line = AccountLine()
    for place, second in enumerate((9, 5, 5)):
        line.put(place, at(second))

    assert (1, at(5), 0) == line.first(NOON)


def test_taking_out_takes_out() -> None:
    """A place that was put to None, or has left, is not given, ready or not."""
    line = AccountLine()
    for second in (-1, 9):
        line.put(0, at(second))
        line.first(NOON)
        line.put(0, None)
        assert line.first(NOON) is None

        line.put(0, at(second))
        line.first(NOON)
        assert line.leave(0)
        assert line.first(NOON) is None


def test_a_look_takes_nobody_out_of_the_line() -> None:
    """Looking twice gives the same answer twice, whoever was left out of the first look."""
    line = AccountLine()
    for place, second in enumerate((-1, -1, 9)):
        line.put(place, at(second))

    assert (2, at(9), 0) == line.first(NOON, frozenset({0, 1}))
    assert line.first(NOON, frozenset({0, 1, 2})) is None
    assert (0, at(-1), 0) == line.first(NOON)


@given(
    count=st.integers(1, 20),
    lined_up=st.lists(st.tuples(st.integers(0, 19), st.integers(-30, 30)), min_size=1, max_size=20),
    look=st.sampled_from([1, 7, 1000]),
    step=st.integers(-10, 10),
)
def test_the_line_stays_as_short_as_its_accounts(
    count: int, lined_up: list[tuple[int, int]], look: int, step: int
) -> None:
    """However often accounts are lined up anew and looked at, what is kept is bounded by their number."""
    line = AccountLine()
    longest = 0
    for number in range(400):
        place, second = lined_up[number % len(lined_up)]
        line.put(place % count, at(second + number * step))
        if number % look == 0:
            line.first(at(number * step), frozenset(range(1, 20, 2)))
        longest = max(longest, sum(len(kept) for kept in vars(line).values() if isinstance(kept, Sized)))

    assert longest <= 5 * count + 100


@pytest.mark.parametrize(
    "outcome",
    [Granted(Claim("a", 1, NOON, 0, NOON)), WaitUntil(NOON), NoneLeft(None), NoPlan((), None)],
    ids=lambda outcome: type(outcome).__name__,
)
def test_outcomes_are_values(outcome: Granted | WaitUntil | NoneLeft | NoPlan) -> None:
    """What a claim can yield is frozen, compares by value and is never taken for nothing."""
    assert attrs.evolve(outcome) == outcome
    assert bool(outcome) is True
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        outcome.anything = 1  # type: ignore[union-attr]


def test_configured_order_holds_within_a_step_of_the_day() -> None:
    """An account that is a step ahead waits for the others; a step is eight units, a burst, or a sixteenth of the day."""
    line = AccountLine()
    line.put(0, at(0), rank=1)
    line.put(1, at(0), rank=0)
    behind = line.first(at(1))
    line.put(1, at(0), rank=1)
    level = line.first(at(1))

    assert ((1, at(0), 0), (0, at(0), 1)) == (behind, level)


@pytest.mark.parametrize(
    ("limit", "burst", "used", "rank"),
    [
        (44, 3, 7, 0),
        (44, 3, 8, 1),
        (44, 3, 43, 5),
        (44, 3, 44, 0),
        (44, 20, 19, 0),
        (44, 20, 20, 1),
        (1600, 3, 99, 0),
        (1600, 3, 100, 1),
    ],
)
def test_a_rank_counts_the_steps_of_a_day_that_are_spent(limit: int, burst: int, used: int, rank: int) -> None:
    """A day that is over counts as the one to come."""
    account = Account("a", "key", limit, None, 1.0, burst)

    assert rank == rank_of(attrs.evolve(fresh(account, NOON), used=used), account)


def lined_up(*limits: ChartLimits, second: int = 0) -> AccountLines:
    """Line up an account for each of these limits."""
    lines = AccountLines(PLANS)
    for place, each in enumerate(limits):
        lines.put(place, each, at(second))
    return lines


def order(lines: AccountLines, demand: Demand, now: datetime = NOON) -> list[int]:
    """Take one account after the other, until none may serve the demand."""
    taken: list[int] = []
    while (found := lines.first(now, Choice(demand))) is not None:
        taken.append(found[0])
        lines.put(found[0], ENTERPRISE, None)
    return taken


def test_the_smallest_plan_that_allows_the_chart_goes_first() -> None:
    """Large plans stay free for what only they can do, whatever the configured order; too small ones aren't taken."""
    plans = (ENTERPRISE, MEGA, BASIC, ULTRA, PRO)

    assert [2, 4, 1, 3, 0] == order(lined_up(*plans), Demand())
    assert [4, 1, 3, 0] == order(lined_up(*plans), LARGE)
    assert [3, 0] == order(lined_up(*plans), Demand(watermark=True))
    assert [0] == order(lined_up(*plans), Demand(studies=26))
    assert [] == order(lined_up(*plans), Demand(studies=51))


def test_limits_that_were_told_are_measured_by_the_smallest_plan_that_has_them() -> None:
    """A PRO account that turned out to be smaller goes before the others, and is larger than BASIC by what it has."""
    told = attrs.evolve(PRO, max_width=800, max_height=600)
    less = attrs.evolve(BASIC, max_parameters=2)
    more = attrs.evolve(ENTERPRISE, max_parameters=51)

    assert [3, 2, 1, 0, 4] == order(lined_up(PRO, told, BASIC, less, more), Demand())
    assert [0, 4] == order(lined_up(PRO, told, BASIC, less, more), LARGE)


def test_of_plans_that_differ_both_ways_the_first_is_the_smaller() -> None:
    """The order of the plans counts, not their pixels."""
    wide, deep = attrs.evolve(PLANS[0], max_width=5000), attrs.evolve(PLANS[1], max_width=700)
    lines = AccountLines((wide, deep))
    lines.put(0, deep.chart, NOON)
    lines.put(1, wide.chart, NOON)

    assert (1, NOON) == lines.first(NOON)


def test_accounts_that_count_as_equal_go_by_rank_and_then_by_order() -> None:
    """Also where they stand in different lines; and of those who are free at the same later moment the smaller goes first."""
    lines = AccountLines(PLANS)
    for place, (limits, rank) in enumerate(((UNKNOWN, 1), (BASIC, 0), (UNKNOWN, 0))):
        lines.put(place, limits, NOON, rank)
    assert (1, NOON) == lines.first(NOON)
    lines.put(1, BASIC, NOON, 1)
    assert (2, NOON) == lines.first(NOON)
    lines.put(2, UNKNOWN, NOON, 1)
    assert (0, NOON) == lines.first(NOON)

    assert (1, at(5)) == lined_up(PRO, BASIC, BASIC, second=5).first(NOON)


def test_lines_that_nobody_stands_in_are_gone() -> None:
    """However many limits an account has been told, there is one line for each that counts now."""
    lines = lined_up(BASIC, PRO)
    for number in range(100):
        lines.put(0, ChartLimits(number, number), NOON)

    assert 2 == len(lines._lines)  # noqa: SLF001 (nobody else can tell)


def test_an_account_of_unknown_plan_counts_as_the_smallest_or_comes_last() -> None:
    """What the smallest plan allows it may serve in its turn; what that refuses it is tried with when no other is left."""
    assert [0, 1, 2] == order(lined_up(UNKNOWN, BASIC, PRO), Demand())
    assert [2, 0] == order(lined_up(UNKNOWN, BASIC, PRO), LARGE)
    assert [0] == order(lined_up(UNKNOWN, BASIC, PRO), Demand(2048, 1080))


def test_what_is_known_of_an_account_counts_and_the_rest_is_the_smallest_plans() -> None:
    """A chart it surely allows it serves in the turn of the plan that allows as much; another it is tried with last."""
    half_known = ChartLimits(max_width=1920, max_height=1080)
    lines = lined_up(UNKNOWN, PRO, half_known, BASIC, MEGA)

    assert [0, 3, 2, 1, 4] == order(lines, Demand())
    assert [2, 1, 4, 0] == order(lined_up(UNKNOWN, PRO, half_known, BASIC, MEGA), LARGE)
    assert [1, 4, 0, 2] == order(lined_up(UNKNOWN, PRO, half_known, BASIC, MEGA), Demand(1920, 1080, 5))
    assert [0, 2] == order(lined_up(UNKNOWN, PRO, half_known, BASIC, MEGA), Demand(watermark=True))


def test_without_plans_all_are_alike_but_for_what_was_told() -> None:
    """Where no plan is known the configured order holds, and only what the provider has said counts."""
    lines = AccountLines(())
    for place, limits in enumerate((UNKNOWN, ChartLimits(max_width=800, max_height=600), UNKNOWN)):
        lines.put(place, limits, NOON)

    assert (0, NOON) == lines.first(NOON)
    lines.put(0, UNKNOWN, None)
    assert (1, NOON) == lines.first(NOON)
    assert (2, NOON) == lines.first(NOON, Choice(LARGE))


def test_who_has_refused_is_left_out_and_who_is_in_doubt_too() -> None:
    """After a refusal another account is tried only if its plan is known to allow the chart."""
    lines = lined_up(MEGA, UNKNOWN, MEGA, PRO, ChartLimits(2048, 1920, None))
    told = ChartLimits(1920, 1080, 5)

    assert (3, NOON) == lines.first(NOON, Choice(LARGE, frozenset({0})))
    assert (2, NOON) == lines.first(NOON, Choice(LARGE, frozenset({0, 3})))
    assert (4, NOON) == lines.first(NOON, Choice(LARGE, frozenset({0, 2, 3})))
    assert lines.first(NOON, Choice(Demand(1920, 1080, 1), frozenset({0, 2, 3}))) is None
    assert (1, NOON) == lined_up(UNKNOWN, told).first(NOON, Choice(Demand(1920, 1080, 5), frozenset({0})))
    assert lined_up(UNKNOWN, told).first(NOON, Choice(Demand(watermark=True), frozenset({0}))) is None
    assert (1, NOON) == lined_up(UNKNOWN, UNKNOWN).first(NOON, Choice(None, frozenset({0})))


def test_an_account_changes_to_another_line_with_its_limits() -> None:
    """Whether they become smaller or larger, it is found where it belongs, and in no other line."""
    lines = lined_up(PRO, MEGA)
    lines.put(0, BASIC, NOON)
    assert (1, NOON) == lines.first(NOON, Choice(LARGE))
    lines.put(1, BASIC, None)
    assert lines.first(NOON, Choice(LARGE)) is None
    assert (0, NOON) == lines.first(NOON)
    lines.put(0, PRO, at(5))
    assert (0, at(5)) == lines.first(NOON, Choice(LARGE))


limits_ = st.sampled_from(
    [
        BASIC,
        PRO,
        MEGA,
        ULTRA,
        ENTERPRISE,
        UNKNOWN,
        ChartLimits(800, 600),
        ChartLimits(1920, 1080),
        attrs.evolve(MEGA, max_parameters=4),
    ]
)
demands = st.none() | st.builds(
    Demand,
    st.sampled_from([800, 1920, 2048]),
    st.sampled_from([600, 1600]),
    st.sampled_from([0, 3, 4, 11]),
    st.sampled_from([0, 20]),
    st.booleans(),
)


@attrs.define
class Crowd:
    """Keeps the limits, the moment and the rank of each place, and looks at all of them."""

    kept: dict[int, tuple[ChartLimits, datetime | None, int]] = attrs.field(factory=dict)

    def first(self, now: datetime, choice: Choice) -> tuple[int, datetime] | None:
        """Give the ready one of the smallest plan, or else the one that is ready soonest."""
        candidates = []
        for place, (limits, moment, rank) in self.kept.items():
            allows = choice.demand is None or limits.allows(choice.demand)
            doubtful = choice.demand is not None and not self.is_sure(limits, choice.demand)
            if moment is None or not allows or place in choice.refused or (choice.refused and doubtful):
                continue
            size = self.size(limits, choice.demand, doubtful=doubtful)
            candidates.append(
                ((0, 0.0, size, rank) if moment <= now else (1, moment.timestamp(), size, 0), place, moment)
            )
        return min(candidates)[1:] if candidates else None

    @staticmethod
    def is_sure(limits: ChartLimits, demand: Demand) -> bool:
        """Say whether the least that the limits may turn out to be allows a chart."""
        return ChartLimits(0, 0, 0, custom_watermark=False).overlaid(limits).allows(demand)

    @staticmethod
    def size(limits: ChartLimits, demand: Demand | None, *, doubtful: bool) -> float:
        """Say where limits stand among the plans."""
        if doubtful and demand is not None and not BASIC.allows(demand):
            return 9.0
        plans = [BASIC, ChartLimits(1920, 1080), PRO, attrs.evolve(MEGA, max_parameters=4), MEGA, ULTRA, ENTERPRISE]
        return 0.0 if limits in {UNKNOWN, ChartLimits(800, 600)} else float(plans.index(limits))


@given(
    acts=st.lists(
        st.tuples(
            any_way,
            st.tuples(places, limits_, moments, st.integers(0, 2))
            | st.tuples(demands, st.frozensets(places, max_size=2)),
        ),
        max_size=40,
    )
)
def test_the_lines_give_what_a_look_at_everybody_gives(
    acts: list[tuple[int, tuple[int, ChartLimits, int | None, int] | tuple[Demand | None, frozenset[int]]]],
) -> None:
    """However accounts change their limits, moments and ranks: the smallest plan that is ready, or else who is soonest."""
    lines, crowd, now = AccountLines(PLANS), Crowd(), NOON
    for seconds, act in acts:
        now += timedelta(seconds=seconds)
        if len(act) == 4:
            place, limits, second, rank = act
            moment = None if second is None else at(second)
            lines.put(place, limits, moment, rank)
            crowd.kept[place] = (limits, moment, rank)
        else:
            choice = Choice(*act)
            expected = crowd.first(now, choice)
            event("nobody" if expected is None else "ready" if expected[1] <= now else "later")
            assert expected == lines.first(now, choice)


def test_a_chart_that_no_plan_of_the_accounts_allows_is_told_for_the_nearest() -> None:
    """It names what is too much for the account that allows the most of it, and the smallest plan that would do."""
    allowed = {BASIC: "BASIC", ChartLimits(1920, 1080, 2): "the account 'b'", PRO: "PRO"}
    none = NoPlan.of(Demand(1920, 1200, 4), allowed, PLANS)

    assert PlanName.MEGA is none.smallest
    assert (
        Finding("height", Severity.ERROR, "1200 is more than PRO allows (1080); MEGA is the smallest plan that would"),
    ) == none.findings


def test_the_nearest_account_is_the_one_that_lacks_least() -> None:
    """Though another allows more pixels."""
    allowed = {attrs.evolve(MEGA, max_parameters=2): "the account 'a'", PRO: "PRO"}
    none = NoPlan.of(Demand(1920, 600, 4, watermark=True), allowed, PLANS)

    assert ["watermark"] == [finding.path for finding in none.findings]


def test_of_accounts_that_lack_as_much_the_largest_is_the_nearest() -> None:
    """So that what is told is the most that could be had."""
    none = NoPlan.of(Demand(5000), {BASIC: "BASIC", MEGA: "MEGA", PRO: "PRO"}, PLANS)
    unplanned = NoPlan.of(Demand(5000), {BASIC: "BASIC"}, ())

    assert (None, ["5000 is more than MEGA allows (1920); no plan would"]) == (
        none.smallest,
        [finding.message for finding in none.findings],
    )
    assert (None, ["5000 is more than BASIC allows (800)"]) == (
        unplanned.smallest,
        [finding.message for finding in unplanned.findings],
    )


def test_a_chart_that_everybody_refused_though_he_should_not_is_told_as_that() -> None:
    """There is always something to tell."""
    (finding,) = NoPlan.of(Demand(), {BASIC: "BASIC"}, PLANS).findings

    assert "it was refused, and no other account is known to allow it" in finding.message
