"""The chart that a caller asks for, from the provider's own body or from a path, and the requests that are refused."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from ...codec import parse
from ...domain.chart import ChartRequest, LayoutRequest, TradingViewSession
from ...domain.chart.template import ChartTemplate
from ...domain.check.suggestion import hint, likely_name
from ...domain.faults import FaultKind

__all__ = [
    "AskedWrongError",
    "named_after_template",
    "read_chart",
    "read_fresh",
    "read_layout",
    "read_wish",
    "refuse_session",
]

_SESSION: Final = ("tradingview-session-id", "tradingview-session-id-sign")
_FRESH: Final = "fresh"
_OWN: Final = "x-chartimg-"
_WISH: Final = "x-chartimg-fresh"
_FOREIGN_SESSION: Final = (
    "the gateway sends no TradingView session of a caller; leave out tradingview-session-id and tradingview-session-id-sign, "
    "and set CHARTS_TRADINGVIEW_SESSION_JSON where the gateway runs"
)
_DEFAULTS: Final[Mapping[str, object]] = {"symbol": "BINANCE:BTCUSDT", "interval": "1D"}
"""The provider's own defaults (API page, "Advanced Chart", parameters)."""


class AskedWrongError(Exception):
    """The gateway does not do what a caller asks for.

    Attributes:
        status: the status of the answer.
        message: what is wrong, and what to do.
        headers: further headers of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def read_chart(body: bytes) -> ChartRequest:
    """Return the chart of a posted body; it is named after the digest of the body.

    Raises:
        AskedWrongError: the body is not a JSON object in UTF-8.
    """
    fields = {**_DEFAULTS, **_read_object(body)}
    symbol, interval = fields.pop("symbol"), fields.pop("interval")
    request = ChartRequest(symbol, interval, "body", fields)  # type: ignore[arg-type]  # its problems are answered
    return request if request.problems else attrs.evolve(request, chart_template_id=f"body-{request.body_digest[:12]}")


def read_layout(layout_id: str, body: bytes) -> LayoutRequest:
    """Return the picture of a layout with a posted body.

    Raises:
        AskedWrongError: the body is not a JSON object in UTF-8.
    """
    fields = _read_object(body)
    symbol, interval = fields.pop("symbol", None), fields.pop("interval", None)
    return LayoutRequest(layout_id, symbol, interval, fields)  # type: ignore[arg-type]  # its problems are answered


def _read_object(body: bytes) -> dict[str, object]:
    try:
        posted = parse(body.decode()) if body.strip() else {}
    except ValueError:
        posted = None
    if not isinstance(posted, dict):
        raise AskedWrongError(400, "the body must be a JSON object")
    return posted


def named_after_template(request: ChartRequest, templates: Mapping[str, ChartTemplate]) -> ChartRequest:
    """Return *request* under the id of the template that would post the same body, if there is one.

    So a caller of another language finds the fixtures that were recorded for the template.
    """
    if request.problems:
        return request
    for template_id in templates:
        named = templates[template_id].fill(attrs.evolve(request, chart_template_id=template_id, payload={}))
        if named.body_digest == request.body_digest:
            return named
    return request


def read_wish(headers: Mapping[str, str]) -> str | None:
    """Return the caller's wish for freshness, from its header; None without one.

    Raises:
        AskedWrongError: the caller sends another header of the gateway's. A misspelt one would cost a unit.
    """
    for name in headers:
        if name.startswith(_OWN) and name != _WISH:
            end = hint(likely_name(name, [_WISH]), f"the one header is {_WISH}")
            raise AskedWrongError(422, f"there is no header {name[:64]!r}; {end}")
    return headers.get(_WISH)


def read_fresh(query: Sequence[tuple[str, str]]) -> str | None:
    """Return the ``fresh`` of a query; None without one.

    Raises:
        AskedWrongError: the query has another parameter, or two. A misspelt one would cost a unit.
    """
    for name, _ in query:
        if name != _FRESH:
            end = hint(likely_name(name, [_FRESH]), f"the one parameter is {_FRESH}")
            raise AskedWrongError(422, f"the query has no parameter {name[:64]!r}; {end}")
    if len(query) > 1:
        raise AskedWrongError(422, f"the query has {_FRESH} more than once")
    return query[0][1] if query else None


def refuse_session(headers: Mapping[str, str], own: TradingViewSession | None) -> None:
    """Refuse the TradingView session of a caller, unless it is the gateway's *own*.

    Raises:
        AskedWrongError: the caller sends another one. The message does not show it.
    """
    sent = "\n".join(headers.get(name, "") for name in _SESSION)
    if not sent.strip():
        return
    known = "" if own is None else "\n".join(own.headers[name] for name in _SESSION)
    if not hmac.compare_digest(sent.encode(), known.encode()):
        raise AskedWrongError(403, _FOREIGN_SESSION, {"x-chartimg-kind": str(FaultKind.SESSION_REJECTED)})
