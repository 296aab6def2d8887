"""The chart: its request, its template, and the names of its files."""

from __future__ import annotations

from .layout import LayoutRequest, TradingViewSession
from .request import DEFAULT_TIMEZONE, ChartKey, ChartRequest, LayoutKey, Request

__all__ = [
    "DEFAULT_TIMEZONE",
    "ChartKey",
    "ChartRequest",
    "LayoutKey",
    "LayoutRequest",
    "Request",
    "TradingViewSession",
]
