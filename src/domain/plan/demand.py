"""The demand of a chart on a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

__all__ = ["DEFAULT_HEIGHT", "DEFAULT_WIDTH", "Demand"]

DEFAULT_WIDTH: Final = 800
DEFAULT_HEIGHT: Final = 600
"""Pixels of a chart without a stated size (API page, "API v2 TradingView Advanced Chart")."""


@attrs.frozen
class Demand:
    """Pixels, numbers of studies and drawings, and whether the chart has a watermark of the host's."""

    width: float = DEFAULT_WIDTH
    height: float = DEFAULT_HEIGHT
    studies: int = 0
    drawings: int = 0
    watermark: bool = False

    @property
    def parameters(self) -> int:
        """Studies and drawings together; a plan limits their sum."""
        return self.studies + self.drawings

    @classmethod
    def of(cls, body: Mapping[str, object]) -> Demand:
        """Read the demand of a body. A wrong type counts as a missing key: it is not a matter of the plan."""
        return cls(
            _pixels(body.get("width"), DEFAULT_WIDTH),
            _pixels(body.get("height"), DEFAULT_HEIGHT),
            _count(body.get("studies")),
            _count(body.get("drawings")),
            bool(body.get("watermark")),
        )


def _pixels(value: object, default: int) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default


def _count(value: object) -> int:
    return len(value) if isinstance(value, list | tuple) else 0
