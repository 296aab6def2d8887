"""What a chart asks for beyond what it is allowed, in words, and the smallest plan that would serve it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..finding import Finding, Severity
from .demand import Demand
from .plan import ChartLimits, Plan, smallest_plan

__all__ = ["exceeded"]

_MOST_SAID: Final = 1_000_000
"""A number that is larger is not worth its digits, and may have too many to be written."""


def exceeded(demand: Demand, limits: ChartLimits, *, allowed_by: str, plans: Sequence[Plan]) -> tuple[Finding, ...]:
    """Tell each limit that *demand* exceeds, and which of *plans*, from small to large, would serve the whole chart.

    *allowed_by* is whose the *limits* are: ``BASIC``.
    """
    would = _would(demand, plans)
    return tuple(Finding(path, Severity.ERROR, f"{said}{would}") for path, said in _beyond(demand, limits, allowed_by))


def _would(demand: Demand, plans: Sequence[Plan]) -> str:
    """Name the smallest plan that would serve the chart; nothing is said of plans that aren't known."""
    if not plans:
        return ""
    plan = smallest_plan(plans, demand)
    return "; no plan would" if plan is None else f"; {plan.name} is the smallest plan that would"


def _beyond(demand: Demand, limits: ChartLimits, allowed_by: str) -> list[tuple[str, str]]:
    """Give the place of each limit that is exceeded, and by what."""
    sizes = (("width", demand.width, limits.max_width), ("height", demand.height, limits.max_height))
    beyond = [
        (path, f"{_number(asked)} is more than {allowed_by} allows ({most})")
        for path, asked, most in sizes
        if most is not None and not asked <= most
    ]
    if limits.max_parameters is not None and demand.parameters > limits.max_parameters:
        said = f"{demand.parameters} studies and drawings are more than {allowed_by} allows ({limits.max_parameters})"
        beyond.append(("studies" if demand.studies else "drawings", said))
    if demand.watermark and limits.custom_watermark is False:
        beyond.append(("watermark", f"a watermark of one's own is more than {allowed_by} allows"))
    return beyond


def _number(value: float) -> str:
    return "over a million" if value > _MOST_SAID else str(value)
