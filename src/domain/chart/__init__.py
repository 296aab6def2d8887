"""The chart request: which chart, and the JSON body that asks the provider for it."""

from __future__ import annotations

from .request import DEFAULT_TIMEZONE, ChartKey, ChartRequest

__all__ = ["DEFAULT_TIMEZONE", "ChartKey", "ChartRequest"]
