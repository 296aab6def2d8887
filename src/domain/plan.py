"""The provider's plans, and whether one allows what a chart asks of it (API page, "Pricing")."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import attrs

from .demand import Demand

__all__ = [
    "UNKNOWN",
    "CallLimits",
    "ChartLimits",
    "Plan",
    "PlanName",
    "smallest_plan",
]

_RESOLUTION: Final = re.compile(r"\((\d{1,6}) ?x ?(\d{1,6})\)")
_PARAMETERS: Final = re.compile(r"\bparameters?\b\D{0,40}\((\d{1,6})\)", re.IGNORECASE)


class PlanName(StrEnum):
    """The plans by name."""

    BASIC = "BASIC"
    PRO = "PRO"
    MEGA = "MEGA"
    ULTRA = "ULTRA"
    ENTERPRISE = "ENTERPRISE"


@attrs.frozen
class ChartLimits:
    """What one chart may ask for, as far as it is known: None stands for what isn't, and limits nothing.

    Attributes:
        max_width: pixels.
        max_height: pixels.
        max_parameters: studies and drawings together.
        custom_watermark: whether it may have a watermark of its own.
    """

    max_width: int | None = None
    max_height: int | None = None
    max_parameters: int | None = None
    custom_watermark: bool | None = None

    @classmethod
    def told_by(cls, message: str) -> ChartLimits | None:
        """Read the limit a refusal speaks of: ``Exceed Max Usage Resolution Limit (800x600)``, ``… Parameter Limit (3)``.

        None when it names none (API page, "Errors", 403).
        """
        if size := _RESOLUTION.search(message):
            return cls(max_width=int(size[1]), max_height=int(size[2]))
        if count := _PARAMETERS.search(message):
            return cls(max_parameters=int(count[1]))
        return None

    @property
    def known(self) -> bool:
        """Whether nothing about them is in doubt."""
        return None not in attrs.astuple(self)

    @property
    def utmost(self) -> Demand:
        """The largest chart that they allow, where they are known."""
        return Demand(
            self.max_width or 0, self.max_height or 0, self.max_parameters or 0, 0, bool(self.custom_watermark)
        )

    def allows(self, demand: Demand) -> bool:
        """Whether a chart that asks for this would be served, as far as is known."""
        return (
            (self.max_width is None or demand.width <= self.max_width)
            and (self.max_height is None or demand.height <= self.max_height)
            and (self.max_parameters is None or demand.parameters <= self.max_parameters)
            and not (demand.watermark and self.custom_watermark is False)
        )

    def overlaid(self, told: ChartLimits) -> ChartLimits:
        """Give these limits with what the provider has *told* in their place."""
        if told is UNKNOWN or told == UNKNOWN:  # every claim comes through here
            return self
        return ChartLimits(
            self.max_width if told.max_width is None else told.max_width,
            self.max_height if told.max_height is None else told.max_height,
            self.max_parameters if told.max_parameters is None else told.max_parameters,
            self.custom_watermark if told.custom_watermark is None else told.custom_watermark,
        )


UNKNOWN: Final = ChartLimits()
"""Nothing is known, so nothing is limited."""


@attrs.frozen
class CallLimits:
    """How often an account may call: the rate a second, the burst at once, the quota of a day."""

    requests_per_second: float
    burst: int
    daily_limit: int


@attrs.frozen
class Plan:
    """One row of the price list.

    Attributes:
        name: what it is called.
        requests_per_second: the rate of its throttle.
        burst: calls it allows at once.
        daily_limit: calls a UTC day.
        max_width: pixels of a chart.
        max_height: pixels of a chart.
        max_parameters: studies and drawings of a chart, together.
        watermark: the provider puts its own watermark on a chart.
        custom_watermark: a chart may have a watermark of the host's.
        storage_days: days a stored chart is kept.
    """

    name: PlanName
    requests_per_second: float
    burst: int
    daily_limit: int
    max_width: int
    max_height: int
    max_parameters: int
    watermark: bool
    custom_watermark: bool
    storage_days: int

    @property
    def chart(self) -> ChartLimits:
        """What one chart may ask for."""
        return ChartLimits(self.max_width, self.max_height, self.max_parameters, self.custom_watermark)

    @property
    def calls(self) -> CallLimits:
        """How often an account may call."""
        return CallLimits(self.requests_per_second, self.burst, self.daily_limit)


def smallest_plan(plans: Sequence[Plan], demand: Demand) -> Plan | None:
    """Give the first of *plans*, from the smallest to the largest, that allows *demand*; None when none does."""
    return next((plan for plan in plans if plan.chart.allows(demand)), None)
