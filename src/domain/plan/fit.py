"""A chart made as small as the limits of a plan, for a host that prefers a smaller chart to none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import floor, isfinite
from typing import Final

from ..finding import Finding, Severity
from .demand import Demand
from .excess import pixels
from .plan import MIN_HEIGHT_PIXELS, MIN_WIDTH_PIXELS, ChartLimits

__all__ = ["fit", "fit_to_largest"]

_MAX_NAMED: Final = 5
_MAX_NAME_CHARACTERS: Final = 40


def fit(
    body: Mapping[str, object], demand: Demand, limits: ChartLimits, *, allowed_by: str
) -> tuple[Mapping[str, object], tuple[Finding, ...]]:
    """Return *body* within *limits*, and a WARNING for each cut. A body that fits is returned as it is.

    Both sides shrink by one factor, so that the chart keeps its shape. A side does not become smaller than the smallest chart
    of the provider. A watermark that is not allowed is left out. Then studies are left out from the end, and then drawings, as
    few as needed: the first ones are the look that was meant.

    Args:
        body: the body, or its payload without the symbol.
        demand: its demand; studies that the endpoint does not draw are not a part of it.
        limits: the limits to meet.
        allowed_by: the owner of the *limits*, ``BASIC``.
    """
    if limits.allows(demand):
        return body, ()
    cut = dict(body)
    found = [*_smaller(cut, demand, limits, allowed_by)]
    if demand.watermark and limits.custom_watermark is False:
        del cut["watermark"]
        found.append(_warning("watermark", f"is left out, since {allowed_by} allows no watermark of one's own"))
    if limits.max_parameters is not None and demand.parameters > limits.max_parameters:
        studies = max(0, demand.studies - (demand.parameters - limits.max_parameters))
        drawings = min(demand.drawings, limits.max_parameters)
        why = f"since {allowed_by} allows {limits.max_parameters:,} studies and drawings together"
        for name, count, kept in (("studies", demand.studies, studies), ("drawings", demand.drawings, drawings)):
            if kept < count:
                found.append(_shortened(cut, name, kept, why))
    return cut, tuple(found)


def fit_to_largest(
    body: Mapping[str, object], demand: Demand, allowed: Mapping[ChartLimits, str]
) -> tuple[Mapping[str, object], tuple[Finding, ...]]:
    """Return *body* within the largest of the *allowed* limits, if it is within none of them (see :func:`fit`).

    *allowed* maps the limits of the accounts to their owner's name. Without accounts nothing is cut.
    """
    if not allowed or any(limits.allows(demand) for limits in allowed):
        return body, ()
    largest = max(allowed, key=lambda limits: (*limits.extent, bool(limits.custom_watermark)))
    return fit(body, demand, largest, allowed_by=allowed[largest])


def _smaller(cut: dict[str, object], demand: Demand, limits: ChartLimits, allowed_by: str) -> Iterator[Finding]:
    """Shrink both sides of *cut* by one factor, and report it."""
    sides = (
        ("width", demand.width, limits.max_width, MIN_WIDTH_PIXELS),
        ("height", demand.height, limits.max_height, MIN_HEIGHT_PIXELS),
    )
    beyond = [name for name, side, most, _ in sides if most is not None and not side <= most]
    if not beyond:
        return
    factors = (
        Fraction(most) / Fraction(side) for _, side, most, _ in sides if most is not None and _exceeds(side, most)
    )
    factor = min(factors, default=Fraction(1))
    made = [_shrunk(side, factor, most, least) for _, side, most, least in sides]
    for (name, side, _, _), now in zip(sides, made, strict=True):
        if now != side:
            cut[name] = now
    asked = f"{pixels(demand.width)}x{pixels(demand.height)}"
    allowed = "x".join("any" if most is None else str(most) for _, _, most, _ in sides)
    message = (
        f"the chart is {pixels(made[0])}x{pixels(made[1])} in place of {asked}, since {allowed_by} allows {allowed}"
    )
    yield _warning(beyond[0], message)


def _exceeds(side: float, most: int) -> bool:
    """Return whether a *side* that can be divided is longer than *most*."""
    return side > most and _is_finite(side)


def _is_finite(side: float) -> bool:
    return isinstance(side, int) or isfinite(side)  # a long int is no float


def _shrunk(side: float, factor: Fraction, most: int | None, least: int) -> float:
    """Return the side of a chart that shrinks by *factor*, within its limit."""
    if not _is_finite(side):
        return side if most is None else most
    shrunk = side if factor == 1 or side <= least else max(least, floor(Fraction(side) * factor))
    return shrunk if most is None else min(most, shrunk)


def _shortened(cut: dict[str, object], name: str, kept: int, why: str) -> Finding:
    """Keep the first entries of an array of *cut*, and name the others."""
    entries = cut[name]
    assert isinstance(entries, Sequence)  # noqa: S101 (they were counted)
    lost = entries[kept:]
    if kept:
        cut[name] = entries[:kept]
    else:
        del cut[name]
    named = ", ".join(map(_name, lost[:_MAX_NAMED]))
    more = f" and {len(lost) - _MAX_NAMED:,} more" if len(lost) > _MAX_NAMED else ""
    verb = "is" if len(lost) == 1 else "are"
    return _warning(name, f"the last {len(lost):,} of {len(entries):,} {verb} left out ({named}{more}), {why}")


def _name(entry: object) -> str:
    name = entry.get("name") if isinstance(entry, Mapping) else None
    return f"{name[:_MAX_NAME_CHARACTERS]!a}" if isinstance(name, str) else "without a name"


def _warning(path: str, message: str) -> Finding:
    return Finding(path, Severity.WARNING, message)
