"""The order of the charts of an export: as they were asked for, but the first chart of a symbol goes alone."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from heapq import heapify, heappop, heappush

__all__ = ["ChartOrder"]


class ChartOrder:
    """Decides on the next chart. If the provider refuses a symbol, its other charts are not to be paid for.

    So a symbol is on trial until its first chart has ended: its other charts wait.

    Args:
        symbols: the symbol of each chart.
        ended: the charts that need no fetch; their symbols are not on trial.
    """

    def __init__(self, symbols: Sequence[str], ended: frozenset[int] = frozenset()) -> None:
        self._symbols = symbols
        self._tried = {symbols[chart] for chart in ended}
        self._waiting: defaultdict[str, deque[int]] = defaultdict(deque)
        for chart, symbol in enumerate(symbols):
            if chart not in ended:
                self._waiting[symbol].append(chart)
        self._left = len(symbols) - len(ended)
        self._ready = [charts[0] for charts in self._waiting.values()]
        heapify(self._ready)

    def __len__(self) -> int:
        """Return the number of charts that were not taken yet."""
        return self._left

    def take(self) -> int | None:
        """Take the next chart; None if all are taken, or if the others wait for the trial of their symbol."""
        if not self._ready:
            return None
        chart = heappop(self._ready)
        symbol = self._symbols[chart]
        self._waiting[symbol].popleft()
        self._left -= 1
        if symbol in self._tried:
            self._line_up(symbol)
        return chart

    def end(self, chart: int, *, is_refused: bool) -> tuple[int, ...]:
        """Take note of the end of a chart. If its symbol *is_refused*, return the other charts of it, which are taken, too."""
        symbol = self._symbols[chart]
        if not is_refused:
            if symbol not in self._tried:
                self._tried.add(symbol)
                self._line_up(symbol)
            return ()
        others = tuple(self._waiting.pop(symbol, ()))
        self._left -= len(others)
        if others and others[0] in self._ready:
            self._ready.remove(others[0])
            heapify(self._ready)
        return others

    def _line_up(self, symbol: str) -> None:
        if self._waiting[symbol]:
            heappush(self._ready, self._waiting[symbol][0])
