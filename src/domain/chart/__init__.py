"""The chart: its request, its template, and the names of its files."""

from __future__ import annotations

from .request import DEFAULT_TIMEZONE, ChartKey, ChartRequest

__all__ = ["DEFAULT_TIMEZONE", "ChartKey", "ChartRequest"]
