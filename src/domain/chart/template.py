"""The chart template: a look that turns a symbol and a timeframe into a chart request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from .request import ChartRequest

__all__ = ["SYMBOL_MARK", "ChartTemplate"]

SYMBOL_MARK: Final = "{symbol}"


@attrs.frozen
class ChartTemplate:
    """A look: studies, theme and size, under an *id*.

    Attributes:
        id: the name of the template and of its file.
        description: one line for people.
        symbol_pattern: the full name of a bare symbol, ``BINANCE:{symbol}``.
        payload: the fields of the body; ``symbol`` and ``interval`` in it are ignored.
    """

    id: str
    description: str
    symbol_pattern: str
    payload: Mapping[str, object] = attrs.field(factory=dict, repr=False)

    def request(self, symbol: str, timeframe: str) -> ChartRequest:
        """Return the request for *symbol* in this look. A symbol with an exchange, ``BINANCE:BTCUSDT``, is not changed."""
        full = symbol if ":" in symbol or not symbol else self.symbol_pattern.replace(SYMBOL_MARK, symbol)
        payload = {name: value for name, value in self.payload.items() if name not in {"symbol", "interval"}}
        return ChartRequest(full, timeframe, self.id, payload)
