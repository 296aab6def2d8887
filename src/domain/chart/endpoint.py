"""The endpoints: a row for each (API page, "API v2 …" and "API v3 …").

A new endpoint is a row here and a module with its request; check, transport, fixtures and recording read the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

from ..plan.demand import Demand

__all__ = ["ADVANCED_CHART", "ENDPOINTS", "EXCHANGE_LISTS", "LAYOUT_CHART", "Answer", "ChartEndpoint"]


class Answer(Enum):
    """What a reply with status 200 holds."""

    PICTURE = "a picture"
    ADDRESS = "the address of a picture, as JSON"
    LISTING = "a list, as JSON"


@attrs.frozen(eq=False)
class ChartEndpoint:
    """A path, and all that makes its requests differ from those of another.

    Attributes:
        path: the path; it may go on, with the id of a layout or an exchange.
        folder: the name of the folder of its fixtures.
        answer: what the provider answers.
        method: the method of HTTP; a GET has no body.
        min_timeout_seconds: the shortest timeout that the documentation allows.
        needs_symbol: without a symbol in the body, the provider draws its own default.
        draws_studies: studies and drawings in the body are drawn, and count against the plan.
        storage: the sibling that answers the same body with the address of the picture.
    """

    path: str
    folder: str
    answer: Answer = Answer.PICTURE
    method: str = "POST"
    min_timeout_seconds: float = 0.0
    needs_symbol: bool = True
    draws_studies: bool = True
    storage: ChartEndpoint | None = None

    def demand_of(self, body: Mapping[str, object]) -> Demand:
        """Return the demand of a body on a plan."""
        demand = Demand.of(body)
        return demand if self.draws_studies else attrs.evolve(demand, studies=0, drawings=0)


_CHART_STORAGE: Final = ChartEndpoint(
    "/v2/tradingview/advanced-chart/storage", "advanced-chart-storage-v2", answer=Answer.ADDRESS
)
_LAYOUT_STORAGE: Final = ChartEndpoint(
    "/v2/tradingview/layout-chart/storage",
    "layout-chart-storage-v2",
    answer=Answer.ADDRESS,
    min_timeout_seconds=60.0,
    needs_symbol=False,
    draws_studies=False,
)
ADVANCED_CHART: Final = ChartEndpoint("/v2/tradingview/advanced-chart", "advanced-chart-v2", storage=_CHART_STORAGE)
LAYOUT_CHART: Final = ChartEndpoint(
    "/v2/tradingview/layout-chart",
    "layout-chart-v2",
    min_timeout_seconds=60.0,
    needs_symbol=False,
    draws_studies=False,
    storage=_LAYOUT_STORAGE,
)
EXCHANGE_LISTS: Final = ChartEndpoint(
    "/v3/tradingview/exchange",
    "exchange-lists-v3",
    answer=Answer.LISTING,
    method="GET",
    needs_symbol=False,
    draws_studies=False,
)
ENDPOINTS: Final = (ADVANCED_CHART, LAYOUT_CHART, _CHART_STORAGE, _LAYOUT_STORAGE, EXCHANGE_LISTS)
