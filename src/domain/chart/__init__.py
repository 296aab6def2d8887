"""The chart: its request, its template, and the names of its files."""

from __future__ import annotations

from typing import TypeAlias

from .key import ChartKey, LayoutKey, ListKey, PictureKey
from .layout import LayoutRequest, TradingViewSession
from .listing import ListRequest
from .request import DEFAULT_TIMEZONE, ChartRequest, Request

__all__ = [
    "DEFAULT_TIMEZONE",
    "ChartKey",
    "ChartRequest",
    "LayoutKey",
    "LayoutRequest",
    "ListKey",
    "ListRequest",
    "PictureKey",
    "PictureRequest",
    "Request",
    "TradingViewSession",
]

PictureRequest: TypeAlias = ChartRequest | LayoutRequest
"""What a host asks a client for."""
