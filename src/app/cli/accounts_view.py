"""How accounts and forecasts look."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.progress_bar import ProgressBar
from rich.text import Text

from ...domain.account.forecast import Forecast
from ...domain.account.status import AccountStatus
from .text import counted, is_terminal, printable, show_table, standard_output, table

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["show_accounts", "show_forecast"]

_BAR_WIDTH: Final = 6  # columns
_STYLES: Final = {"AVAILABLE": "green", "THROTTLED": "yellow", "EXHAUSTED": "red", "SUSPENDED": "bold red"}


def show_accounts(statuses: Sequence[AccountStatus]) -> None:
    """Print what each account has left and when it comes back; on a terminal with a bar for its day.

    Without room for the reasons in the table, they are lines below it.
    """
    bars = is_terminal(sys.stdout)
    forms = ((True, bars), (False, bars), (False, False))
    full, *_ = tables = [_accounts(statuses, reasons=reasons, bars=bars) for reasons, bars in forms]
    if show_table(*tables) is full:
        return
    for status in statuses:
        if status.reason:
            standard_output().print(Text(printable(f"{status.account_id}: {status.reason}")))


def show_forecast(forecast: Forecast) -> None:
    """Print in one line whether the charts can be had today, and until when they take."""
    charts, last = counted(forecast.charts, "chart"), forecast.last_call_at
    if forecast.enough:
        line = f"yes: {charts} can be had today, the last call at {last:%H:%M:%S} UTC"
    else:
        line = f"no: {forecast.today:,} of {charts} can be had today (until {forecast.window_end:%Y-%m-%d %H:%M} UTC)"
        line += "; the rest never" if last is None else f"; the last call at {last:%Y-%m-%d %H:%M:%S} UTC"
    standard_output().print(Text(line), soft_wrap=True)


def _accounts(statuses: Sequence[AccountStatus], *, reasons: bool, bars: bool) -> Table:
    """Return a row for each account. With the reasons, dates are in full."""
    now = datetime.now().astimezone()
    numbers = ("used", "limit", "left")
    headings: tuple[str, ...] = ("account", "plan", "state", *(("day",) if bars else ()), *numbers)
    headings += ("next call (UTC)", "reason") if reasons else ("next (UTC)",)
    rows = table(*headings, right=numbers, folding=("reason",))
    for status in statuses:
        style = _STYLES[status.state]
        bar = ProgressBar(max(status.limit, 1), status.used, _BAR_WIDTH, complete_style=style, finished_style=style)
        rows.add_row(
            Text(printable(status.account_id)),
            Text(status.plan or ""),
            Text(status.state, style=style),
            *((bar,) if bars else ()),
            *(Text(f"{number:,}") for number in (status.used, status.limit, status.left)),
            Text(_when(status.available_at, now, "%Y-%m-%d %H:%M:%S" if reasons else "%m-%d %H:%M")),
            *((Text(printable(status.reason)),) if reasons else ()),
        )
    return rows


def _when(available_at: datetime | None, now: datetime, form: str) -> str:
    if available_at is None:
        return "when reinstated"
    return "now" if available_at <= now else available_at.strftime(form)
