"""The endpoints that draw a chart: a row for each (API page, "API v2 TradingView Advanced Chart", "… Shared Layout").

A new endpoint is a row here and a module with its request; catalog, check, transport, fixtures and emulator read the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from ..plan.demand import Demand

__all__ = ["ADVANCED_CHART", "ENDPOINTS", "LAYOUT_CHART", "ChartEndpoint"]


@attrs.frozen
class ChartEndpoint:
    """A path that answers a posted body with a picture, and its sibling that stores the picture.

    Attributes:
        path: the path; a layout's ends in its id.
        storage_path: the path of the sibling that answers with an address.
        folder: the name of the folder of its fixtures.
        min_timeout_seconds: the shortest timeout that the documentation allows.
        needs_symbol: without a symbol in the body, the provider draws its own default.
        draws_studies: studies and drawings in the body are drawn, and count against the plan.
    """

    path: str
    storage_path: str
    folder: str
    min_timeout_seconds: float = 0.0
    needs_symbol: bool = True
    draws_studies: bool = True

    def demand_of(self, body: Mapping[str, object]) -> Demand:
        """Return the demand of a body on a plan."""
        demand = Demand.of(body)
        return demand if self.draws_studies else attrs.evolve(demand, studies=0, drawings=0)


ADVANCED_CHART: Final = ChartEndpoint(
    "/v2/tradingview/advanced-chart", "/v2/tradingview/advanced-chart/storage", "advanced-chart-v2"
)
LAYOUT_CHART: Final = ChartEndpoint(
    "/v2/tradingview/layout-chart",
    "/v2/tradingview/layout-chart/storage",
    "layout-chart-v2",
    min_timeout_seconds=60.0,
    needs_symbol=False,
    draws_studies=False,
)
ENDPOINTS: Final = (ADVANCED_CHART, LAYOUT_CHART)
