"""How accounts and forecasts look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chartimg.app.cli.accounts_view import show_accounts, show_forecast
from chartimg.domain.account import AccountState
from chartimg.domain.account.forecast import Forecast
from chartimg.domain.account.status import AccountStatus
from command import lines, plain
from samples import NOON

NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("forecast", "line"),
    [
        (Forecast(1, 1, NOON, NOON), "yes: 1 chart can be had today, the last call at {:%H:%M:%S} UTC"),
        (
            Forecast(9, 4, None, NOON),
            "no: 4 of 9 charts can be had today (until {:%Y-%m-%d %H:%M} UTC); the rest never",
        ),
        (
            Forecast(9, 4, NOON, NOON),
            "no: 4 of 9 charts can be had today (until {0:%Y-%m-%d %H:%M} UTC); the last call at {0:%Y-%m-%d %H:%M:%S} UTC",
        ),
    ],
)
def test_a_forecast_is_a_sentence(forecast: Forecast, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A forecast says in one line whether the charts can be had today, and when the last of them can."""
    show_forecast(forecast)

    assert line.format(NOON) + "\n" == capsys.readouterr().out


@pytest.mark.usefixtures("terminal")
def test_a_narrow_terminal_has_the_reasons_below(capsys: pytest.CaptureFixture[str]) -> None:
    """A narrow terminal has all columns but the reason, with a bar for the day of each account, and no word is cut."""
    show_accounts([AccountStatus("a", AccountState.EXHAUSTED, 44, 44, 0, "Limit Exceeded", NOON, NOON, "BASIC")])
    out = plain(capsys.readouterr().out)

    assert "a: Limit Exceeded\n" in out
    assert all(word in out for word in ("EXHAUSTED", "BASIC", "used", "limit", "left", "next (UTC)", "━━━━━━"))


def test_accounts_are_a_table_that_says_when_each_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    """Each account has its next call, now, at a time in UTC or when reinstated, and the reason."""
    midnight = (NOW + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    show_accounts(
        [
            AccountStatus("free", AccountState.AVAILABLE, 1, 44, 43, "", NOW - timedelta(seconds=1), midnight, "PRO"),
            AccountStatus(
                "spent", AccountState.EXHAUSTED, 44, 44, 0, "[i]Limit[/i] Exceeded", midnight, midnight, None
            ),
            AccountStatus("gone", AccountState.SUSPENDED, 3, 44, 41, "HTTP 403: Forbidden", None, midnight, None),
        ]
    )
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()[2:]}

    assert all(part in rows["free"] for part in ("PRO", "AVAILABLE", " 1 ", "44", "43", "now"))
    assert all(
        part in rows["spent"] for part in ("EXHAUSTED", f"{midnight:%Y-%m-%d} 00:00:00", "[i]Limit[/i] Exceeded")
    )
    assert all(part in rows["gone"] for part in ("SUSPENDED", "when reinstated", "HTTP 403: Forbidden"))


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_state_or_number_is_cut_by_a_long_id(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal long ids take the room of the bar and are folded; plans, states, numbers and dates stay whole."""
    monkeypatch.setenv("COLUMNS", str(width))
    ids = [f"an-account-with-a-rather-long-name-{number}" for number in range(2)]
    show_accounts(
        [AccountStatus(i, AccountState.EXHAUSTED, 5_000, 5_000, 0, "spent", NOON, NOON, "ENTERPRISE") for i in ids]
    )
    shown = lines(capsys.readouterr().out)

    assert 2 == sum(
        all(part in line for part in ("ENTERPRISE", "EXHAUSTED", " 5,000   5,000      0")) for line in shown
    )
    assert "".join(ids) == "".join(line[:36].split("  ")[0] for line in shown[2:] if not line.endswith(": spent"))
    assert max(map(len, shown)) <= width
