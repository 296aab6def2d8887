"""The provider's plans and their limits (API page, "Pricing")."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, TypeVar

import attrs

from .demand import Demand

__all__ = [
    "MIN_HEIGHT_PIXELS",
    "MIN_WIDTH_PIXELS",
    "UNKNOWN",
    "CallLimits",
    "ChartLimits",
    "Plan",
    "PlanName",
    "largest_limits",
    "smallest_plan",
]

Limit = TypeVar("Limit", int, bool)

_RESOLUTION: Final = re.compile(r"\((\d{1,6}) ?[x\u00d7] ?(\d{1,6})\)", re.IGNORECASE)
_PARAMETERS: Final = re.compile(r"\bparameters?\b\D{0,40}\((\d{1,6})\)", re.IGNORECASE)
_WATERMARK: Final = re.compile(r"watermark", re.IGNORECASE)

MIN_WIDTH_PIXELS: Final = 400
MIN_HEIGHT_PIXELS: Final = 300
"""Size of the smallest chart (API page, v2); a smaller number in a text is not a limit."""


class PlanName(StrEnum):
    """The plans by name."""

    BASIC = "BASIC"
    PRO = "PRO"
    MEGA = "MEGA"
    ULTRA = "ULTRA"
    ENTERPRISE = "ENTERPRISE"


@attrs.frozen
class ChartLimits:
    """The limits of one chart. None is an unknown limit, and allows anything.

    Attributes:
        max_width: pixels.
        max_height: pixels.
        max_parameters: number of studies and drawings together.
        custom_watermark: a watermark of the host's is allowed.
    """

    max_width: int | None = None
    max_height: int | None = None
    max_parameters: int | None = None
    custom_watermark: bool | None = None

    @classmethod
    def stated_in(cls, message: str) -> ChartLimits | None:
        """Return the limit that the text of a refusal states (API page, "Errors", 403); None without one.

        ``Exceed Max Usage Resolution Limit (800x600)``, ``… Parameter Limit (3)``, ``… Watermark Limit``.
        """
        if size := _RESOLUTION.search(message):
            width, height = int(size[1]), int(size[2])
            if width >= MIN_WIDTH_PIXELS and height >= MIN_HEIGHT_PIXELS:
                return cls(max_width=width, max_height=height)
        if (count := _PARAMETERS.search(message)) and int(count[1]):
            return cls(max_parameters=int(count[1]))
        return cls(custom_watermark=False) if _WATERMARK.search(message) else None

    @property
    def utmost(self) -> Demand:
        """The largest chart within the known limits."""
        return Demand(
            self.max_width or 0, self.max_height or 0, self.max_parameters or 0, 0, bool(self.custom_watermark)
        )

    @property
    def extent(self) -> tuple[float, float]:
        """The pixels, and the studies and drawings, of the largest chart; infinite if a limit is unknown."""
        width, height, parameters = (
            math.inf if limit is None else limit for limit in (self.max_width, self.max_height, self.max_parameters)
        )
        return width * height, parameters

    def allows(self, demand: Demand) -> bool:
        """Return whether *demand* is within the known limits."""
        return (
            (self.max_width is None or demand.width <= self.max_width)
            and (self.max_height is None or demand.height <= self.max_height)
            and (self.max_parameters is None or demand.parameters <= self.max_parameters)
            and not (demand.watermark and self.custom_watermark is False)
        )

    def surely_allows(self, demand: Demand) -> bool:
        """Return whether *demand* is within the limits, and each limit that it touches is known."""
        return (
            self.allows(demand)
            and None not in (self.max_width, self.max_height)
            and not (demand.parameters and self.max_parameters is None)
            and not (demand.watermark and self.custom_watermark is None)
        )

    def overlaid(self, other: ChartLimits) -> ChartLimits:
        """Return these limits with the known ones of *other* in their place."""
        if other is UNKNOWN:
            return self
        return ChartLimits(
            self.max_width if other.max_width is None else other.max_width,
            self.max_height if other.max_height is None else other.max_height,
            self.max_parameters if other.max_parameters is None else other.max_parameters,
            self.custom_watermark if other.custom_watermark is None else other.custom_watermark,
        )

    def tightened(self, other: ChartLimits) -> ChartLimits:
        """Return the smaller of each limit; a known one is smaller than an unknown one."""
        return ChartLimits(
            _smaller(self.max_width, other.max_width),
            _smaller(self.max_height, other.max_height),
            _smaller(self.max_parameters, other.max_parameters),
            _smaller(self.custom_watermark, other.custom_watermark),
        )


def _smaller(one: Limit | None, other: Limit | None) -> Limit | None:
    """Return the smaller of two limits; an unknown one is the largest."""
    return other if one is None else one if other is None else min(one, other)


UNKNOWN: Final = ChartLimits()
"""No limit is known."""


@attrs.frozen
class CallLimits:
    """Limits of calls: the rate a second, the burst at once, the quota of a UTC day."""

    requests_per_second: float
    burst: int
    daily_limit: int


@attrs.frozen
class Plan:
    """One row of the price list.

    Attributes:
        name: name of the plan.
        requests_per_second: rate of its throttle.
        burst: number of calls at once.
        daily_limit: number of calls a UTC day.
        max_width: pixels of a chart.
        max_height: pixels of a chart.
        max_parameters: number of studies and drawings of a chart, together.
        watermark: the provider puts its own watermark on a chart.
        custom_watermark: a chart may have a watermark of the host's.
        storage_days: days of keeping a stored chart.
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
        """The limits of one chart."""
        return ChartLimits(self.max_width, self.max_height, self.max_parameters, self.custom_watermark)

    @property
    def calls(self) -> CallLimits:
        """The limits of calls."""
        return CallLimits(self.requests_per_second, self.burst, self.daily_limit)


def largest_limits(plans: Sequence[Plan]) -> ChartLimits:
    """Return the largest value of each limit in any of *plans*."""
    return ChartLimits(
        max(plan.max_width for plan in plans),
        max(plan.max_height for plan in plans),
        max(plan.max_parameters for plan in plans),
        any(plan.custom_watermark for plan in plans),
    )


def smallest_plan(plans: Sequence[Plan], demand: Demand) -> Plan | None:
    """Return the first of *plans*, from the smallest to the largest, that allows *demand*; None without one."""
    return next((plan for plan in plans if plan.chart.allows(demand)), None)
