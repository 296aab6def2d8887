"""The commands ``chartimg accounts``: the books as a fetch leaves them, corrected by hand, and a forecast."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from command import call
from fetching import FETCH, KEY, PNG, SPENT, TEMPLATE, mock, real, refused
from loopback import LoopbackServer, answer
from postgresql_server import own_schema, shared_postgresql


def test_accounts_shows_what_a_fetch_has_used(server: LoopbackServer, tmp_path: Path) -> None:
    """The books in the user's state folder say 0 of 50 before the first call and 1 of 50 after it."""
    server.script.append(answer(200, PNG))

    def used() -> list[str]:
        """Give the cells of the account's row."""
        child = call("accounts", cwd=tmp_path, **real(server))
        assert (0, "") == (child.returncode, child.stderr)
        (row,) = [line for line in child.stdout.splitlines() if "main" in line]
        return row.split()

    before = used()
    assert call("accounts", cwd=tmp_path, **real(server)).stdout.endswith(
        "Whether the service is up is known to each process that makes calls: client.accounts.service(), "
        "or GET /accounts of a gateway.\n"
    )
    assert 0 == call(*FETCH, cwd=tmp_path, **real(server)).returncode
    after = used()

    assert ["main", "BASIC", "AVAILABLE", "0", "50", "50"] == before[:6]
    assert ["main", "BASIC", "AVAILABLE", "1", "50", "49"] == after[:6]
    assert "now" == before[6]


def test_accounts_in_json_is_json_and_nothing_else(server: LoopbackServer, tmp_path: Path) -> None:
    """The books are in XDG_STATE_HOME, and the document says when a spent account comes back."""
    server.script.append(SPENT)
    settings = real(server, XDG_STATE_HOME=str(tmp_path / "state"))
    call(*FETCH, cwd=tmp_path, **settings)
    child = call("accounts", "--json", cwd=tmp_path, **settings)
    (account,) = json.loads(child.stdout)["accounts"]

    assert (0, "") == (child.returncode, child.stderr)
    assert json.loads(child.stdout)["service"] is None, "this process has made no call"
    assert {"accountId", "state", "used", "limit", "left", "reason", "availableAt", "windowEnd", "plan"} == set(account)
    assert ("main", "EXHAUSTED", 50, 50, 0, "BASIC") == tuple(
        account[name] for name in ("accountId", "state", "used", "limit", "left", "plan")
    )
    assert account["availableAt"] == account["windowEnd"]
    assert account["windowEnd"].endswith("T00:00:00+00:00")
    assert (tmp_path / "state" / "chartimg" / "accounts.sqlite3").is_file()
    assert KEY not in child.stdout


def test_accounts_are_put_right_by_hand(server: LoopbackServer, tmp_path: Path) -> None:
    """An account exhausted by hand makes no call, and reinstating it does not give the spent day back."""
    settings = real(server)
    exhausted = call("accounts", "exhaust", "main", "--json", cwd=tmp_path, **settings)
    fetched = call(*FETCH, cwd=tmp_path, **settings)
    reinstated = call("accounts", "reinstate", "main", "--json", cwd=tmp_path, **settings)

    assert [0, 75, 0] == [child.returncode for child in (exhausted, fetched, reinstated)]
    (undo,), (useless,) = exhausted.stderr.splitlines(), reinstated.stderr.splitlines()
    assert undo.startswith("chartimg: main makes no call until 20")
    assert useless.startswith("chartimg: main is not suspended: its day is spent until 20")
    assert all(line.endswith("run: chartimg accounts reset main") for line in (undo, useless))
    for child in (exhausted, reinstated):  # to reinstate lifts a suspension, not a spent day
        (account,) = json.loads(child.stdout)["accounts"]
        assert ("EXHAUSTED", "marked by hand", 0) == (account["state"], account["reason"], account["left"])
    assert [] == server.requests


def test_the_books_of_an_account_begin_anew_by_hand(server: LoopbackServer, tmp_path: Path) -> None:
    """A reset undoes an exhaustion by hand; without a terminal it does not ask."""
    settings = real(server)
    call("accounts", "exhaust", "main", cwd=tmp_path, **settings)
    child = call("accounts", "reset", "main", "--json", cwd=tmp_path, **settings)
    (account,) = json.loads(child.stdout)["accounts"]

    assert (0, "") == (child.returncode, child.stderr)
    assert ("AVAILABLE", 0, 50) == (account["state"], account["used"], account["left"])


def test_a_suspended_account_is_named_with_what_brings_it_back(server: LoopbackServer, tmp_path: Path) -> None:
    """After a wrong key each fetch names the account and the command, and only a suspended account is reinstated."""
    server.otherwise = answer(403, b'{"message":"Forbidden"}', content_type="application/json")
    first, second = (call(*FETCH, cwd=tmp_path, **real(server)) for _ in range(2))
    forecast = call("accounts", "forecast", "3", cwd=tmp_path, **real(server))
    reinstated, again = (call("accounts", "reinstate", "main", cwd=tmp_path, **real(server)) for _ in range(2))

    for child in (first, second):
        (line,) = child.stderr.splitlines()
        assert line.endswith("to use main again, change its key or run: chartimg accounts reinstate main")
    assert 1 == len(server.requests)
    assert "main is suspended and counts for nothing" in forecast.stderr
    assert forecast.stderr.endswith("run: chartimg accounts reinstate main\n")
    assert (0, "") == (reinstated.returncode, reinstated.stderr)
    assert "AVAILABLE" in reinstated.stdout
    assert "chartimg: main is not suspended: there is nothing to reinstate\n" == again.stderr


@pytest.mark.parametrize("deed", ["exhaust", "reinstate", "reset"])
def test_an_account_that_is_not_there_is_one_line(deed: str, server: LoopbackServer, tmp_path: Path) -> None:
    """A command for an unknown account is one line that names the configured accounts."""
    (line,) = refused(call("accounts", deed, "nobody", cwd=tmp_path, **real(server)))

    assert line == "account 'nobody' does not exist; configured accounts: main"


def test_a_forecast_says_whether_so_many_charts_can_be_had(server: LoopbackServer, tmp_path: Path) -> None:
    """A forecast ends with exit code 0 if all charts can be had today, and else with 75."""
    few = call("accounts", "forecast", "2", cwd=tmp_path, **real(server))
    many = call("accounts", "forecast", "100", "--json", cwd=tmp_path, **real(server))
    document = json.loads(many.stdout)

    assert (0, True) == (few.returncode, few.stdout.startswith("yes: 2 charts can be had today, the last call at "))
    assert (75, False, 100, 50) == (
        many.returncode,
        document["enough"],
        document["forecast"]["charts"],
        document["forecast"]["today"],
    )
    assert 2 == call("accounts", "forecast", "-1", cwd=tmp_path, **real(server)).returncode
    assert ["a forecast is for 1 to 1,000,000 charts, not 0"] == refused(
        call("accounts", "forecast", "0", cwd=tmp_path, **real(server))
    )
    assert "at most" not in call("accounts", "forecast", "9999999", cwd=tmp_path, **real(server)).stdout


@pytest.mark.parametrize("deed", [("exhaust", "main"), ("reinstate", "main"), ("reset", "main"), ("forecast", "3")])
def test_mock_mode_has_no_accounts_to_put_right(deed: tuple[str, ...], tmp_path: Path) -> None:
    """In mock mode a command that changes or reads the books is refused in one line."""
    (line,) = refused(call("accounts", *deed, cwd=tmp_path, **mock(tmp_path / "fixtures")))

    assert line == "CHARTS_API_MODE=mock uses no accounts; set it to real"


def test_accounts_in_mock_mode_has_none(tmp_path: Path) -> None:
    """In mock mode the list of accounts is empty, as a table and as JSON, and no file is made."""
    settings = mock(tmp_path / "fixtures")
    plain = call("accounts", cwd=tmp_path, **settings)
    document = call("accounts", "--json", cwd=tmp_path, **settings)

    assert "mock" in plain.stdout
    assert {"accounts": []} == json.loads(document.stdout)
    assert not (tmp_path / "home").exists()


FORECAST = ("accounts", "forecast", "1")


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _closed(path: Path) -> None:
    path.touch(0)


def test_the_printed_schema_makes_books_in_postgresql(tmp_path: Path) -> None:
    """What ``accounts schema`` prints makes a new schema usable; before it, every use says so with code 69."""
    books = own_schema(shared_postgresql())
    settings = {"CHART_IMG_API_KEY": KEY, "CHARTS_ACCOUNT_STORE": books}
    before = call("accounts", cwd=tmp_path, **settings)
    with psycopg.connect(books, autocommit=True) as connection:
        connection.execute(call("accounts", "schema", cwd=tmp_path).stdout.encode())
    after = call("accounts", "--json", cwd=tmp_path, **settings)

    assert 69 == before.returncode
    assert "has no table chartimg_account; run: chartimg accounts schema | psql ADDRESS" in before.stderr
    assert (0, "main") == (after.returncode, json.loads(after.stdout)["accounts"][0]["accountId"])


PLACES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "folder": (_folder, "sqlite:///{}", "it is a folder; name a file in it"),
    "pipe": (_pipe, "sqlite:///{}", "it is a pipe, a device or a socket"),
    "below a file": (_closed, "sqlite:///{}/books.sqlite3", "/books is a file, not a folder"),
    "deep below a file": (_closed, "sqlite:///{}/new/books.sqlite3", "/books is a file, not a folder"),
    "empty file": (Path.touch, "sqlite:///{}", "is damaged (it is empty, or nearly so)"),
    "no server": (_folder, "redis://127.0.0.1:1", "can't be reached"),
    "no database": (_folder, "postgresql://127.0.0.1:1/books", "can't be reached"),
}


@pytest.mark.parametrize("place", PLACES)
def test_books_that_can_not_be_opened_are_one_line_and_code_69_from_every_command(
    place: str, server: LoopbackServer, tmp_path: Path
) -> None:
    """Each kind of a wrong place has a word of its own and the setting; all commands end with the same code."""
    make, store, place_name = PLACES[place]
    make(tmp_path / "books")
    settings = real(server, CHARTS_ACCOUNT_STORE=store.format(tmp_path / "books"))
    exported = ("export", "--symbols", "A:A", "--timeframes", "1h", "--templates", TEMPLATE, "--out", "out")
    runs = [call(*command, cwd=tmp_path, **settings) for command in (FETCH, ("accounts",), FORECAST, exported)]
    store_lines = [[line for line in run.stderr.splitlines() if "CHARTS_ACCOUNT_STORE" in line] for run in runs]

    assert [69] * 4 == [run.returncode for run in runs]
    assert [1] * 4 == [len(lines) for lines in store_lines]
    assert all(place_name in line and "memory://" in line for (line,) in store_lines)
    assert [] == server.requests


@pytest.mark.parametrize("store", [None, "sqlite:///~/books.sqlite3", "sqlite:///~nobody-here/books.sqlite3"])
def test_a_user_without_a_home_is_reported_what_to_set(
    store: str | None, server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a home folder every command says so in one line with code 2, and no folder named ~ is made."""

    def unknown(_: object) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    settings = {"HOME": "", **real(server), **({} if store is None else {"CHARTS_ACCOUNT_STORE": store})}
    for command in (FETCH, ("accounts",), FORECAST):
        (line,) = refused(call(*command, cwd=tmp_path, **settings))
        assert (
            "set CHARTS_ACCOUNT_STORE to sqlite:///path, redis://host:port/0, postgresql://host/database or memory://"
            in line
        )

    assert [] == server.requests
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        ("sqlite:///~/books.sqlite3", "HOME is not an absolute path"),
        ("sqlite:///~nobody-here/books.sqlite3", "there is no user nobody-here"),
        (None, "HOME is not an absolute path"),
    ],
)
def test_a_home_that_is_not_a_place_makes_no_books(
    store: str | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Books never depend on the working directory by a relative home; the line says what is wrong with the home."""
    monkeypatch.setattr("platformdirs.user_state_path", lambda _: Path("home/.local/state/chartimg"))
    settings = {"HOME": "home", "CHART_IMG_API_KEY": "k", **({} if store is None else {"CHARTS_ACCOUNT_STORE": store})}
    (line,) = refused(call("accounts", cwd=tmp_path, **settings))

    assert f"since {reason}; " in line
    assert [] == list(tmp_path.iterdir())
