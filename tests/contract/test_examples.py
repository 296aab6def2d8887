"""The programs of docs/examples do what they say, as processes of their own, against the emulator."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from chartimg.domain.reply.png import Picture, inspect
from chartimg.testing import EmulatedAccount, Emulator, Rule, emulator
from command import environment, eventually
from loopback import answer, serving
from places import DOCS

SYMBOLS = [f"BINANCE:{coin}USDT" for coin in ("BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "DOT", "LTC", "TRX", "UNI")]


def run(program: str, *arguments: str, provider: Emulator, cwd: Path, stdin: str = "", **variables: str) -> list[str]:
    """Run a program to its end, and return its exit code and output as lines."""
    settings = {**provider.environ, "CHARTS_ACCOUNT_STORE": f"sqlite:///{cwd}/books", **variables}
    command = [sys.executable, "-W", "error", str(DOCS / "examples" / program), *arguments]
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment(cwd, **settings),
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return [str(done.returncode), *done.stdout.splitlines()]


def pictures(folder: Path) -> list[Picture | str]:
    """List the size of each picture of a folder."""
    return [inspect(file.read_bytes()) for file in folder.glob("*.png")]


@contextmanager
def fastapi_host(provider: Emulator, cwd: Path) -> Iterator[tuple[int, Path]]:
    """Serve the FastAPI application with uvicorn, and give its port and the file of its log."""
    log = cwd / "log"
    with socket.create_server(("127.0.0.1", 0)) as listening, log.open("wb") as written:
        command = [sys.executable, "-m", "uvicorn", "fastapi_host:app", "--fd", f"{listening.fileno()}"]
        server = subprocess.Popen(
            [*command, "--app-dir", DOCS / "examples"],
            cwd=cwd,
            env=environment(cwd, **provider.environ),
            stdin=subprocess.DEVNULL,
            stderr=written,
            stdout=written,
            pass_fds=[listening.fileno()],
        )
        try:
            yield listening.getsockname()[1], log
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=20)
    assert "Traceback" not in log.read_text(encoding="utf-8"), log.read_text(encoding="utf-8")


def test_clients_that_leave_a_fastapi_host_cost_no_call_that_had_not_begun_and_lose_no_picture(tmp_path: Path) -> None:
    """If twenty clients leave in the middle and twenty ask again, each chart is called for once."""
    paths = [f"/charts/{symbol}/{timeframe}.png" for symbol, timeframe in product(SYMBOLS, ("1h", "4h"))]
    account = EmulatedAccount("demo", "demo-key", daily_limit=100, requests_per_second=20.0, burst=3)

    def calls() -> int:
        return provider.ledger().accounts["demo"].total.charged

    with emulator(account, rules=[Rule(latency=0.4)]) as provider, fastapi_host(provider, tmp_path) as (port, log):
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in paths]
        for client, path in zip(clients, paths, strict=True):
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        eventually(lambda: calls() >= 3)
        for client in clients:
            client.close()
        eventually(lambda: log.read_text(encoding="utf-8").count("chart_api_picture_kept") == calls())
        time.sleep(0.5)  # in which nothing may happen
        begun = calls()
        assert 3 <= begun < len(paths)
        assert begun == log.read_text(encoding="utf-8").count("chart_api_picture_kept")

        with ThreadPoolExecutor(len(paths)) as others:
            got = list(others.map(lambda path: urlopen(f"http://127.0.0.1:{port}{path}", timeout=30).read(), paths))
        assert len(paths) == calls()
        assert len(paths) == len({body for body in got if isinstance(inspect(body), Picture)})

        try:
            status = urlopen(f"http://127.0.0.1:{port}/charts/BINANCE:BTCUSDT/1H.png", timeout=30).status
        except HTTPError as refused:
            status = refused.status
        assert 502 == status


def test_the_bot_of_the_tutorial_posts_the_chart_or_the_reason(tmp_path: Path) -> None:
    """The webhook gets the symbol and the picture of one call; for a wrong interval it gets the finding, without a call."""
    with emulator() as provider, serving(answer(200), answer(200)) as channel:
        for timeframe in ("1h", "1H"):
            arguments = ("BINANCE:BTCUSDT", timeframe)
            told = run(
                "post_chart.py", *arguments, provider=provider, cwd=tmp_path, DISCORD_WEBHOOK_URL=f"{channel.url}/hook"
            )
            assert ["0", "posted"] == told
        assert 1 == provider.ledger().accounts["demo"].total.charged

    chart, reason = (posted.body for posted in channel.requests)
    assert (tmp_path / "chart.png").read_bytes() in chart
    assert b"1H" in reason
    assert b"is not an interval" in reason


def test_the_bot_answers_all_lines(tmp_path: Path) -> None:
    """A line that can't be answered gets the reason, the others get pictures, and the end of the input ends the bot."""
    asked = ["BINANCE:BTCUSDT 1h", "hello", "BINANCE:BTCUSDT 1H", "BINANCE:ETHUSDT 4h"]
    with emulator() as provider:
        code, *answers = run("asyncio_bot.py", provider=provider, cwd=tmp_path, stdin="\n".join(asked))
        assert 2 == provider.ledger().accounts["demo"].total.charged

    assert "0" == code
    assert sorted(asked) == sorted(
        line[: line.rindex(": ")] if ".png" in line else line.split(": ")[0] for line in answers
    )
    assert 2 == sum(line.endswith(".png") for line in answers)
    assert [Picture(800, 600)] * 2 == pictures(tmp_path)


def test_forked_workers_share_the_books_of_their_client(tmp_path: Path) -> None:
    """Four workers make one call for each chart, and together are never throttled."""
    with emulator(EmulatedAccount("demo", "demo-key", 100, requests_per_second=20.0, burst=2)) as provider:
        code, *lines = run("forked_workers.py", *SYMBOLS[:6], provider=provider, cwd=tmp_path)
        total = provider.ledger().accounts["demo"].total

    assert ("0", sorted(f"{symbol}: paid by demo" for symbol in SYMBOLS[:6])) == (code, sorted(lines))
    assert (6, 0) == (total.charged, total.throttled)
    assert [Picture(800, 600)] * 6 == pictures(tmp_path)


def test_the_exit_code_of_the_cron_job_tells_whether_the_next_run_may_succeed(tmp_path: Path) -> None:
    """A run that saves a chart is silent; one without quota ends with 75; one with a wrong setting ends with 1."""
    with emulator(EmulatedAccount("demo", "demo-key", 1)) as provider:
        saved, spent, wrong = (
            run("cron_job.py", f"{tmp_path}", provider=provider, cwd=tmp_path, **variables)
            for variables in ({}, {}, {"CHARTS_API_MODE": "reel"})
        )

    assert ["0"] == saved
    assert ["75", "1"] == [spent[0], wrong[0]]
    assert "no account" in spent[1].lower()
    assert "CHARTS_API_MODE" in wrong[1]
    assert [Picture(800, 600)] == pictures(tmp_path)
