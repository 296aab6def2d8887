"""What a fetch may change in its request, if its caller allows it: the exchange of the symbol, and the size of the chart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, cast

import attrs

from ..argument import require, text_of
from ..errors import ConfigError

__all__ = ["NO_LEEWAY", "Leeway"]

_PLAN: Final = "plan"
_EXCHANGE: Final = re.compile(r"\w{1,64}", re.ASCII)
_SYMBOL: Final = re.compile(r"(?:\w+:)?(?P<ticker>\w[\w.!&]*)")


@attrs.frozen
class Leeway:
    """The changes that a fetch may make.

    Attributes:
        exchanges: where a ticker is tried, in order, after the provider has refused its symbol for good, or if it has no exchange.
        fits: whether a chart that no account's plan allows is made as small as the largest of them takes.
    """

    exchanges: tuple[str, ...] = ()
    fits: bool = False

    @classmethod
    def of(
        cls,
        on_invalid_symbol: Sequence[str] | None,
        fit: str | None,
        *,
        where: tuple[str, str] = ("on_invalid_symbol", "fit"),
    ) -> Leeway:
        """Return the leeway that the arguments of a fetch mean. *where* are their names for a person.

        Raises:
            ConfigError: an argument has a wrong type, or is not an exchange or ``plan``.
        """
        if on_invalid_symbol is None and fit is None:
            return NO_LEEWAY
        require(where[0], on_invalid_symbol, Sequence[str] | None)
        require(where[1], fit, str | None)
        exchanges = tuple(dict.fromkeys(on_invalid_symbol or ()))
        for each in exchanges:
            if not _EXCHANGE.fullmatch(each):
                raise ConfigError(
                    f"{where[0]} must be names of exchanges, such as NASDAQ and NYSE, not {text_of(each)}"
                )
        if fit not in {None, _PLAN}:
            raise ConfigError(f"{where[1]} must be plan, not {text_of(cast('object', fit))}")
        return cls(exchanges, fit == _PLAN)

    @property
    def fit(self) -> str | None:
        """The word for :attr:`fits` in an argument."""
        return _PLAN if self.fits else None

    def symbols(self, symbol: str | None) -> tuple[str, ...]:
        """Return the symbols to try in place of a refused one: its ticker at each other exchange.

        A formula of several symbols has no ticker, and neither has a layout that keeps its own symbol.
        """
        plain = _SYMBOL.fullmatch(symbol) if isinstance(symbol, str) else None
        if plain is None:
            return ()
        tickers = (f"{exchange}:{plain['ticker']}" for exchange in self.exchanges)
        return tuple(each for each in tickers if each != symbol)

    def is_sent(self, symbol: str | None) -> bool:
        """Return whether *symbol* itself is asked for: not a ticker without an exchange, if there are exchanges to try it at."""
        return symbol is None or ":" in symbol or not self.symbols(symbol)


NO_LEEWAY: Final = Leeway()
"""The request is sent as it is."""
