"""The picture of a request: a believable chart of invented prices, in TradingView's themes."""

from __future__ import annotations

from .picture import MARK, draw

__all__ = ["MARK", "draw"]
