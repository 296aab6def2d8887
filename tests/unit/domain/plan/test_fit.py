"""A chart made as small as the limits of a plan."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.finding import Severity
from chartimg.domain.plan import ChartLimits, PlanName
from chartimg.domain.plan.demand import Demand
from chartimg.domain.plan.fit import fit, fit_to_largest
from rows import for_each

PLANS = shipped_catalog().plan_by_name
BASIC = PLANS[PlanName.BASIC].chart
STUDIES = [{"name": name} for name in ("Volume", "MACD", "Aroon", "RSI", "ADX")]

limits = st.builds(
    ChartLimits,
    st.none() | st.integers(400, 3000),
    st.none() | st.integers(300, 3000),
    st.none() | st.integers(0, 8),
    st.none() | st.booleans(),
)
sides = st.integers(-1, 4000) | st.floats() | st.sampled_from([10**5000, -(10**5000)])
entries = st.lists(st.sampled_from([*STUDIES, {}, 5, None]), max_size=12)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "width": sides,
        "height": sides,
        "studies": entries | entries.map(tuple) | st.none(),
        "drawings": entries,
        "watermark": st.sampled_from(["mine", "", None]),
        "theme": st.just("dark"),
    },
)


def fitted(body: Mapping[str, object], to: ChartLimits = BASIC) -> tuple[Mapping[str, object], list[tuple[str, str]]]:
    """Return the body that fits, and the paths and messages of the findings."""
    cut, findings = fit(body, Demand.of(body), to, allowed_by="BASIC")
    return cut, [(each.path, each.message) for each in findings]


@for_each(
    ("size", "expected"),
    [
        ((1920, 1080), (800, 450)),
        ((1600, 1200), (800, 600)),
        ((1000, 1000), (600, 600)),
        ((801, 600), (800, 599)),
        ((500, 2000), (400, 600)),
        ((1920, 600), (800, 300)),
        ((1e300, 600), (800, 300)),
        ((float("inf"), 400), (800, 400)),
        ((float("inf"), 500.5), (800, 500.5)),
        ((1920, -5), (800, -5)),
    ],
)
def test_a_chart_that_is_too_large_keeps_its_shape(size: tuple[float, float], expected: tuple[float, float]) -> None:
    """Both sides shrink by one factor, down to the smallest chart of the provider; a side that is wrong anyway stays."""
    body, findings = fitted({"width": size[0], "height": size[1]})

    assert {"width": expected[0], "height": expected[1]} == body
    assert 1 == len(findings)


def test_the_warning_about_the_size_names_both_sizes_and_the_limit() -> None:
    """A reader learns what is drawn, what was asked for, and who allows how much."""
    message = "the chart is 800x450 in place of 1920x1080, since BASIC allows 800x600"

    assert ({"width": 800, "height": 450}, [("width", message)]) == fitted({"width": 1920, "height": 1080})
    assert fitted({"width": 1920}, ChartLimits(800))[1][0][1].endswith("since BASIC allows 800xany")


def test_studies_are_left_out_from_the_end_and_named() -> None:
    """The first studies stay, with the drawings, and the warning names the others."""
    body, findings = fitted({"studies": STUDIES, "drawings": [{"name": "Arrow"}]})

    assert {"studies": STUDIES[:2], "drawings": [{"name": "Arrow"}]} == body
    assert [
        (
            "studies",
            "the last 3 of 5 are left out ('Aroon', 'RSI', 'ADX'), since BASIC allows 3 studies and drawings together",
        )
    ] == findings


def test_five_entries_are_named_by_forty_characters() -> None:
    """A warning about five entries names them all, each by the first forty characters of its name."""
    body, [(_, message)] = fitted({"studies": [{"name": "A" * 41}] * 5}, ChartLimits(max_parameters=0))
    named = ", ".join([repr("A" * 40)] * 5)

    assert {} == body
    assert message.startswith(f"the last 5 of 5 are left out ({named}), since")


def test_drawings_follow_when_no_study_is_left() -> None:
    """Drawings are left out only if they alone are too many; a warning names a few of them."""
    body, findings = fitted({"studies": STUDIES[:1], "drawings": [{"name": "Arrow"}, 5] * 5})

    assert {"drawings": [{"name": "Arrow"}, 5, {"name": "Arrow"}]} == body
    assert ["studies", "drawings"] == [path for path, _ in findings]
    assert [
        "the last 1 of 1 is left out ('Volume'), since BASIC allows 3 studies and drawings together",
        (
            "the last 7 of 10 are left out (without a name, 'Arrow', without a name, 'Arrow', without a name and 2 more), "
            "since BASIC allows 3 studies and drawings together"
        ),
    ] == [message for _, message in findings]


def test_a_watermark_that_is_not_allowed_is_left_out() -> None:
    """The chart is drawn without it."""
    message = "is left out, since BASIC allows no watermark of one's own"

    assert ({"theme": "dark"}, [("watermark", message)]) == fitted({"watermark": "mine", "theme": "dark"})


def test_studies_that_are_not_drawn_are_no_part_of_the_demand() -> None:
    """The endpoint of a layout counts no studies, so none is left out."""
    body = {"width": 1920, "studies": STUDIES}
    cut, _ = fit(body, attrs.evolve(Demand.of(body), studies=0), BASIC, allowed_by="BASIC")

    assert STUDIES == cut["studies"]


@given(body=bodies, limits=limits)
def test_a_fitted_chart_is_allowed_and_fits_again(body: Mapping[str, object], limits: ChartLimits) -> None:
    """The fit of any body is within the limits, each cut has a WARNING, and a fit of the fit changes nothing."""
    cut, findings = fit(body, Demand.of(body), limits, allowed_by="BASIC")
    demand = Demand.of(cut)

    assert limits.allows(demand)
    assert (cut, ()) == fit(cut, demand, limits, allowed_by="BASIC")
    assert {Severity.WARNING} >= {each.severity for each in findings}
    assert all(len(each.message) < 500 for each in findings)


@given(body=bodies, limits=limits)
def test_a_chart_that_fits_is_returned_as_it_is(body: Mapping[str, object], limits: ChartLimits) -> None:
    """A body within the limits is the same object without a finding; any other one has one."""
    cut, findings = fit(body, Demand.of(body), limits, allowed_by="BASIC")

    assert limits.allows(Demand.of(body)) is (cut is body) is (not findings)


@given(body=bodies, limits=limits)
def test_as_little_as_needed_is_cut(body: Mapping[str, object], limits: ChartLimits) -> None:
    """Only the excess of studies and drawings is left out, studies first; the other keys stay; a side touches its limit."""
    before = Demand.of(body)
    cut, _ = fit(body, before, limits, allowed_by="BASIC")
    after, most = Demand.of(cut), limits.max_parameters
    excess = 0 if most is None else max(0, before.parameters - most)
    lost = before.studies - after.studies, before.drawings - after.drawings

    assert excess == sum(lost)
    assert not lost[1] or not after.studies
    assert cut.get("theme") == body.get("theme")
    assert (before.width, before.height) == (after.width, after.height) or (
        after.width == limits.max_width or after.height == limits.max_height
    )


def test_a_body_is_cut_to_the_largest_account_and_only_if_it_is_within_none() -> None:
    """A body within one account's limits, also a smaller one's, and one without accounts, stay; another names the largest account."""
    body, pro = {"width": 4000, "height": 300}, PLANS[PlanName.PRO].chart
    allowed = {BASIC: "small", pro: "large"}
    cut, (finding, *_) = fit_to_largest(body, Demand.of(body), allowed)

    assert (body, ()) == fit_to_largest(body, Demand.of(body), {})
    assert ({"width": 900}, ()) == fit_to_largest({"width": 900}, Demand(900, 300), allowed)
    assert ({"width": 400, "height": 600}, ()) == fit_to_largest(
        {"width": 400, "height": 600}, Demand(400, 600), {BASIC: "small", ChartLimits(4000, 500): "large"}
    )
    assert pro.max_width == cut["width"]
    assert "large" in finding.message
