"""The chart request: a name, and the JSON body to post."""

from __future__ import annotations

from .request import DEFAULT_TIMEZONE, ChartKey, ChartRequest

__all__ = ["DEFAULT_TIMEZONE", "ChartKey", "ChartRequest"]
