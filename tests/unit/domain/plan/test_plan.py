"""The limits of plans, and the demand of a chart."""

from __future__ import annotations

import math

import attrs
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.chart import ChartRequest
from chartimg.domain.plan import UNKNOWN, CallLimits, ChartLimits, PlanName, largest_limits, smallest_plan
from chartimg.domain.plan.demand import Demand
from rows import for_each

PLANS = shipped_catalog().plan_by_name
SAID_OF_SIZE = "HTTP 403: Exceed Max Usage Resolution Limit ({}x{})"
SAID_OF_COUNT = "HTTP 403: Exceed Max Usage Parameter Limit ({})"

sizes = st.integers(0, 3000)
numbers = st.none() | sizes
limits = st.builds(ChartLimits, numbers, numbers, numbers, st.none() | st.booleans())
demands = st.builds(Demand, sizes, sizes, sizes, sizes, st.booleans())


def demand(**payload: object) -> Demand:
    """Return the demand of a request with this payload."""
    return ChartRequest("A:B", "1h", "t", payload).demand


@for_each(
    ("plan", "width", "height", "parameters", "watermark"),
    [
        (PlanName.BASIC, 800, 600, 3, False),
        (PlanName.PRO, 1920, 1080, 5, False),
        (PlanName.MEGA, 1920, 1600, 10, False),
        (PlanName.ULTRA, 2048, 1920, 25, True),
        (PlanName.ENTERPRISE, 2048, 1920, 50, True),
    ],
)
def test_a_plan_allows_its_limits_and_no_more(
    plan: PlanName,
    width: int,
    height: int,
    parameters: int,
    watermark: bool,  # noqa: FBT001
) -> None:
    """Size, studies and drawings together, and watermark have the limits of the provider's page."""

    def allows(**changes: object) -> bool:
        payload = {"width": width, "height": height, "studies": [{}] * (parameters - 1), "drawings": [{}], **changes}
        return PLANS[plan].chart.allows(demand(**payload))

    assert allows()
    assert not allows(width=width + 1)
    assert not allows(height=height + 1)
    assert not allows(drawings=[{}] * 2)
    assert watermark is allows(watermark="ours")


def test_the_plans_are_those_of_the_provider_from_small_to_large() -> None:
    """Plans are listed with growing daily limits."""
    assert list(PlanName) == list(PLANS)
    assert CallLimits(1, 3, 50) == PLANS[PlanName.BASIC].calls
    assert all(
        small.calls.daily_limit < large.calls.daily_limit
        for small, large in zip(shipped_catalog().plans, shipped_catalog().plans[1:], strict=False)
    )


def test_missing_keys_have_the_provider_s_defaults() -> None:
    """A chart without a size is one of 800 x 600, and a wrong type counts as missing."""
    assert Demand(800, 600, 0, 0, watermark=False) == demand()
    assert demand() == demand(width="wide", height=None, studies=7, drawings={"a": 1}, watermark="")
    assert demand() == demand(width=True, height=False)
    assert [True, False, False] == [
        ChartLimits(width, height, 0).allows(demand()) for width, height in ((800, 600), (799, 600), (800, 599))
    ]


@given(studies=st.integers(0, 8), drawings=st.integers(0, 8), limit=st.integers(0, 12))
def test_studies_and_drawings_count_together(studies: int, drawings: int, limit: int) -> None:
    """A plan limits the sum of both."""
    asked = demand(studies=[{}] * studies, drawings=[{}] * drawings)

    assert studies + drawings == asked.parameters
    assert (studies + drawings <= limit) == ChartLimits(800, 600, limit).allows(asked)


def test_a_tuple_of_studies_is_counted_as_the_array_it_is_posted_as() -> None:
    """A tuple counts as much as a list."""
    assert demand(studies=[{}] * 4) == demand(studies=({},) * 4)


def test_a_size_with_a_fraction_is_a_size() -> None:
    """A float, and a number beyond all floats, are compared with the limit."""
    assert not PLANS[PlanName.ULTRA].chart.allows(demand(width=1e4))
    assert PLANS[PlanName.ULTRA].chart.allows(demand(width=800.0))
    assert not PLANS[PlanName.ULTRA].chart.allows(demand(width=10**400))


@given(limits=limits, asked=demands)
def test_an_unknown_limit_allows_anything(limits: ChartLimits, asked: Demand) -> None:
    """Each known limit holds by itself."""
    assert UNKNOWN.allows(asked)
    assert limits.allows(asked) is all(
        attrs.evolve(UNKNOWN, **{name: value}).allows(asked) for name, value in attrs.asdict(limits).items()
    )


@given(limits=limits, asked=demands)
def test_a_chart_is_surely_allowed_if_the_lowest_unknown_limits_allow_it(limits: ChartLimits, asked: Demand) -> None:
    """A limit that the chart does not touch need not be known."""
    lowest, known = ChartLimits(-1, -1, 0, custom_watermark=False), ChartLimits(800, 600, 3, custom_watermark=True)

    assert limits.surely_allows(asked) is lowest.overlaid(limits).allows(asked)
    assert not limits.surely_allows(asked) or limits.allows(asked)
    assert not UNKNOWN.surely_allows(asked)
    assert known.surely_allows(Demand(800, 600, 2, 1, watermark=True))


@given(limits=st.builds(ChartLimits, sizes, sizes, sizes, st.booleans()), asked=demands)
def test_the_utmost_is_the_largest_chart_that_is_allowed(limits: ChartLimits, asked: Demand) -> None:
    """The limits allow it, and a plan that allows it allows every chart within the limits."""
    utmost = limits.utmost
    assert limits.allows(utmost)
    assert utmost.parameters == limits.max_parameters
    assert Demand(0, 0) == UNKNOWN.utmost
    for plan in PLANS.values():
        assert not plan.chart.allows(utmost) or not limits.allows(asked) or plan.chart.allows(asked)


def test_the_extent_is_that_of_the_largest_chart() -> None:
    """The extent is the pixels, and the studies and drawings; an unknown limit makes it infinite."""
    assert (800 * 600, 3) == ChartLimits(800, 600, 3).extent
    assert (math.inf, math.inf) == UNKNOWN.extent


@given(limits=limits, stated=limits, more=limits)
def test_known_limits_replace_others_one_by_one(limits: ChartLimits, stated: ChartLimits, more: ChartLimits) -> None:
    """An unknown limit replaces none, and of two overlays the later counts."""
    both = limits.overlaid(stated)

    assert attrs.astuple(both) == tuple(
        old if new is None else new for old, new in zip(attrs.astuple(limits), attrs.astuple(stated), strict=True)
    )
    assert limits == limits.overlaid(ChartLimits())
    assert both == both.overlaid(stated)
    assert both.overlaid(more) == limits.overlaid(stated.overlaid(more))


@given(limits=limits, stated=limits, asked=demands)
def test_limits_that_are_tightened_allow_what_both_allow(
    limits: ChartLimits, stated: ChartLimits, asked: Demand
) -> None:
    """The order of two limits does not matter, nor how often one is applied."""
    both = limits.tightened(stated)

    assert both.allows(asked) is (limits.allows(asked) and stated.allows(asked))
    assert both == stated.tightened(limits) == both.tightened(stated)
    assert limits == limits.tightened(UNKNOWN)


@given(width=st.integers(400, 999_999), height=st.integers(300, 999_999), count=st.integers(1, 999_999))
def test_a_refusal_tells_the_limit(width: int, height: int, count: int) -> None:
    """The text states the largest size, or the largest number of studies and drawings."""
    assert ChartLimits(width, height) == ChartLimits.stated_in(SAID_OF_SIZE.format(width, height))
    assert ChartLimits(max_parameters=count) == ChartLimits.stated_in(SAID_OF_COUNT.format(count))


@for_each(
    ("said", "stated"),
    [
        ("exceed max usage resolution limit (1920 x 1080).", ChartLimits(1920, 1080)),
        ("Exceed Max Usage Resolution Limit (1920X1080)", ChartLimits(1920, 1080)),
        ("Exceed Max Usage Resolution Limit (1920 \u00d7 1080)", ChartLimits(1920, 1080)),
        ("Exceed Max Usage Resolution Limit (400x300)", ChartLimits(400, 300)),
        ("Exceed Max Usage Resolution Limit (399x300)", None),
        ("Exceed Max Usage Resolution Limit (400x299)", None),
        ("Exceed Max Usage Resolution Limit (0x0), Parameter Limit (7)", ChartLimits(max_parameters=7)),
        ("Exceed Max Usage Parameters Limit: (5)", ChartLimits(max_parameters=5)),
        ("Exceed Max Usage Parameter Limit (0)", None),
        ("Exceed Max Usage Watermark Limit", ChartLimits(custom_watermark=False)),
        ("Exceed Max Usage Daily Limit (50)", None),
        ("Exceed Max Usage Resolution Limit", None),
        ("Exceed Max Usage Parameter Limit (three)", None),
        ("Exceed Max Usage Resolution Limit (8000000x600)", None),
        ("Exceed Max Usage Resolution Limit (-1x600)", None),
        ("", None),
    ],
)
def test_only_a_limit_that_is_stated_is_learned(said: str, stated: ChartLimits | None) -> None:
    """Other wordings of a limit are understood, and other numbers are ignored."""
    assert stated == ChartLimits.stated_in(said)


words = st.sampled_from(
    [
        "Resolution",
        "Parameter",
        "Watermark",
        "Limit",
        "studies",
        "(800x600)",
        "(1920\u00d71080)",
        "(3)",
        "(25)",
        "(0)",
        "(1x1)",
    ]
)


@given(said=st.text() | st.lists(words).map(" ".join))
def test_no_text_makes_the_reader_of_refusals_fail(said: str) -> None:
    """Any text yields a limit or None."""
    stated = ChartLimits.stated_in(f"Exceed Max Usage {said}")

    assert stated is None or stated != UNKNOWN


def test_the_largest_limits_are_those_of_any_plan() -> None:
    """Each limit is the largest by itself."""
    basic = PLANS[PlanName.BASIC]
    wide, tall = attrs.evolve(basic, max_width=5000), attrs.evolve(basic, max_height=5000)

    assert ChartLimits(5000, 5000, 50, custom_watermark=True) == largest_limits(
        [wide, tall, PLANS[PlanName.ENTERPRISE]]
    )
    assert basic.chart == largest_limits([basic])


@given(asked=demands)
def test_the_smallest_plan_is_the_first_that_allows_the_chart(asked: Demand) -> None:
    """Every plan before it is too small, or every plan if there is no such plan."""
    plans = shipped_catalog().plans
    smallest = smallest_plan(plans, asked)
    before = plans if smallest is None else plans[: plans.index(smallest)]

    assert smallest is None or smallest.chart.allows(asked)
    assert not any(plan.chart.allows(asked) for plan in before)
