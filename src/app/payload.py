"""Pieces of a payload, built and checked at once: ``study("MACD", in_0=12)``.

They are plain dicts, as one would write by hand.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from ..domain.check.catalog import Catalog
from ..domain.check.check import check_payload
from ..domain.errors import ConfigError
from ..domain.finding import Finding, Severity
from .config import rules_of

__all__ = ["CheckWarning", "drawing", "override", "study"]


class CheckWarning(UserWarning):
    """A piece of a payload may be wrong; the message says where, and what would be right."""


def study(
    name: str,
    /,
    *,
    force_overlay: bool | None = None,
    override: Mapping[str, object] | None = None,
    catalog: Catalog | None = None,
    **inputs: object,
) -> dict[str, object]:
    """Build a study for ``studies``: its exact *name*, and its inputs by their names.

    Args:
        name: the name of the catalog (``chartimg catalog studies``).
        force_overlay: draw it on the pane of the price, where possible.
        override: how its parts look, ``{"Plot.color": "rgb(33,150,243)"}``.
        catalog: the rules; those that come with chartimg when it is left out.
        inputs: what it is computed with, ``length=14`` or ``in_0=12``.

    Raises:
        ConfigError: the provider would refuse it. What may be wrong is a :class:`CheckWarning`.
    """
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
    """Build a drawing for ``drawings``: its exact *name*, and its inputs by their names.

    Args:
        name: the name of the catalog (``chartimg catalog drawings``).
        z_order: ``top`` or ``bottom``, where possible.
        override: how it looks, ``{"lineColor": "rgb(41,98,255)"}``.
        catalog: the rules; those that come with chartimg when it is left out.
        inputs: where it is, ``price=23520``.

    Raises:
        ConfigError: the provider would refuse it. What may be wrong is a :class:`CheckWarning`.
    """
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
        ConfigError: the provider would refuse it. What may be wrong is a :class:`CheckWarning`.
    """
    _complain("override", "override.", {"override": settings}, catalog)
    return settings


def _complain(what: str, prefix: str, payload: Mapping[str, object], catalog: Catalog | None) -> None:
    """Raise for what is wrong, and warn of what may be."""
    found = check_payload(payload, rules_of(catalog))
    if errors := [_line(what, prefix, each) for each in found if each.severity is Severity.ERROR]:
        raise ConfigError(errors)
    for each in found:
        warnings.warn(_line(what, prefix, each), CheckWarning, stacklevel=3)


def _line(what: str, prefix: str, finding: Finding) -> str:
    """Say one finding with its place in the piece."""
    path = finding.path.removeprefix(prefix)
    return f"{what}, at {path}: {finding.message}" if path else f"{what}: {finding.message}"
