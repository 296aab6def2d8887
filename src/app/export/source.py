"""The source of the charts of an export: all that it needs to know of a client."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Protocol

import attrs

from ...domain.chart import Request
from ...domain.chart.candle import Grid
from ...domain.chart.leeway import Leeway
from ...domain.check.catalog import Catalog
from ...domain.events import CallFinished, CallStarted, Event
from ...domain.faults import FaultKind
from ...domain.finding import Finding
from ...domain.ports import Clock, Listener
from ..flights import Flights, Waiter

__all__ = ["Asked", "ChartSource"]


class ChartSource(Protocol):
    """All that an export needs to know of a client, besides a fetch."""

    @property
    def clock(self) -> Clock:
        """Time."""
        ...

    @property
    def listener(self) -> Listener:
        """Notified of each picture that equals the picture of another chart."""
        ...

    @property
    def flights(self) -> Flights:
        """The fetches under way."""
        ...

    @property
    def rules(self) -> Catalog:
        """The catalog that decides which bodies mean the same."""
        ...

    def completed(self, request: Request) -> Request:
        """Return the request that would be sent."""
        ...

    def possible(self, request: Request, leeway: Leeway) -> Iterator[Request]:
        """Return the requests that may be sent for a completed one: one, or several if it may be changed."""
        ...

    def errors(self, request: Request, leeway: Leeway) -> tuple[Finding, ...]:
        """Return the findings for which a request would not be sent; empty if it would, or has a recorded answer."""
        ...

    def grid_of(self, symbol: str | None) -> Grid:
        """Return the grid of the candles of *symbol*."""
        ...


@attrs.define(eq=False)
class Asked:
    """A chart under way, and a listener that counts its calls.

    Attributes:
        number: its place among the charts.
        request: the request to fetch.
        waiter: leaves the fetch if the export is stopped.
        calls: calls that were begun and may have reached the provider.
        is_calling: whether one of them is under way.
    """

    number: int
    request: Request
    waiter: Waiter = attrs.field(factory=lambda: Waiter(threading.Event()))
    calls: int = 0
    is_calling: bool = False

    def notify(self, event: Event) -> None:
        """Count a call when it starts. One that was never sent costs no unit."""
        match event:
            case CallStarted():
                self.calls += 1
                self.is_calling = True
            case CallFinished(kind=kind):
                self.calls -= kind is FaultKind.NOT_SENT
                self.is_calling = False
