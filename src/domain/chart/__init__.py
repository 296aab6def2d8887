"""The chart: its request, its template, and the names of its files."""

from __future__ import annotations

from typing import TypeAlias

from .layout import LayoutRequest, TradingViewSession
from .request import DEFAULT_TIMEZONE, ChartKey, ChartRequest, LayoutKey, Request

__all__ = [
    "DEFAULT_TIMEZONE",
    "ChartKey",
    "ChartRequest",
    "LayoutKey",
    "LayoutRequest",
    "PictureKey",
    "PictureRequest",
    "Request",
    "TradingViewSession",
]

PictureKey: TypeAlias = ChartKey | LayoutKey
"""The name of a picture."""

PictureRequest: TypeAlias = ChartRequest | LayoutRequest
"""What a host asks a client for."""
