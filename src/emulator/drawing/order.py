"""The order of a picture: the body of a request, with the provider's defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import attrs

from .layers import Inputs, number

_MAX_BACK: Final = 1000  # candles


@attrs.frozen
class StudyOrDrawing:
    """A study or a drawing in the order."""

    inputs: Inputs
    overlay: bool = False


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
    watermark: str
    watermark_size: int
    watermark_opacity: float
    studies: tuple[StudyOrDrawing, ...]
    drawings: tuple[StudyOrDrawing, ...]
    show_legend: bool
    show_main: bool
    back: int
    layout: str

    @classmethod
    def read(cls, body: Mapping[str, object]) -> Order:
        """Return the order of an advanced-chart body with the right types."""
        override, asked = _mapping(body.get("override")), Inputs("", body)
        return cls(
            symbol=asked.text("symbol", "BINANCE:BTCUSDT"),
            interval=asked.text("interval", "1D"),
            width=int(asked.number("width", 800, 1, math.inf)),
            height=int(asked.number("height", 600, 1, math.inf)),
            style=asked.text("style", "candle"),
            theme=asked.text("theme", "light"),
            zone=zone(asked.text("timezone", "Etc/UTC")),
            form=asked.text("format", "png"),
            watermark=asked.text("watermark", ""),
            watermark_size=int(asked.number("watermarkSize", 16, 1, math.inf)),
            watermark_opacity=number(body.get("watermarkOpacity")) or 1.0,
            studies=_listed(body.get("studies")),
            drawings=_listed(body.get("drawings")),
            show_legend=override.get("showLegend") is not False,
            show_main=override.get("showMainPane") is not False,
            back=int(max(asked.number(name, 0, 0, _MAX_BACK) for name in ("shiftLeft", "moveLeft"))),
            layout=asked.text("layoutId", ""),
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
    entries = [Inputs("", _mapping(entry)) for entry in value] if isinstance(value, list | tuple) else []
    return tuple(
        StudyOrDrawing(
            Inputs(entry.text("name", ""), _mapping(entry.given.get("input"))), entry.given.get("forceOverlay") is True
        )
        for entry in entries
    )


def _mapping(value: object) -> Mapping[str, object]:
    """Return an object as it is, and anything else as an empty one."""
    return value if isinstance(value, Mapping) else {}
