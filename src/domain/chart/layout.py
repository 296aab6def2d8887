"""The request for a picture of a TradingView layout, and the session that opens a private one.

Source: API page, "API v2 TradingView Shared Layout".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final

import attrs

from ..argument import typed
from ..errors import ConfigError
from ..finding import Finding, Severity
from .endpoint import LAYOUT_CHART, ChartEndpoint
from .key import LayoutKey
from .request import Request, name_problem, private_copy

__all__ = ["LayoutRequest", "TradingViewSession"]

_ID: Final = re.compile(r"(?!storage\Z)[A-Za-z0-9_-]{1,64}", re.ASCII)  # storage is the path of another endpoint
# Not /chart/BTCUSD/<id>-…/, which is an idea, and no layout.
_ADDRESS: Final = re.compile(r"(?:https?://)?[a-z.]*tradingview\.com/chart/([A-Za-z0-9]{1,64})/?(?:[?#].*)?", re.ASCII)
_HEADER: Final = re.compile(r"[\x21-\x7e]+", re.ASCII)


@attrs.frozen
class LayoutRequest(Request):
    """One picture of a layout to fetch. The look is that of the layout, as it was saved and shared at TradingView.

    Attributes:
        layout_id: the id in the address of the layout, ``https://www.tradingview.com/chart/<id>/``.
        symbol: exchange and symbol that replace those of the layout; None keeps them.
        interval: the interval that replaces that of the layout; None keeps it.
        payload: further fields of the body (size, zoom, moves …), copied.
    """

    layout_id: str
    symbol: str | None = None
    interval: str | None = None
    payload: Mapping[str, object] = attrs.field(factory=dict, converter=private_copy, hash=False, repr=False)

    @property
    def endpoint(self) -> ChartEndpoint:
        """The row of the endpoint that draws layouts."""
        return LAYOUT_CHART

    @property
    def timeframe(self) -> str | None:
        """The interval, by its name in a chart request."""
        return self.interval

    @cached_property
    def key(self) -> LayoutKey:
        """The name of this picture."""
        return LayoutKey(self.layout_id, self.symbol, self.interval)

    @property
    def path(self) -> str:
        """The path to post the body to."""
        return f"{self.endpoint.path}/{self.layout_id}"

    @cached_property
    def parts(self) -> Mapping[str, object]:
        """The body without a copy: the payload, and the symbol and the interval that are stated."""
        stated = {"symbol": self.symbol, "interval": self.interval}
        return {**self.payload, **{name: value for name, value in stated.items() if value is not None}}

    @cached_property
    def problems(self) -> tuple[Finding, ...]:
        """Problems that need no provider rule to find."""
        named = [
            (name, text) for name, text in (("symbol", self.symbol), ("interval", self.interval)) if text is not None
        ]
        found = [Finding(name, Severity.ERROR, problem) for name, text in named if (problem := name_problem(text))]
        inside = self._payload_problems()
        if isinstance(self.payload, Mapping):
            found += [
                Finding(name, Severity.ERROR, f"is in the payload; state it as {name}=, or as --{name} of the command")
                for name, stated in (("symbol", self.symbol), ("interval", self.interval))
                if stated is None and name in self.payload
            ]
        return (*_id_problems(self.layout_id), *found, *inside)


@attrs.frozen(field_transformer=typed)
class TradingViewSession:
    """A TradingView session of the host's: two cookies of a browser that is signed in. A secret, as a key is.

    Attributes:
        session_id: the cookie ``sessionid``.
        session_id_sign: the cookie ``sessionid_sign``.

    Raises:
        ConfigError: a value is of another type, empty, or can't be a header; the message does not show it.
    """

    session_id: str = attrs.field(repr=False)
    session_id_sign: str = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        wrong = [name for name, text in attrs.asdict(self).items() if not _HEADER.fullmatch(text)]
        if wrong:
            raise ConfigError(
                [f"{name} must be the value of a cookie: printable ASCII without spaces, not empty" for name in wrong]
            )

    @property
    def headers(self) -> Mapping[str, str]:
        """The two headers that carry it, and nothing else does."""
        return {
            "tradingview-session-id": self.session_id,
            "tradingview-session-id-sign": self.session_id_sign,
        }

    @property
    def digest(self) -> str:
        """A name for it that does not tell it, in hexadecimal."""
        return hashlib.sha256(f"{self.session_id}\n{self.session_id_sign}".encode()).hexdigest()

    @property
    def secrets(self) -> tuple[str, str]:
        """The texts that must not be shown."""
        return self.session_id, self.session_id_sign


def _id_problems(layout_id: object) -> tuple[Finding, ...]:
    """Return the problem of a text that can't be the id of a layout; the id in an address is suggested."""
    if isinstance(layout_id, str) and _ID.fullmatch(layout_id):
        return ()
    problem = name_problem(layout_id) or "must be the id in the address of the layout, letters and digits"
    address = _ADDRESS.fullmatch(layout_id) if isinstance(layout_id, str) else None
    if address is None:
        return (Finding("layout_id", Severity.ERROR, problem),)
    return (Finding("layout_id", Severity.ERROR, f"{problem}; did you mean {address[1]}?", address[1]),)
