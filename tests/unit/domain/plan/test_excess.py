"""What a chart asks for beyond its limits, in words."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.finding import Severity
from chartimg.domain.plan import UNKNOWN, ChartLimits, Plan, PlanName, smallest_plan
from chartimg.domain.plan.demand import Demand
from chartimg.domain.plan.excess import exceeded

PLANS = shipped_catalog().plans
BASIC = shipped_catalog().plan_by_name[PlanName.BASIC].chart

numbers = st.none() | st.integers(0, 3000)
limits = st.builds(ChartLimits, numbers, numbers, numbers, st.none() | st.booleans())
sizes = st.integers(-1, 3000) | st.floats() | st.sampled_from([10**5000, -(10**5000)])
counts = st.integers(0, 60)
demands = st.builds(Demand, sizes, sizes, counts, counts, st.booleans())


def told(demand: Demand, limits: ChartLimits = BASIC, plans: Sequence[Plan] = PLANS) -> list[tuple[str, str]]:
    """Give the paths and messages of what is told of a demand."""
    return [(each.path, each.message) for each in exceeded(demand, limits, allowed_by="BASIC", plans=plans)]


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        (Demand(), []),
        (Demand(1920), [("width", "1920 is more than BASIC allows (800); PRO is the smallest plan that would")]),
        (
            Demand(height=1080.5),
            [("height", "1080.5 is more than BASIC allows (600); MEGA is the smallest plan that would")],
        ),
        (
            Demand(studies=3, drawings=1),
            [
                (
                    "studies",
                    "4 studies and drawings are more than BASIC allows (3); PRO is the smallest plan that would",
                )
            ],
        ),
        (
            Demand(drawings=51),
            [("drawings", "51 studies and drawings are more than BASIC allows (3); no plan would")],
        ),
        (
            Demand(watermark=True),
            [
                (
                    "watermark",
                    "a watermark of one's own is more than BASIC allows; ULTRA is the smallest plan that would",
                )
            ],
        ),
        (Demand(float("nan")), [("width", "nan is more than BASIC allows (800); no plan would")]),
        (Demand(10**5000), [("width", "over a million is more than BASIC allows (800); no plan would")]),
    ],
    ids=["nothing", "width", "height", "studies", "drawings", "watermark", "no number", "far too wide"],
)
def test_each_limit_that_is_exceeded_is_told_with_the_plan_that_would_do(
    demand: Demand, expected: list[tuple[str, str]]
) -> None:
    """The place in the body, what is asked for, what is allowed, and the smallest plan that allows it."""
    assert expected == told(demand)


def test_the_plan_that_is_named_would_serve_the_whole_chart() -> None:
    """Not only the one limit that is spoken of."""
    assert ["width", "height", "studies", "watermark"] == [
        path for path, _ in told(Demand(1000, 700, 26, 0, watermark=True))
    ]
    assert {"ENTERPRISE is the smallest plan that would"} == {
        message.partition("; ")[2] for _, message in told(Demand(1000, 700, 26, 0, watermark=True))
    }


def test_where_no_plans_are_known_none_is_spoken_of() -> None:
    """It is not said that no plan would do."""
    assert [("width", "900 is more than BASIC allows (800)")] == told(Demand(900), plans=())


@given(demand=demands, limits=limits)
def test_something_is_told_of_just_what_is_not_allowed(demand: Demand, limits: ChartLimits) -> None:
    """One ERROR for each limit that is exceeded by itself, in one line, and none where the chart is allowed."""
    findings = exceeded(demand, limits, allowed_by="x", plans=PLANS)
    plan = smallest_plan(PLANS, demand)
    alone = [attrs.evolve(UNKNOWN, **{name: value}) for name, value in attrs.asdict(limits).items()]

    assert limits.allows(demand) is (not findings)
    assert sum(not each.allows(demand) for each in alone) == len(findings)
    assert all(each.severity is Severity.ERROR and len(each.message) < 200 for each in findings)
    assert all(("no plan would" if plan is None else plan.name) in each.message for each in findings)
