"""The order of a picture: the body of a request, with the provider's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import attrs

from .layers import Inputs, number

_EMPTY: Final[Mapping[str, object]] = {}


@attrs.frozen
class StudyOrDrawing:
    """A study or a drawing in the order."""

    inputs: Inputs
    overlay: bool = False


@attrs.frozen
class Watermark:
    """A text behind the candles, its size in pixels, and its opacity from 0 to 1."""

    text: str = ""
    size: int = 16
    opacity: float = 1.0


@attrs.frozen
class Order:
    """A request's body, complete with defaults."""

    symbol: str
    interval: str
    width: int
    height: int
    style: str
    theme: str
    zone: tzinfo
    form: str
    watermark: Watermark
    studies: tuple[StudyOrDrawing, ...]
    drawings: tuple[StudyOrDrawing, ...]
    show_legend: bool
    show_main: bool

    @classmethod
    def read(cls, body: Mapping[str, object]) -> Order:
        """Return the order of an advanced-chart body with the right types."""
        override = _mapping(body.get("override"))
        watermark = Watermark(
            _text(body, "watermark", ""), _whole(body, "watermarkSize", 16), number(body.get("watermarkOpacity")) or 1.0
        )
        return cls(
            symbol=_text(body, "symbol", "BINANCE:BTCUSDT"),
            interval=_text(body, "interval", "1D"),
            width=_whole(body, "width", 800),
            height=_whole(body, "height", 600),
            style=_text(body, "style", "candle"),
            theme=_text(body, "theme", "light"),
            zone=zone(_text(body, "timezone", "Etc/UTC")),
            form=_text(body, "format", "png"),
            watermark=watermark,
            studies=_listed(body.get("studies")),
            drawings=_listed(body.get("drawings")),
            show_legend=override.get("showLegend") is not False,
            show_main=override.get("showMainPane") is not False,
        )

    @property
    def exchange(self) -> str:
        """The exchange in the symbol; empty for a formula."""
        exchange, colon, rest = self.symbol.partition(":")
        return exchange if colon and ":" not in rest and exchange.replace("_", "").isalnum() else ""

    @property
    def ticker(self) -> str:
        """The symbol without its exchange."""
        return self.symbol.removeprefix(f"{self.exchange}:") if self.exchange else self.symbol


def zone(name: str) -> tzinfo:
    """Return the time zone called *name*, or UTC if the machine does not know it."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return UTC


def _listed(value: object) -> tuple[StudyOrDrawing, ...]:
    """Return a list of studies or drawings."""
    entries = [_mapping(entry) for entry in value] if isinstance(value, list | tuple) else []
    return tuple(
        StudyOrDrawing(
            Inputs(_text(entry, "name", ""), _mapping(entry.get("input"))), entry.get("forceOverlay") is True
        )
        for entry in entries
    )


def _mapping(value: object) -> Mapping[str, object]:
    """Return an object as it is, and anything else as an empty one."""
    return value if isinstance(value, Mapping) else _EMPTY


def _text(body: Mapping[str, object], name: str, default: str) -> str:
    """Return a text, or its default."""
    value = body.get(name)
    return value if isinstance(value, str) else default


def _whole(body: Mapping[str, object], name: str, default: int) -> int:
    """Return a positive whole number, or its default."""
    value = number(body.get(name))
    return int(value) if value is not None and value >= 1 else default
