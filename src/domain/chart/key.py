"""The names of pictures and lists, for people and for files."""

from __future__ import annotations

from typing import ClassVar, Final, TypeAlias

import attrs

__all__ = ["ChartKey", "LayoutKey", "ListKey", "PictureKey"]

_EXCHANGES: Final = "exchanges"


@attrs.frozen
class ChartKey:
    """The name of a chart: symbol, timeframe and chart template id. Case matters: ``1m`` is not ``1M``."""

    symbol_place: ClassVar[int] = 0
    layout_id: ClassVar[None] = None
    listed: ClassVar[None] = None

    symbol: str
    timeframe: str
    chart_template_id: str

    def __str__(self) -> str:
        try:
            return " ".join(self.parts)
        except TypeError:  # a part is not text
            return " ".join(map(_shown, self.parts))

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of its file name, in order."""
        return (self.symbol, self.timeframe, self.chart_template_id)


@attrs.frozen
class LayoutKey:
    """The name of a picture of a layout: its id, and the symbol and interval that replace its own."""

    symbol_place: ClassVar[int] = 1
    chart_template_id: ClassVar[None] = None
    listed: ClassVar[None] = None

    layout_id: str
    symbol: str | None = None
    interval: str | None = None

    @property
    def timeframe(self) -> str | None:
        """The interval, by its name in the key of a chart."""
        return self.interval

    def __str__(self) -> str:
        return " ".join(map(_shown, ("layout", *filter(None, (self.layout_id, self.symbol, self.interval)))))

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of its file name, in order; those at the end that are not stated are left out."""
        if self.interval is not None:
            return (self.layout_id, self.symbol or "", self.interval)
        return (self.layout_id,) if self.symbol is None else (self.layout_id, self.symbol)


@attrs.frozen
class ListKey:
    """The name of a list: that of all exchanges, or that of the symbols of one."""

    symbol_place: ClassVar[None] = None
    symbol: ClassVar[None] = None
    timeframe: ClassVar[None] = None
    chart_template_id: ClassVar[None] = None
    layout_id: ClassVar[None] = None

    exchange: str | None = None

    def __str__(self) -> str:
        return " ".join(self.parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of its file name, in order."""
        return (_EXCHANGES,) if self.exchange is None else ("symbols", self.exchange)

    @property
    def listed(self) -> str:
        """The id of the exchange, in upper case, or ``exchanges``."""
        return _EXCHANGES if self.exchange is None else self.exchange

    @classmethod
    def of(cls, listed: str) -> ListKey:
        """Return the key whose :attr:`listed` is this."""
        return cls(None if listed == _EXCHANGES else listed)


PictureKey: TypeAlias = ChartKey | LayoutKey | ListKey
"""The name of a picture, or of a list."""


def _shown(part: object) -> str:
    """Return a part of a key, and of a wrong type its name: such a key is reported, too."""
    return part if isinstance(part, str) else f"<{type(part).__name__}>"
