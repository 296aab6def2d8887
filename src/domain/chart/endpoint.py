"""The endpoints that draw a chart: a row for each (API page, "API v2 TradingView Advanced Chart", "… Shared Layout").

A new endpoint is a row here and a module with its request; catalog, check, transport, fixtures and emulator read the row.
"""

from __future__ import annotations

from typing import Final

import attrs

__all__ = ["ADVANCED_CHART", "ENDPOINTS", "LAYOUT_CHART", "ChartEndpoint"]


@attrs.frozen
class ChartEndpoint:
    """A path that answers a posted body with a picture, and its sibling that stores the picture.

    Attributes:
        path: the path; a layout's ends in its id.
        storage_path: the path of the sibling that answers with an address.
        folder: the name of the folder of its fixtures.
        min_timeout_seconds: the shortest timeout that the documentation allows.
        needs_symbol: without a symbol in the body, the provider draws a chart that nobody asked for.
    """

    path: str
    storage_path: str
    folder: str
    min_timeout_seconds: float = 0.0
    needs_symbol: bool = True


ADVANCED_CHART: Final = ChartEndpoint(
    "/v2/tradingview/advanced-chart", "/v2/tradingview/advanced-chart/storage", "advanced-chart-v2"
)
LAYOUT_CHART: Final = ChartEndpoint(
    "/v2/tradingview/layout-chart",
    "/v2/tradingview/layout-chart/storage",
    "layout-chart-v2",
    min_timeout_seconds=60.0,
    needs_symbol=False,
)
ENDPOINTS: Final = (ADVANCED_CHART, LAYOUT_CHART)
