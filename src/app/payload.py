"""Pieces of a payload, checked when they are built: ``study("MACD", in_0=12)``. They are plain dicts."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from ..domain.argument import require
from ..domain.check.catalog import Catalog
from ..domain.check.check import check_payload
from ..domain.errors import ConfigError
from ..domain.finding import Finding, Severity
from .config import rules_of

__all__ = ["CheckWarning", "drawing", "override", "study"]


class CheckWarning(UserWarning):
    """A piece of a payload may be wrong; the message has the place and a suggestion."""


def study(
    name: str,
    /,
    *,
    force_overlay: bool | None = None,
    override: Mapping[str, object] | None = None,
    catalog: Catalog | None = None,
    **inputs: object,
) -> dict[str, object]:
    """Build a study for ``studies`` from its exact *name* and its inputs by name.

    Args:
        name: a name of the catalog (``chartimg catalog studies``).
        force_overlay: whether to draw on the pane of the price.
        override: the look of its parts, ``{"Plot.color": "rgb(33,150,243)"}``.
        catalog: the rules; by default those that ship.
        inputs: the inputs of its computation, ``length=14`` or ``in_0=12``.

    Raises:
        ConfigError: the provider would refuse the study.

    Warns:
        CheckWarning: the study may be wrong.
    """
    require("name", name, str)
    piece: dict[str, object] = {"name": name}
    if force_overlay is not None:
        piece["forceOverlay"] = force_overlay
    if inputs:
        piece["input"] = inputs
    if override is not None:
        piece["override"] = dict(override) if isinstance(override, Mapping) else override
    _complain(f"study {name!r}", "studies[0].", {"studies": [piece]}, catalog)
    return piece


def drawing(
    name: str,
    /,
    *,
    z_order: str | None = None,
    override: Mapping[str, object] | None = None,
    catalog: Catalog | None = None,
    **inputs: object,
) -> dict[str, object]:
    """Build a drawing for ``drawings`` from its exact *name* and its inputs by name.

    Args:
        name: a name of the catalog (``chartimg catalog drawings``).
        z_order: ``top`` or ``bottom``.
        override: the look, ``{"lineColor": "rgb(41,98,255)"}``.
        catalog: the rules; by default those that ship.
        inputs: the place on the chart, ``price=23520``.

    Raises:
        ConfigError: the provider would refuse the drawing.

    Warns:
        CheckWarning: the drawing may be wrong.
    """
    require("name", name, str)
    piece: dict[str, object] = {"name": name, "input": inputs}
    if z_order is not None:
        piece["zOrder"] = z_order
    if override is not None:
        piece["override"] = dict(override) if isinstance(override, Mapping) else override
    _complain(f"drawing {name!r}", "drawings[0].", {"drawings": [piece]}, catalog)
    return piece


def override(*, catalog: Catalog | None = None, **settings: object) -> dict[str, object]:
    """Build the ``override`` of a chart: ``override(showLegend=False, style={"candleStyle.drawWick": False})``.

    Raises:
        ConfigError: the provider would refuse the override.

    Warns:
        CheckWarning: the override may be wrong.
    """
    _complain("override", "override.", {"override": settings}, catalog)
    return settings


def _complain(piece: str, prefix: str, payload: Mapping[str, object], catalog: Catalog | None) -> None:
    """Raise the errors in a piece, and warn of its other findings."""
    found = check_payload(payload, rules_of(catalog))
    if errors := [_line(piece, prefix, each) for each in found if each.severity is Severity.ERROR]:
        raise ConfigError(errors)
    for each in found:
        warnings.warn(_line(piece, prefix, each), CheckWarning, stacklevel=3)


def _line(piece: str, prefix: str, finding: Finding) -> str:
    """Return one finding as a line, with its place in the piece."""
    path = finding.path.removeprefix(prefix)
    return f"{piece}, at {path}: {finding.message}" if path else f"{piece}: {finding.message}"
