"""The chart template: a look that turns a symbol and a timeframe into a chart request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from ..argument import require
from ..finding import Finding, Severity
from .request import ChartRequest

__all__ = ["ANY_PATTERN", "SYMBOL_MARK", "ChartTemplate", "name_problems"]

SYMBOL_MARK: Final = "{symbol}"
ANY_PATTERN: Final = f"BINANCE:{SYMBOL_MARK}"


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
        require("symbol", symbol, str)
        require("timeframe", timeframe, str)
        full = symbol if ":" in symbol or not symbol else self.symbol_pattern.replace(SYMBOL_MARK, symbol)
        return self.fill(ChartRequest(full, timeframe, self.id))

    def fill(self, request: ChartRequest) -> ChartRequest:
        """Return *request* with the payload of this look."""
        require("request", request, ChartRequest)
        payload = {name: value for name, value in self.payload.items() if name not in {"symbol", "interval"}}
        return attrs.evolve(request, payload=payload)


def name_problems(template_id: object, symbol_pattern: object, file_id: str | None) -> Iterator[Finding]:
    """Report an id that differs from *file_id*, the name of its file, and a pattern without a place for the symbol.

    Values that are not text have a problem of their own, and are skipped.
    """
    if file_id is not None and isinstance(template_id, str) and template_id != file_id:
        problem = f"{template_id!a} differs from the file's name; rename one of them"
        yield Finding("id", Severity.ERROR, problem, file_id)
    if isinstance(symbol_pattern, str) and SYMBOL_MARK not in symbol_pattern:
        problem = f'{symbol_pattern!a} has no {SYMBOL_MARK}; write it like "{ANY_PATTERN}"'
        yield Finding("chartImgSymbolTemplate", Severity.ERROR, problem, ANY_PATTERN)
