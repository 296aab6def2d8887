"""Whether so many charts can be had today, and when the last call would be.

The forecast grants claims on copies of the snapshots, by the rules of the ledger. It assumes that every call is made as
soon as possible and succeeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from heapq import heapify, heapreplace

import attrs

from . import ledger
from .settings import Account
from .snapshot import AccountSnapshot
from .turn import steps_spent
from .window import WINDOW, window_of

__all__ = ["Forecast", "forecast"]


@attrs.frozen
class Forecast:
    """The calls that the accounts can make for a number of charts.

    Attributes:
        charts: charts asked for.
        today: charts that can be had before the UTC day ends.
        last_call_at: moment (UTC) of the last call; None if it can never be made.
        window_end: end (UTC) of the day.
    """

    charts: int
    today: int
    last_call_at: datetime | None
    window_end: datetime

    @property
    def enough(self) -> bool:
        """Whether all charts can be had today."""
        return self.today == self.charts


def forecast(accounts: Sequence[Account], snapshots: Sequence[AccountSnapshot], charts: int, now: datetime) -> Forecast:
    """Return the forecast for *charts* on *accounts*, from their *snapshots* as they stand *now* (UTC)."""
    books = list(snapshots)
    line = [
        (max(ready, now), steps_spent(snapshot, accounts[place]), place)
        for place, snapshot in enumerate(books)
        if (ready := ledger.ready_at(snapshot, accounts[place])) is not None
    ]
    heapify(line)
    window_end, today, at = window_of(now) + WINDOW, 0, now
    for done in range(charts):
        if not line:
            return Forecast(charts, today, None, window_end)
        at, _, place = line[0]
        account = accounts[place]
        books[place], _ = ledger.grant(ledger.current(books[place], account, at), account, at)
        today = done + 1 if at < window_end else today
        ready = ledger.ready_at(books[place], account)
        assert ready is not None  # noqa: S101 (an account that was called can be called again)
        heapreplace(line, (max(ready, at), steps_spent(books[place], account), place))
    return Forecast(charts, today, at, window_end)
