"""The installed command against a provider with faults: every chart arrives or has a reason, and the books agree."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from chartimg import Account, AccountPool
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.app.export.folder import is_whole, known_items
from chartimg.domain.account import AccountState
from chartimg.domain.reply.png import Picture, inspect
from chartimg.testing import EmulatedAccount, Fault, Rule, emulator, picture
from command import environment, eventually, run, run_python, start
from exporting import numbered_picture
from loopback import LoopbackServer, answer
from patience import LONG
from variables import calling

JOBS = 8
COMMAND = str(Path(sys.executable).with_name("chartimg"))

# What the provider allows, and what the host believes: rates too high, and a quota that others have nearly spent.
TRUE = (
    EmulatedAccount("tight", "canary-key-1", 60, "BASIC", 1, 1),
    EmulatedAccount("spent", "canary-key-2", 2, "BASIC", 50, 20),
    EmulatedAccount("wide", "canary-key-3", 60, "BASIC", 50, 20),
)
BELIEVED = (
    Account("tight", "canary-key-1", 60, "BASIC", 50, 12),
    Account("spent", "canary-key-2", 60, "BASIC", 50, 20),
    Account("wide", "canary-key-3", 60, "BASIC", 50, 20),
)


def test_an_export_through_faults_throttles_and_a_spent_account_keeps_true_books(tmp_path: Path) -> None:
    """If calls fail, an account is throttled and one is spent, no chart is lost, and books and tallies agree."""
    store, out = tmp_path / "accounts.sqlite3", tmp_path / "out"
    with emulator(*TRUE, rules=[Rule(Fault.SERVER_ERROR, share=0.2), Rule(latency=0.02)]) as provider:
        settings = calling(
            provider.url,
            *BELIEVED,
            CHARTS_API_MODE="record",
            CHARTS_ACCOUNT_STORE=f"sqlite:///{store}",
            CHARTS_FIXTURES_DIR=str(tmp_path / "fixtures"),
        )
        symbols = ",".join(f"BINANCE:COIN{number}USDT" for number in range(12))
        child = subprocess.run(
            [
                *(COMMAND, "export", "--symbols", symbols, "--timeframes", "1h,4h", "--out", str(out)),
                *("--templates", "price_ma1226_vol_v1", "--jobs", str(JOBS), "--json"),
            ],
            cwd=tmp_path,
            env=environment(tmp_path / "home", **settings),
            capture_output=True,
            encoding="utf-8",
            timeout=4 * LONG,
            check=False,
        )
        ledger = provider.ledger()

    manifest = json.loads(child.stdout)
    items, failures = manifest["items"], manifest["failures"]
    calls = sum(end["calls"] for end in (*items, *failures))
    totals = {name: account.total for name, account in ledger.accounts.items()}

    assert 24 == manifest["requested"] == len(items) + len(failures)
    assert all(isinstance(inspect((out / item["file"]).read_bytes()), Picture) for item in items)
    assert all(failure["code"] and failure["message"] for failure in failures)
    assert len(items) > 12
    assert child.returncode in ({0} if not failures else {1, 75}), child.stderr
    assert calls == sum(total.asked for total in totals.values())
    assert totals["tight"].throttled > 0
    assert 2 == totals["spent"].charged
    assert 1 <= totals["spent"].refused <= JOBS  # those that were under way when the first one was refused

    with_books = AccountPool(BELIEVED, SqliteAccountStore(store))
    status = {account.account_id: account for account in with_books.status()}
    with_books.close()
    assert AccountState.EXHAUSTED == status["spent"].state
    for name in ("tight", "wide"):
        assert totals[name].asked == status[name].used
    assert "canary" not in child.stdout + child.stderr + "".join(
        path.read_text("latin-1") for path in tmp_path.rglob("*") if path.is_file()
    )


def test_a_provider_that_sends_one_picture_for_all_is_found_out(tmp_path: Path) -> None:
    """Equal pictures of different charts are all marked in the manifest and the table."""
    fixtures, out = tmp_path / "fixtures", tmp_path / "out"
    fixtures.mkdir()
    for symbol in ("AAA", "BBB", "CCC"):
        (fixtures / f"BINANCE_{symbol}USDT__1h__price_psar_adi_v1.png").write_bytes(picture(640, 600))
    program = (
        "import logging; logging.basicConfig(format='LOG %(message)s'); from chartimg.__main__ import main; main()"
    )
    child = run_python(
        program,
        *("export", "--symbols", "AAAUSDT,BBBUSDT,CCCUSDT", "--timeframes", "1h", "--templates", "price_psar_adi_v1"),
        *("--out", str(out), "--jobs", "3"),
        cwd=tmp_path,
        CHARTS_API_MODE="mock",
        CHARTS_FIXTURES_DIR=str(fixtures),
    )
    items = json.loads((out / "manifest.json").read_bytes())["items"]
    told = [[warning["path"] for warning in item["warnings"]] for item in items]
    lines = child.stderr.splitlines()

    assert 0 == child.returncode, child.stderr
    assert [["width", ""]] * 3 == told
    assert [picture(640, 600)] * 3 == [(out / item["file"]).read_bytes() for item in items]
    assert (0, 3) == (child.stdout.count("ok, 1 warning "), child.stdout.count("ok, 2 warnings"))
    assert 3 == sum("WARNING: its bytes are those of " in line for line in child.stdout.splitlines())
    assert 2 == sum(line.startswith("[") and "WARNING: its bytes are those of " in line for line in lines)
    assert 5 == sum(line.startswith("LOG chart_api_picture_doubtful ") for line in lines)


@pytest.mark.parametrize("kills", [1, pytest.param(9, marks=pytest.mark.soak)])
def test_an_export_that_is_killed_and_resumed_pays_for_the_calls_under_way_alone(
    kills: int, server: LoopbackServer, tmp_path: Path
) -> None:
    """After each SIGKILL a run with --resume goes on: at most a call for each job is lost, and the folder is as if undisturbed."""
    grid = tuple((f"BINANCE:COIN{number}USDT", frame) for number in range(4 * kills) for frame in ("1h", "4h"))
    jobs, out, lost = 3, tmp_path / "out", 0
    (tmp_path / "list.csv").write_text("symbol,timeframe\n" + "".join(f"{','.join(row)}\n" for row in grid))
    arguments = (
        *("export", "--from", "list.csv", "--templates", "price_ma1226_vol_v1", "--out", "out", "--resume"),
        *("--jobs", str(jobs), "--json"),
    )
    account = Account("wide", "canary-key-3", 1_000, "BASIC", 1_000, 1_000)
    settings = calling(server.url, account, CHARTS_CACHE="off")

    def slow(connection: socket.socket, closing: threading.Event) -> bool:
        """Answer with a picture of its own, in a moment."""
        closing.wait(0.02)
        return answer(200, numbered_picture(next(numbers)))(connection, closing)

    numbers, server.otherwise = count(), slow
    for number in range(1, kills + 1):
        with start(*arguments, cwd=tmp_path, **settings) as killed:
            eventually(partial(_has_pictures, out, number * len(grid) // (kills + 1)))
            killed.kill()
            killed.communicate()
        eventually(lambda: server.ended == server.connections)  # a call that was sent before the kill is read after it
        proved = sum(is_whole(out / name, item) for name, item in known_items(out).items())
        assert len(server.requests) - proved - lost <= jobs
        lost = len(server.requests) - proved
    child, again = (run(*arguments, cwd=tmp_path, **settings) for _ in range(2))

    manifest = json.loads(child.stdout)
    assert (0, 0, len(grid)) == (child.returncode, again.returncode, len(manifest["items"]))
    assert len(grid) + lost == len(server.requests)
    assert {*(item["file"] for item in manifest["items"]), "manifest.json"} == {path.name for path in out.iterdir()}


def _has_pictures(out: Path, wanted: int) -> bool:
    return len(list(out.glob("*.png"))) >= wanted
