"""Freshness: how recently a picture must have been drawn for the one who asks."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

import attrs

from ..errors import ConfigError
from .candle import SETTLE, Grid, boundary_between

__all__ = ["MAX_SECONDS", "Freshness"]

MAX_SECONDS: Final = 366 * 24 * 3600.0
_MAX_SHOWN: Final = 10**15


@attrs.frozen
class Freshness:
    """How recently a picture must have been drawn. Without arguments no kept picture is fresh.

    Attributes:
        seconds: a picture is fresh for this time.
        by_candle: a picture is fresh until a candle of its interval closes.
    """

    seconds: float = 0.0
    by_candle: bool = False

    @classmethod
    def of(cls, given: Freshness | str | float, *, where: str) -> Freshness:
        """Return the freshness that a host gives: ``off``, ``candle``, or seconds as a number or text.

        Raises:
            ConfigError: it is another value. The message names *where* the host gave it.
        """
        match given:
            case Freshness():
                return given
            case "off":
                return cls()
            case "candle":
                return cls(by_candle=True)
        try:
            seconds = math.nan if isinstance(given, bool) else float(given)
        except (TypeError, ValueError, OverflowError):
            seconds = math.nan
        if not 0 <= seconds <= MAX_SECONDS:
            shown = repr(given) if isinstance(given, str | float) else type(given).__name__
            if isinstance(given, int):
                shown = f"{given}" if abs(given) < _MAX_SHOWN else "a larger number"
            raise ConfigError(f"{where} must be off, candle or seconds from 0 to {MAX_SECONDS:.0f}, not {shown:.60}")
        return cls(seconds)

    @property
    def is_off(self) -> bool:
        """Whether no kept picture is fresh."""
        return not (self.seconds or self.by_candle)

    def allows(self, drawn_at: datetime, now: datetime, interval: str, grid: Grid) -> bool:
        """Return whether a picture that was drawn at *drawn_at*, or later, is fresh *now*.

        A picture from the future is not fresh: one of the clocks was wrong.
        """
        if self.is_off or drawn_at - now > SETTLE:
            return False
        if self.by_candle:
            return not boundary_between(drawn_at - SETTLE, now, interval, grid)
        return now - drawn_at < timedelta(seconds=self.seconds)

    def shares(self, drawn_at: datetime, taken_at: datetime, asked_at: datetime, interval: str, grid: Grid) -> bool:
        """Return whether a picture is as good as that of a call at *asked_at* would have been.

        Its own call was under way then, and no candle had closed since it was sent at *drawn_at*. It came at *taken_at*.
        """
        return taken_at > asked_at and not (self.by_candle and boundary_between(drawn_at, asked_at, interval, grid))

    def __str__(self) -> str:
        return "candle" if self.by_candle else f"{self.seconds:g}" if self.seconds else "off"
