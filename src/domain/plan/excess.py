"""The limits that a chart exceeds, and the smallest plan that would serve it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..finding import Finding, Severity
from .demand import Demand
from .plan import ChartLimits, Plan, smallest_plan

__all__ = ["exceeded", "pixels"]

_MAX_SHOWN_PIXELS: Final = 1_000_000  # a larger number may have too many digits to write


def exceeded(demand: Demand, limits: ChartLimits, *, allowed_by: str, plans: Sequence[Plan]) -> tuple[Finding, ...]:
    """Return an ERROR for each of the *limits* that *demand* exceeds.

    Args:
        demand: the demand of the chart.
        limits: the limits to compare it with.
        allowed_by: the owner of the *limits*, ``BASIC``.
        plans: all plans, from the smallest to the largest; empty if they are unknown.
    """
    end = _larger_plan(demand, plans)
    return tuple(Finding(path, Severity.ERROR, f"{text}{end}") for path, text in _beyond(demand, limits, allowed_by))


def pixels(number: float) -> str:
    """Return a number of pixels as text of a few characters."""
    if number > _MAX_SHOWN_PIXELS:
        return "over a million"
    return "below zero" if number < -_MAX_SHOWN_PIXELS else str(number)


def _larger_plan(demand: Demand, plans: Sequence[Plan]) -> str:
    """Return the end of a message: the smallest plan for the whole chart."""
    if not plans:
        return ""
    plan = smallest_plan(plans, demand)
    return (
        "; no plan allows this chart" if plan is None else f"; {plan.name} is the smallest plan that allows this chart"
    )


def _beyond(demand: Demand, limits: ChartLimits, allowed_by: str) -> Iterator[tuple[str, str]]:
    """List the place and the excess for each exceeded limit."""
    sizes = (("width", demand.width, limits.max_width), ("height", demand.height, limits.max_height))
    for path, asked, most in sizes:
        if most is not None and not asked <= most:  # not a number is too much, too
            yield path, f"{pixels(asked)} is more than {allowed_by} allows ({most})"
    count, most = demand.parameters, limits.max_parameters
    if most is not None and count > most:
        noun = "study or drawing is" if count == 1 else "studies and drawings are"
        yield "studies" if demand.studies else "drawings", f"{count} {noun} more than {allowed_by} allows ({most})"
    if demand.watermark and limits.custom_watermark is False:
        yield "watermark", f"a watermark of one's own is more than {allowed_by} allows"
