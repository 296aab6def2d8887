"""Values that many tests share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from chartimg import ChartRequest

NOON: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""Noon of a Monday."""

REQUEST: Final = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1")
"""A request without a payload."""
