"""The grid of the candles of a symbol, by its exchanges in the catalog."""

from __future__ import annotations

from ..chart.candle import Grid
from .catalog import Catalog
from .symbol import exchanges_of

__all__ = ["grid_of"]


def grid_of(symbol: str | None, catalog: Catalog) -> Grid:
    """Return the grid of *symbol*: that of its exchange, or of all exchanges of a formula.

    An exchange that lists coins trades without rest. At any other exchange trade opens at a multiple of half an hour, if the
    catalog does not name fewer minutes. So it is for a symbol that can't be read, and for that of a layout.
    """
    if symbol is None or isinstance(exchanges := exchanges_of(symbol), str):
        return Grid()
    return Grid.of_formula(map(catalog.grid_of_exchange, exchanges))
