"""The requests: the name of a picture, the path, and the body that is posted for it. Here is that of a chart."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Final, Protocol, Self

import attrs

from ..argument import require
from ..finding import Finding, Severity
from ..plan.demand import Demand
from .endpoint import ADVANCED_CHART, ChartEndpoint
from .json_body import encode, json_problems, text_problem
from .key import ChartKey, PictureKey

__all__ = [
    "DEFAULT_TIMEZONE",
    "ChartRequest",
    "Request",
    "name_problem",
    "private_copy",
]

DEFAULT_TIMEZONE: Final = "Etc/UTC"
"""The provider's own default; its plain ``UTC`` is in neither of its lists (API page, "Timezone")."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def private_copy(payload: Mapping[str, object]) -> Mapping[str, object]:
    """Copy *payload*, so that the host can't change a frozen value.

    A payload that can't be copied becomes a MappingProxyType, and :attr:`Request.problems` reports it.
    """
    if not isinstance(payload, Mapping):
        return payload  # type: ignore[unreachable]  # by a host without a type checker
    try:
        return copy.deepcopy(dict(payload))
    except Exception:  # noqa: BLE001 (a copy runs the code of the host's own objects)
        return MappingProxyType(dict(payload))


class Request(Protocol):
    """A picture to fetch: a path, and a body to post there. All that sends, keeps, checks or replays one takes this."""

    @property
    def endpoint(self) -> ChartEndpoint:
        """The row of its endpoint."""
        ...

    @property
    def symbol(self) -> str | None:
        """The symbol, or None for that of a layout."""
        ...

    @property
    def timeframe(self) -> str | None:
        """The interval, or None for that of a layout."""
        ...

    @property
    def payload(self) -> Mapping[str, object]:
        """Further fields of the body."""
        ...

    @property
    def key(self) -> PictureKey:
        """The name of the picture, for people and for files."""
        ...

    @property
    def path(self) -> str:
        """The path to post the body to."""
        ...

    @property
    def parts(self) -> Mapping[str, object]:
        """The body without a copy, for reading: its inner values are those of the payload."""
        ...

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Problems that need no provider rule to find."""
        ...

    @property
    def body(self) -> dict[str, object]:
        """A new copy of the body to post."""
        return copy.deepcopy({**self.parts})

    @cached_property
    def demand(self) -> Demand:
        """The demand on a plan."""
        return self.endpoint.demand_of(self.payload)

    @cached_property
    def encoded(self) -> bytes:
        """The body as canonical JSON bytes.

        Raises:
            ValueError, TypeError, RecursionError: the payload is not JSON; :attr:`problems` lists the places.
        """
        return encode(self.parts)

    @cached_property
    def body_digest(self) -> str:
        """The SHA-256, in hexadecimal, of :attr:`encoded`; of a layout, of its path and :attr:`encoded`."""
        place = b"" if self.path == ADVANCED_CHART.path else f"{self.path}\n".encode()
        return hashlib.sha256(place + self.encoded).hexdigest()

    def problem_of(self, body: bytes) -> str | None:
        """Return in one phrase why the JSON *body* of a reply is no answer; None if it is one."""
        del body
        return None

    def with_timezone(self, timezone: str) -> Self:
        """Return the request with *timezone*, if its endpoint has time zones and its payload has none."""
        require("timezone", timezone, str)
        return self

    def with_symbol(self, symbol: str) -> Self:
        """Return the request for another *symbol*."""
        return attrs.evolve(self, symbol=symbol)  # type: ignore[misc]  # each request is a class of fields

    def with_payload(self, payload: Mapping[str, object]) -> Self:
        """Return the request with another *payload*."""
        return attrs.evolve(self, payload=payload)  # type: ignore[misc]

    def _payload_problems(self) -> tuple[Finding, ...]:
        """Return the problems of a payload that is not JSON."""
        if not isinstance(self.payload, Mapping):
            wrong = f"the payload must be an object, not {type(self.payload).__name__}"  # type: ignore[unreachable]
            return (Finding("", Severity.ERROR, wrong),)
        inside = json_problems(dict(self.payload), lambda: self.encoded)
        if not inside and isinstance(self.payload, MappingProxyType):
            return (Finding("", Severity.ERROR, "the payload can't be copied; it is nested too deep"),)
        return inside


@attrs.frozen
class ChartRequest(Request):
    """One chart to fetch.

    Attributes:
        symbol: exchange and symbol, ``BINANCE:BTCUSDT``, or a formula of several.
        timeframe: the provider's interval, ``1h``; case matters.
        chart_template_id: the name of the look, part of the fixture's file name.
        payload: further fields of the body (studies, theme, size …), copied; ``symbol`` and ``interval`` in it are ignored.
    """

    symbol: str
    timeframe: str
    chart_template_id: str
    payload: Mapping[str, object] = attrs.field(factory=dict, converter=private_copy, hash=False, repr=False)

    @property
    def endpoint(self) -> ChartEndpoint:
        """The row of the endpoint that draws charts."""
        return ADVANCED_CHART

    @cached_property
    def key(self) -> ChartKey:
        """The name of this chart."""
        return ChartKey(self.symbol, self.timeframe, self.chart_template_id)

    @property
    def path(self) -> str:
        """The path to post the body to."""
        return self.endpoint.path

    @cached_property
    def parts(self) -> Mapping[str, object]:
        """The body without a copy: the payload, the symbol, the interval, and a default time zone."""
        return {"timezone": DEFAULT_TIMEZONE, **self.payload, "symbol": self.symbol, "interval": self.timeframe}

    def with_timezone(self, timezone: str) -> ChartRequest:
        """Return the request with *timezone*, unless its payload has one."""
        require("timezone", timezone, str)
        if "timezone" in self.payload or timezone == DEFAULT_TIMEZONE:
            return self
        return attrs.evolve(self, payload={**self.payload, "timezone": timezone})

    @cached_property
    def problems(self) -> tuple[Finding, ...]:
        """Problems that need no provider rule to find."""
        named = (("symbol", self.symbol), ("interval", self.timeframe), ("chart_template_id", self.chart_template_id))
        found = [Finding(path, Severity.ERROR, problem) for path, text in named if (problem := name_problem(text))]
        return (*found, *self._payload_problems())


def name_problem(text: object) -> str | None:
    """Return why *text* can't be a part of the key, if so."""
    if not isinstance(text, str):
        return f"must be text, not {type(text).__name__}"
    if not text.strip():
        return "is empty"
    if text != text.strip():
        return f"{text!r} has space around it"
    if _CONTROL.search(text):
        return f"{text!r} holds a control character"
    problem = text_problem(text)
    return problem and f"{text!r} {problem}"
