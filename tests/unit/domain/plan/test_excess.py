"""The limits that a chart exceeds, in words."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.finding import Severity
from chartimg.domain.plan import UNKNOWN, ChartLimits, Plan, PlanName, smallest_plan
from chartimg.domain.plan.demand import Demand
from chartimg.domain.plan.excess import exceeded, pixels
from rows import for_each

PLANS = shipped_catalog().plans
BASIC = shipped_catalog().plan_by_name[PlanName.BASIC].chart

numbers = st.none() | st.integers(0, 3000)
limits = st.builds(ChartLimits, numbers, numbers, numbers, st.none() | st.booleans())
sizes = st.integers(-1, 3000) | st.floats() | st.sampled_from([10**5000, -(10**5000)])
counts = st.integers(0, 60)
demands = st.builds(Demand, sizes, sizes, counts, counts, st.booleans())


def excess(demand: Demand, limits: ChartLimits = BASIC, plans: Sequence[Plan] = PLANS) -> list[tuple[str, str]]:
    """Return the paths and messages of the findings."""
    return [(each.path, each.message) for each in exceeded(demand, limits, allowed_by="BASIC", plans=plans)]


@for_each(
    ("demand", "expected"),
    [
        (Demand(), []),
        (
            Demand(1920),
            [("width", "1920 is more than BASIC allows (800); PRO is the smallest plan that allows this chart")],
        ),
        (
            Demand(height=1080.5),
            [("height", "1080.5 is more than BASIC allows (600); MEGA is the smallest plan that allows this chart")],
        ),
        (
            Demand(studies=3, drawings=1),
            [
                (
                    "studies",
                    "4 studies and drawings are more than BASIC allows (3); PRO is the smallest plan that allows this chart",
                )
            ],
        ),
        (
            Demand(drawings=51),
            [("drawings", "51 studies and drawings are more than BASIC allows (3); no plan allows this chart")],
        ),
        (
            Demand(watermark=True),
            [
                (
                    "watermark",
                    "a watermark of one's own is more than BASIC allows; ULTRA is the smallest plan that allows this chart",
                )
            ],
        ),
        (Demand(float("nan")), [("width", "nan is more than BASIC allows (800); no plan allows this chart")]),
        (Demand(1e6), [("width", "1000000.0 is more than BASIC allows (800); no plan allows this chart")]),
        (Demand(1_000_001), [("width", "over a million is more than BASIC allows (800); no plan allows this chart")]),
        (Demand(10**5000), [("width", "over a million is more than BASIC allows (800); no plan allows this chart")]),
        (
            Demand(1920, studies=2, drawings=1),
            [("width", "1920 is more than BASIC allows (800); PRO is the smallest plan that allows this chart")],
        ),
    ],
)
def test_each_limit_that_is_exceeded_is_reported_with_the_plan_that_would_do(
    demand: Demand, expected: list[tuple[str, str]]
) -> None:
    """A finding has the place, the demand, the limit, and the smallest plan for the chart."""
    assert expected == excess(demand)


@for_each(
    ("number", "text"),
    [(10**6, "1000000"), (10**6 + 1, "over a million"), (-(10**6), "-1000000"), (-(10**6) - 1, "below zero")],
)
def test_a_number_of_pixels_is_a_few_characters(number: int, text: str) -> None:
    """A number beyond a million, on either side of zero, is words."""
    assert text == pixels(number)


def test_the_plan_that_is_named_would_serve_the_whole_chart() -> None:
    """It allows the chart in every respect, not only in that of the finding."""
    assert ["width", "height", "studies", "watermark"] == [
        path for path, _ in excess(Demand(1000, 700, 26, 0, watermark=True))
    ]
    assert {"ENTERPRISE is the smallest plan that allows this chart"} == {
        message.partition("; ")[2] for _, message in excess(Demand(1000, 700, 26, 0, watermark=True))
    }


def test_without_plans_no_plan_is_named() -> None:
    """The message ends with the limit, in the singular or the plural."""
    assert [("width", "900 is more than BASIC allows (800)")] == excess(Demand(900), plans=())
    assert [("studies", "1 study or drawing is more than BASIC allows (0)")] == excess(
        Demand(studies=1), ChartLimits(max_parameters=0), ()
    )


@given(demand=demands, limits=limits)
def test_each_exceeded_limit_has_one_error(demand: Demand, limits: ChartLimits) -> None:
    """Each limit that is exceeded by itself has one short ERROR, and an allowed chart has none."""
    findings = exceeded(demand, limits, allowed_by="x", plans=PLANS)
    plan = smallest_plan(PLANS, demand)
    alone = [attrs.evolve(UNKNOWN, **{name: value}) for name, value in attrs.asdict(limits).items()]

    assert limits.allows(demand) is (not findings)
    assert sum(not each.allows(demand) for each in alone) == len(findings)
    assert all(each.severity is Severity.ERROR and len(each.message) < 200 for each in findings)
    assert all(("no plan allows this chart" if plan is None else plan.name) in each.message for each in findings)
