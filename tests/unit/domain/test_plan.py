"""What plans allow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.chart import ChartRequest
from chartimg.domain.plan import PLANS, ChartLimits, PlanName


@pytest.mark.parametrize(
    ("plan", "width", "height", "parameters"),
    [
        (PlanName.BASIC, 800, 600, 3),
        (PlanName.PRO, 1920, 1080, 5),
        (PlanName.MEGA, 1920, 1600, 10),
        (PlanName.ULTRA, 2048, 1920, 25),
        (PlanName.ENTERPRISE, 2048, 1920, 50),
    ],
)
def test_a_plan_allows_its_limits_and_no_more(plan: PlanName, width: int, height: int, parameters: int) -> None:
    """Size and the number of studies and drawings together are those of the provider's page."""

    def allows(width: int = width, height: int = height, studies: int = parameters - 1, drawings: int = 1) -> bool:
        payload = {"width": width, "height": height, "studies": [{}] * studies, "drawings": [{}] * drawings}
        return PLANS[plan].allows(ChartRequest("A:B", "1h", "t", payload))

    assert allows()
    assert not allows(width=width + 1)
    assert not allows(height=height + 1)
    assert not allows(drawings=2)


def test_what_is_left_out_has_the_provider_s_defaults() -> None:
    """800 x 600 and no studies fit every plan; what is no size is the provider's to refuse."""
    assert all(limits.allows(ChartRequest("A:B", "1h", "t")) for limits in PLANS.values())
    assert PLANS[PlanName.BASIC].allows(ChartRequest("A:B", "1h", "t", {"width": "wide", "studies": 7}))


def test_a_size_that_is_left_out_counts_as_800_by_600() -> None:
    """A plan that allows a pixel less refuses the provider's default."""
    plain = ChartRequest("A:B", "1h", "t")

    assert [True, False, False] == [
        ChartLimits(width, height, 0).allows(plain) for width, height in ((800, 600), (799, 600), (800, 599))
    ]


@given(studies=st.integers(0, 8), drawings=st.integers(0, 8), limit=st.integers(0, 12))
def test_studies_and_drawings_count_together(studies: int, drawings: int, limit: int) -> None:
    """However they are shared out."""
    request = ChartRequest("A:B", "1h", "t", {"studies": [{}] * studies, "drawings": [{}] * drawings})

    assert (studies + drawings <= limit) == ChartLimits(800, 600, limit).allows(request)


def test_a_tuple_of_studies_is_counted_as_the_array_it_is_posted_as() -> None:
    """A plan too small for the body is told before its account's call is spent."""
    four = ChartRequest("A:B", "1h", "t", {"studies": ({},) * 4})

    assert ChartRequest("A:B", "1h", "t", {"studies": [{}] * 4}).encoded == four.encoded
    assert not PLANS[PlanName.BASIC].allows(four)


def test_every_plan_has_its_limits() -> None:
    """And nobody changes them."""
    assert set(PlanName) == set(PLANS)
    with pytest.raises(TypeError):
        PLANS[PlanName.BASIC] = PLANS[PlanName.ULTRA]  # type: ignore[index]


def test_a_size_with_a_fraction_is_a_size() -> None:
    """A number too large is refused before a call is spent on it, however it is written."""
    assert not PLANS[PlanName.ULTRA].allows(ChartRequest("A:B", "1h", "t", {"width": 1e4}))
    assert PLANS[PlanName.ULTRA].allows(ChartRequest("A:B", "1h", "t", {"width": 800.0}))
