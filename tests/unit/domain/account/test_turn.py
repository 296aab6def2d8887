"""Whose turn it is: a sentence of docs/design.md, tried on examples and against a plain model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

import attrs
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.account import Account, Claim, ledger
from chartimg.domain.account.turn import (
    Granted,
    Need,
    NoneLeft,
    NoPlan,
    Standing,
    Turns,
    WaitUntil,
    capped,
    owners_of,
    size_of,
    standing_of,
    steps_spent,
)
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.plan import UNKNOWN, ChartLimits, Plan, largest_limits
from chartimg.domain.plan.demand import Demand
from rows import for_each
from samples import NOON

PLANS = shipped_catalog().plans
BASIC, PRO, MEGA, ULTRA, ENTERPRISE = (plan.chart for plan in PLANS)
LARGE = Demand(1920, 1080)


def at(second: int) -> datetime:
    """Return a moment near noon."""
    return NOON + timedelta(seconds=second)


def stand(
    place: int, limits: ChartLimits = UNKNOWN, second: int | None = 0, steps: int = 0, plans: Sequence[Plan] = PLANS
) -> Standing:
    """Return the standing of the account at *place*, whose id is a letter."""
    ready = None if second is None else at(second)
    return Standing("abcdefgh"[place], limits, size_of(limits, plans), steps, ready)


def order(*limits: ChartLimits, demand: Demand, plans: Sequence[Plan] = PLANS) -> list[int]:
    """Take one account after the other until none is left, and return their places."""
    standings = [stand(place, each, plans=plans) for place, each in enumerate(limits)]
    taken: list[int] = []
    turns = Turns(standings, Need(demand), plans, NOON)
    while (found := turns.first) is not None:
        taken.append(found[0])
        standings[found[0]] = attrs.evolve(standings[found[0]], ready_at=None)
        turns.renew()
    return taken


@for_each(
    ("standings", "expected"),
    [
        ([], None),
        ([stand(0, second=None)], None),
        ([stand(0, second=-1), stand(1, second=-9)], (0, at(-1))),
        ([stand(0, steps=1), stand(1)], (1, at(0))),
        ([stand(0, steps=1), stand(1, steps=1)], (0, at(0))),
        ([stand(0, PRO), stand(1, BASIC, steps=9)], (1, at(0))),
        ([stand(0, BASIC, 1), stand(1, PRO, 0)], (1, at(0))),
        ([stand(0, second=9), stand(1, second=5), stand(2, second=5)], (1, at(5))),
        ([stand(0, PRO, 5), stand(1, BASIC, 5, steps=9)], (1, at(5))),
    ],
)
def test_the_next_account_is_the_one_of_the_rule(
    standings: list[Standing], expected: tuple[int, datetime] | None
) -> None:
    """The next account is of the smallest plan, then has spent the fewest steps, then comes first in order."""
    assert expected == Turns(standings, Need(), PLANS, NOON).first


@for_each(
    ("limit", "burst", "used", "steps"),
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
def test_a_step_is_eight_units_a_burst_or_a_sixteenth_of_the_day(limit: int, burst: int, used: int, steps: int) -> None:
    """The largest of the three is the step, and a spent day counts as the new one."""
    account = Account("a", "key", limit, None, 1.0, burst)

    assert steps == steps_spent(attrs.evolve(ledger.fresh(account, NOON), used=used), account)


def test_a_standing_has_the_limits_that_were_learned() -> None:
    """A limit that the provider has stated replaces that of the plan."""
    account = Account("a", "key", plan="PRO")
    snapshot = ledger.learn(ledger.fresh(account, NOON), ChartLimits(800, 600))
    standing = standing_of(account, snapshot, PRO, PLANS)

    assert ("a", attrs.evolve(PRO, max_width=800, max_height=600), 0) == (
        standing.account_id,
        standing.limits,
        standing.steps,
    )
    assert ledger.ready_at(snapshot, account) == standing.ready_at


def test_the_smallest_plan_that_allows_the_chart_goes_first() -> None:
    """Large plans stay free for charts that need them, and accounts too small for a chart are not taken."""
    plans = (ENTERPRISE, MEGA, BASIC, ULTRA, PRO)

    assert [2, 4, 1, 3, 0] == order(*plans, demand=Demand())
    assert [4, 1, 3, 0] == order(*plans, demand=LARGE)
    assert [3, 0] == order(*plans, demand=Demand(watermark=True))
    assert [0] == order(*plans, demand=Demand(studies=26))
    assert [] == order(*plans, demand=Demand(studies=51))


def test_limits_that_no_plan_has_count_by_the_smallest_plan_that_has_them() -> None:
    """A PRO account that turned out smaller goes before the others, and after BASIC for what it has more."""
    smaller = attrs.evolve(PRO, max_width=800, max_height=600)
    less = attrs.evolve(BASIC, max_parameters=2)
    more = attrs.evolve(ENTERPRISE, max_parameters=51)

    assert [3, 2, 1, 0, 4] == order(PRO, smaller, BASIC, less, more, demand=Demand())
    assert [0, 4] == order(PRO, smaller, BASIC, less, more, demand=LARGE)


def test_of_charts_as_large_the_one_without_a_watermark_goes_first() -> None:
    """An account whose plan has the watermark stays free for the charts that need it."""
    assert [1, 0] == order(ULTRA, attrs.evolve(ULTRA, custom_watermark=False), demand=Demand())


def test_the_order_of_the_plans_counts_and_not_their_pixels() -> None:
    """Of two plans that differ both ways the first is the smaller."""
    wide, deep = attrs.evolve(PLANS[0], max_width=5000), attrs.evolve(PLANS[1], max_width=700)

    assert [1, 0] == order(deep.chart, wide.chart, demand=Demand(500, 300), plans=(wide, deep))


def test_an_account_of_unknown_plan_counts_as_the_smallest_or_comes_last() -> None:
    """It serves in its turn a chart of the smallest plan; with a larger one it is tried after all others."""
    assert [0, 1, 2] == order(UNKNOWN, BASIC, PRO, demand=Demand())
    assert [2, 0] == order(UNKNOWN, BASIC, PRO, demand=LARGE)
    assert [0] == order(UNKNOWN, BASIC, PRO, demand=Demand(2048, 1080))


def test_known_limits_count_and_unknown_ones_are_those_of_the_smallest_plan() -> None:
    """A chart that an account surely allows is served in the turn of the plan that allows as much."""
    every = (UNKNOWN, PRO, ChartLimits(max_width=1920, max_height=1080), BASIC, MEGA)

    assert [0, 3, 2, 1, 4] == order(*every, demand=Demand())
    assert [2, 1, 4, 0] == order(*every, demand=LARGE)
    assert [1, 4, 0, 2] == order(*every, demand=Demand(1920, 1080, 5))
    assert [0, 2] == order(*every, demand=Demand(watermark=True))


def test_without_plans_configured_order_holds() -> None:
    """If no plan is known, only limits that the provider has stated keep an account from a chart."""
    every = (UNKNOWN, ChartLimits(800, 600), UNKNOWN)

    assert [0, 1, 2] == order(*every, demand=Demand(), plans=())
    assert [0, 2] == order(*every, demand=LARGE, plans=())


def test_after_a_refusal_only_an_account_that_surely_allows_the_chart_is_taken() -> None:
    """The account that has refused is left out, and so is every account in doubt."""
    every = [
        stand(place, limits) for place, limits in enumerate((MEGA, UNKNOWN, MEGA, PRO, ChartLimits(2048, 1920, None)))
    ]

    def found(demand: Demand | None, refused: str) -> int | None:
        first = Turns(every, Need(demand, frozenset(refused)), PLANS, NOON).first
        return None if first is None else first[0]

    assert [3, 2, 4] == [found(LARGE, refused) for refused in ("a", "ad", "acd")]
    assert found(Demand(1920, 1080, 1), "acd") is None
    assert found(Demand(watermark=True), "a") is None
    assert 1 == found(None, "a")


some_limits = st.sampled_from(
    [BASIC, PRO, MEGA, ULTRA, ENTERPRISE, UNKNOWN, ChartLimits(800, 600), attrs.evolve(MEGA, max_parameters=4)]
)
demands = st.none() | st.builds(
    Demand,
    st.sampled_from([800, 1920, 2048]),
    st.sampled_from([600, 1600]),
    st.sampled_from([0, 3, 4, 11]),
    st.sampled_from([0, 20]),
    st.booleans(),
)


@given(
    crowd=st.lists(st.tuples(some_limits, st.none() | st.integers(-9, 9), st.integers(0, 2)), min_size=1, max_size=8),
    changes=st.lists(st.tuples(some_limits, st.none() | st.integers(-9, 9), st.integers(0, 2)), max_size=8),
    demand=demands,
)
def test_a_changed_account_finds_its_turn_without_a_look_at_the_others(
    crowd: list[tuple[ChartLimits, int | None, int]],
    changes: list[tuple[ChartLimits, int | None, int]],
    demand: Demand | None,
) -> None:
    """After each change of the first account the next one is that of all standings, and only the changed one is read."""
    standings = [stand(place, *each) for place, each in enumerate(crowd)]
    seen = list[Standing | None](standings)
    turns = Turns(cast("list[Standing]", seen), Need(demand), PLANS, NOON)
    for change in changes:
        if (first := turns.first) is None:
            break
        seen[:] = [None] * len(seen)  # the others can't be read
        seen[first[0]] = standings[first[0]] = stand(first[0], *change)
        turns.renew()

        assert Turns(standings, Need(demand), PLANS, NOON).first == turns.first


@given(
    crowd=st.lists(st.tuples(some_limits, st.none() | st.integers(-9, 9), st.integers(0, 2)), max_size=8),
    demand=demands,
    refused=st.frozensets(st.sampled_from("abcdefgh"), max_size=2),
)
def test_no_account_that_may_serve_has_an_earlier_turn(
    crowd: list[tuple[ChartLimits, int | None, int]], demand: Demand | None, refused: frozenset[str]
) -> None:
    """The account taken may serve, and every other that may serve is later, larger, further spent or behind in order."""
    standings = [stand(place, limits, second, steps) for place, (limits, second, steps) in enumerate(crowd)]
    need = Need(demand, refused)
    found = Turns(standings, need, PLANS, NOON).first
    eligible = [
        each for each in standings if each.ready_at is not None and need.is_met_by(each.account_id, each.limits)
    ]
    event("none" if found is None else "now" if found[1] <= NOON else "later")

    assert bool(eligible) is (found is not None)
    if found is None:
        return
    taken = standings[found[0]]
    assert taken in eligible
    assert taken.ready_at == found[1]
    if found[1] > NOON:
        assert all(other.ready_at is not None and other.ready_at >= found[1] for other in eligible)
        return
    ready = [other for other in eligible if other.ready_at is not None and other.ready_at <= NOON]
    if demand is not None and not BASIC.allows(demand) and any(each.limits.surely_allows(demand) for each in ready):
        ready = [each for each in ready if each.limits.surely_allows(demand)]
        assert taken in ready
    if demand is None or BASIC.allows(demand) or taken.limits.surely_allows(demand):
        assert taken.size == min(each.size for each in ready)
        ready = [each for each in ready if each.size == taken.size]
    assert taken.steps == min(each.steps for each in ready)
    assert taken.account_id == min(each.account_id for each in ready if each.steps == taken.steps)


@pytest.mark.parametrize(
    "outcome",
    [Granted(Claim("a", 1, NOON, 0, NOON)), WaitUntil(NOON), NoneLeft(None), NoPlan(())],
    ids=lambda outcome: type(outcome).__name__,
)
def test_outcomes_are_values(outcome: Granted | WaitUntil | NoneLeft | NoPlan) -> None:
    """An outcome of a claim is frozen, compares by value and is always true."""
    assert attrs.evolve(outcome) == outcome
    assert bool(outcome) is True
    assert NoneLeft(None, (), (), 0) == NoneLeft(None)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        outcome.anything = 1  # type: ignore[union-attr]


def test_a_chart_too_large_for_every_account_is_explained_by_the_nearest() -> None:
    """The findings name each limit of the account that allows the most, and the smallest plan that would do."""
    allowed = {BASIC: "BASIC", ChartLimits(1920, 1080, 2): "the account 'b'", PRO: "PRO"}

    assert (
        Finding(
            "height",
            Severity.ERROR,
            "1200 is more than PRO allows (1080); MEGA is the smallest plan that allows this chart",
        ),
    ) == NoPlan.of(Demand(1920, 1200, 4), allowed, PLANS).findings


def test_the_nearest_account_is_the_one_that_lacks_least() -> None:
    """An account that lacks one thing is nearer than one with more pixels that lacks two."""
    allowed = {attrs.evolve(MEGA, max_parameters=2): "the account 'a'", PRO: "PRO"}
    none = NoPlan.of(Demand(1920, 600, 4, watermark=True), allowed, PLANS)

    assert ["watermark"] == [finding.path for finding in none.findings]


def test_of_accounts_that_lack_as_much_the_largest_is_the_nearest() -> None:
    """The limit named is the largest that could be had."""
    none = NoPlan.of(Demand(5000), {BASIC: "BASIC", MEGA: "MEGA", PRO: "PRO"}, PLANS)
    unplanned = NoPlan.of(Demand(5000), {BASIC: "BASIC"}, ())
    by_area = NoPlan.of(Demand(6000, 2000), {ChartLimits(5000, 300): "a", ChartLimits(1300, 1300): "b"}, ())

    assert ["5000 is more than MEGA allows (1920); no plan allows this chart"] == [
        each.message for each in none.findings
    ]
    assert ["5000 is more than BASIC allows (800)"] == [each.message for each in unplanned.findings]
    assert "6000 is more than b allows (1300)" == by_area.findings[0].message


def test_a_refusal_without_an_exceeded_limit_still_has_a_finding() -> None:
    """If every account has refused a chart that its plan allows, the refusal itself is the finding."""
    (finding,) = NoPlan.of(Demand(), {BASIC: "BASIC"}, PLANS).findings

    assert "an account has refused it, and no other is known to allow it" == finding.text


def test_the_owners_of_limits_are_plans_and_an_account_with_limits_of_its_own() -> None:
    """Accounts of one plan are one owner; one without a plan, or with a stated limit, is named."""
    accounts = [Account(name, f"key-{name}", plan=plan) for name, plan in (("a", "PRO"), ("b", "PRO"), ("c", None))]
    snapshots = [ledger.fresh(each, NOON) for each in accounts]
    limits, stated = [PRO, PRO, UNKNOWN], ChartLimits(800, 600)
    owners = owners_of(accounts, snapshots, limits, ChartLimits.overlaid)
    learned = [snapshots[0], ledger.learn(snapshots[1], stated), snapshots[2]]

    assert {PRO: "PRO", UNKNOWN: "the account 'c'"} == owners
    assert "the account 'b'" == owners_of(accounts, learned, limits, ChartLimits.overlaid)[PRO.overlaid(stated)]
    assert owners == capped(owners, ())
    assert {PRO: "PRO", largest_limits(PLANS): "the largest plan"} == capped(owners, PLANS)
