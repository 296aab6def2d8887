"""What plans allow."""

from __future__ import annotations

import pytest

from chartimg.domain.chart import ChartRequest
from chartimg.domain.plan import PLANS, PlanName


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
