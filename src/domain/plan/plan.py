"""The provider's plans, and whether one allows what a chart asks of it (API page, "Pricing")."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, TypeVar

import attrs

from .demand import DEFAULT_HEIGHT, DEFAULT_WIDTH, Demand

__all__ = [
    "UNKNOWN",
    "CallLimits",
    "ChartLimits",
    "Plan",
    "PlanName",
    "smallest_plan",
]

Limit = TypeVar("Limit", int, bool)

_RESOLUTION: Final = re.compile(r"\((\d{1,6}) ?[x\u00d7] ?(\d{1,6})\)", re.IGNORECASE)
_PARAMETERS: Final = re.compile(r"\bparameters?\b\D{0,40}\((\d{1,6})\)", re.IGNORECASE)
_OF_SIZE: Final = re.compile(r"resolution|size|width|height|pixel", re.IGNORECASE)
_OF_COUNT: Final = re.compile(r"parameter|stud(y|ies)|indicator|drawing", re.IGNORECASE)
_OF_WATERMARK: Final = re.compile(r"watermark", re.IGNORECASE)

_LEAST_WIDTH, _LEAST_HEIGHT = 400, 300
"""Pixels of the smallest chart there is; a limit below is none."""

_ALWAYS_ALLOWED: Final = ("width", DEFAULT_WIDTH), ("height", DEFAULT_HEIGHT), ("parameters", 3)
"""What every plan allows, so that it can't have been the reason of a refusal."""

_MOST_KEPT: Final = 999_999


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
    def told_by(cls, message: str, demand: Demand | None = None) -> ChartLimits | None:
        """Read why *demand* was refused: ``Exceed Max Usage Resolution Limit (800x600)``, ``… Parameter Limit (3)``.

        What is read never allows the demand. A text that gives no limit, or one that does, teaches what is just below the
        demand in what it speaks of (API page, "Errors", 403). None when there is nothing that a plan may refuse, or no
        demand is known.
        """
        read = (limits for limits in cls._stated(message) if demand is None or not limits.allows(demand))
        return next(read, None) or (None if demand is None else cls._just_below(demand, message))

    @classmethod
    def _stated(cls, message: str) -> Iterator[ChartLimits]:
        """Give each limit that the text of a refusal states, if it can be one."""
        if size := _RESOLUTION.search(message):
            width, height = int(size[1]), int(size[2])
            if width >= _LEAST_WIDTH and height >= _LEAST_HEIGHT:
                yield cls(max_width=width, max_height=height)
        if (count := _PARAMETERS.search(message)) and int(count[1]):
            yield cls(max_parameters=int(count[1]))
        if _OF_WATERMARK.search(message):
            yield cls(custom_watermark=False)

    @classmethod
    def _just_below(cls, demand: Demand, message: str) -> ChartLimits | None:
        """Give the largest limits that refuse all of *demand* that the text speaks of and a plan may refuse."""
        width, height, parameters = (
            None if getattr(demand, name) <= allowed else _below(getattr(demand, name))
            for name, allowed in _ALWAYS_ALLOWED
        )
        size, count = cls(max_width=width, max_height=height), cls(max_parameters=parameters)
        watermark = cls(custom_watermark=False if demand.watermark else None)
        suspects = (_OF_SIZE, size), (_OF_COUNT, count), (_OF_WATERMARK, watermark)
        spoken_of = [limits for words, limits in suspects if limits != UNKNOWN and words.search(message)]
        found = UNKNOWN
        for limits in spoken_of or (size, count, watermark):
            found = found.overlaid(limits)
        return None if found == UNKNOWN else found

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

    def surely_allows(self, demand: Demand) -> bool:
        """Whether a chart that asks for this would be served, and nothing that it makes use of is in doubt."""
        return (
            self.allows(demand)
            and None not in (self.max_width, self.max_height)
            and not (demand.parameters and self.max_parameters is None)
            and not (demand.watermark and self.custom_watermark is None)
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

    def tightened(self, told: ChartLimits) -> ChartLimits:
        """Give these limits with those of *told* that are smaller, or were not known."""
        return ChartLimits(
            _smaller(self.max_width, told.max_width),
            _smaller(self.max_height, told.max_height),
            _smaller(self.max_parameters, told.max_parameters),
            _smaller(self.custom_watermark, told.custom_watermark),
        )


def _smaller(one: Limit | None, other: Limit | None) -> Limit | None:
    """Give the smaller of two limits; one that isn't known is larger than any."""
    return other if one is None else one if other is None else min(one, other)


def _below(asked: float) -> int:
    """Give the largest limit that doesn't allow what was *asked*, but none that has too many digits to be kept."""
    return math.ceil(asked) - 1 if asked <= _MOST_KEPT else _MOST_KEPT


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
