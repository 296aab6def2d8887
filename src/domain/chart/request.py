"""The chart request: the name of a chart, and the body that is posted for it."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Final

import attrs

from ..argument import require
from ..finding import Finding, Severity
from ..plan.demand import Demand
from .json_body import encode, json_problems, text_problem

__all__ = ["DEFAULT_TIMEZONE", "ChartKey", "ChartRequest"]

DEFAULT_TIMEZONE: Final = "Etc/UTC"
"""The provider's own default; its plain ``UTC`` is in neither of its lists (API page, "Timezone")."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@attrs.frozen
class ChartKey:
    """The name of a chart: symbol, timeframe and chart template id. Case matters: ``1m`` is not ``1M``."""

    symbol: str
    timeframe: str
    chart_template_id: str

    def __str__(self) -> str:
        parts = (self.symbol, self.timeframe, self.chart_template_id)
        return " ".join(part if isinstance(part, str) else f"<{type(part).__name__}>" for part in parts)


def _private_copy(payload: Mapping[str, object]) -> Mapping[str, object]:
    """Copy *payload*, so that the host can't change a frozen value.

    A payload that can't be copied becomes a MappingProxyType, and :attr:`ChartRequest.problems` reports it.
    """
    if not isinstance(payload, Mapping):
        return payload  # type: ignore[unreachable]  # by a host without a type checker
    try:
        return copy.deepcopy(dict(payload))
    except Exception:  # noqa: BLE001 (a copy runs the code of the host's own objects)
        return MappingProxyType(dict(payload))


@attrs.frozen
class ChartRequest:
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
    payload: Mapping[str, object] = attrs.field(factory=dict, converter=_private_copy, hash=False, repr=False)

    @cached_property
    def key(self) -> ChartKey:
        """The name of this chart."""
        return ChartKey(self.symbol, self.timeframe, self.chart_template_id)

    @property
    def body(self) -> dict[str, object]:
        """A new copy of the body to post: the payload, the symbol, the interval, and a default time zone."""
        return copy.deepcopy({**self.parts})

    @cached_property
    def demand(self) -> Demand:
        """The demand on a plan."""
        return Demand.of(self.payload)

    @cached_property
    def parts(self) -> Mapping[str, object]:
        """The body without a copy, for reading: its inner values are those of the payload."""
        return {"timezone": DEFAULT_TIMEZONE, **self.payload, "symbol": self.symbol, "interval": self.timeframe}

    @cached_property
    def encoded(self) -> bytes:
        """The body as canonical JSON bytes.

        Raises:
            ValueError, TypeError, RecursionError: the payload is not JSON; :attr:`problems` lists the places.
        """
        return encode(self.parts)

    @cached_property
    def body_digest(self) -> str:
        """The SHA-256 of :attr:`encoded`, in hexadecimal."""
        return hashlib.sha256(self.encoded).hexdigest()

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
        found = [Finding(path, Severity.ERROR, problem) for path, text in named if (problem := _text_problem(text))]
        if not isinstance(self.payload, Mapping):
            wrong = f"the payload must be an object, not {type(self.payload).__name__}"  # type: ignore[unreachable]
            return (*found, Finding("", Severity.ERROR, wrong))
        inside = json_problems(dict(self.payload), lambda: self.encoded)
        if not inside and isinstance(self.payload, MappingProxyType):
            inside = (Finding("", Severity.ERROR, "the payload can't be copied; it is nested too deep"),)
        return (*found, *inside)


def _text_problem(text: object) -> str | None:
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
