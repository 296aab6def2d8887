"""The provider's plans, and whether one allows a chart request (API page, "Pricing")."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import attrs

from .chart import ChartRequest

__all__ = ["CALL_LIMITS", "PLANS", "CallLimits", "ChartLimits", "PlanName"]

_DEFAULT_WIDTH: Final = 800
_DEFAULT_HEIGHT: Final = 600


class PlanName(StrEnum):
    """The plans by name."""

    BASIC = "BASIC"
    PRO = "PRO"
    MEGA = "MEGA"
    ULTRA = "ULTRA"
    ENTERPRISE = "ENTERPRISE"


@attrs.frozen
class ChartLimits:
    """What one chart may ask for: pixels, and studies and drawings together."""

    max_width: int
    max_height: int
    max_parameters: int

    def allows(self, request: ChartRequest) -> bool:
        """Whether a request of this size and this many studies and drawings would be served."""
        payload = request.payload
        parameters = sum(
            len(listed) for name in ("studies", "drawings") if isinstance(listed := payload.get(name), list | tuple)
        )
        return (
            _pixels(payload.get("width"), _DEFAULT_WIDTH) <= self.max_width
            and _pixels(payload.get("height"), _DEFAULT_HEIGHT) <= self.max_height
            and parameters <= self.max_parameters
        )


PLANS: Final[Mapping[PlanName, ChartLimits]] = MappingProxyType(
    {
        PlanName.BASIC: ChartLimits(800, 600, 3),
        PlanName.PRO: ChartLimits(1920, 1080, 5),
        PlanName.MEGA: ChartLimits(1920, 1600, 10),
        PlanName.ULTRA: ChartLimits(2048, 1920, 25),
        PlanName.ENTERPRISE: ChartLimits(2048, 1920, 50),
    }
)


@attrs.frozen
class CallLimits:
    """How often an account may call: the rate a second, the burst at once, the quota of a day."""

    requests_per_second: float
    burst: int
    daily_limit: int


CALL_LIMITS: Final[Mapping[PlanName, CallLimits]] = MappingProxyType(
    {
        PlanName.BASIC: CallLimits(1, 3, 50),
        PlanName.PRO: CallLimits(10, 15, 500),
        PlanName.MEGA: CallLimits(15, 25, 1_000),
        PlanName.ULTRA: CallLimits(35, 50, 3_000),
        PlanName.ENTERPRISE: CallLimits(35, 50, 5_000),  # at least
    }
)


def _pixels(value: object, default: int) -> float:
    """Read a size; what is no number is the provider's to refuse, not the plan's."""
    return value if isinstance(value, int | float) else default
