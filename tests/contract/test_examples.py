"""The programs of docs/examples do what they say, as processes of their own, against the emulator."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.domain.reply.png import Picture, inspect
from chartimg.testing import EmulatedAccount, Emulator, Rule, emulator
from command import environment, eventually
from forks import forked
from loopback import answer, serving
from patience import LONG
from places import DOCS

SYMBOLS = [f"BINANCE:{coin}USDT" for coin in ("BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "DOT", "LTC", "TRX", "UNI")]


ALONE = {"post_chart.py", "cron_job.py", "forked_workers.py"}
"""Programs that read no input and no further path."""


def run(program: str, *arguments: str, provider: Emulator, cwd: Path, stdin: str = "", **variables: str) -> list[str]:
    """Run a program to its end, and return its exit code and output as lines."""
    settings = {**provider.environ, "CHARTS_ACCOUNT_STORE": f"sqlite:///{cwd}/books", **variables}
    if program in ALONE:
        code = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
        path, environ = str(DOCS / "examples" / program), environment(cwd, **settings)
        ended = forked(code, path, *arguments, cwd=cwd, environ=environ, options=("-W", "error"))
        return [str(ended.returncode), *ended.stdout.splitlines(), *ended.stderr.splitlines()]
    command = [sys.executable, "-W", "error", str(DOCS / "examples" / program), *arguments]
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment(cwd, **settings),
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2 * LONG,
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
            server.wait(timeout=LONG)
    assert "Traceback" not in log.read_text(encoding="utf-8"), log.read_text(encoding="utf-8")


def refusal(port: int) -> int | None:
    """Ask for a chart with a wrong interval, and return the status."""
    try:
        return urlopen(f"http://127.0.0.1:{port}/charts/BINANCE:BTCUSDT/1H.png", timeout=LONG).status  # type: ignore[no-any-return]
    except HTTPError as refused:
        return refused.status


@pytest.mark.gate
def test_clients_that_leave_a_fastapi_host_cost_no_call_that_had_not_begun_and_lose_no_picture(tmp_path: Path) -> None:
    """If twenty clients leave in the middle and twenty ask again, each chart is called for once."""
    paths = [f"/charts/{symbol}/{timeframe}.png" for symbol, timeframe in product(SYMBOLS, ("1h", "4h"))]
    account = EmulatedAccount("demo", "demo-key", daily_limit=100, requests_per_second=5.0, burst=3)

    def calls() -> int:
        return provider.ledger().accounts["demo"].total.charged

    def settled() -> bool:
        """Return whether every picture is kept, and no call comes for a while."""
        before = calls()
        time.sleep(0.5)
        return before == calls() == log.read_text(encoding="utf-8").count("chart_api_picture_kept")

    with emulator(account, rules=[Rule(latency=0.4)]) as provider, fastapi_host(provider, tmp_path) as (port, log):
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in paths]
        for client, path in zip(clients, paths, strict=True):
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        eventually(lambda: calls() >= 3)
        for client in clients:
            client.close()
        assert [502] * 2 == [refusal(port) for _ in range(2)]  # the host has looked at its connections since
        eventually(settled)
        begun = calls()
        assert 3 <= begun < len(paths)

        with ThreadPoolExecutor(len(paths)) as others:
            got = list(others.map(lambda path: urlopen(f"http://127.0.0.1:{port}{path}", timeout=LONG).read(), paths))
        assert len(paths) == calls()
        assert len(paths) == len({body for body in got if isinstance(inspect(body), Picture)})


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
    """Four workers are charged one call for each chart, and each call is in the books of all."""
    with emulator(EmulatedAccount("demo", "demo-key", 100, requests_per_second=20.0, burst=2)) as provider:
        code, *lines = run("forked_workers.py", *SYMBOLS[:6], provider=provider, cwd=tmp_path)
        total = provider.ledger().accounts["demo"].total
    with closing(SqliteAccountStore(tmp_path / "books")) as store:
        (books,) = store.read(["demo"])

    assert ("0", sorted(f"{symbol}: paid by demo" for symbol in SYMBOLS[:6])) == (code, sorted(lines))
    assert 6 == total.charged
    assert books is not None
    assert total.asked == books.used  # on a slow machine a call may come late, be throttled, and be made again
    assert [Picture(800, 600)] * 6 == pictures(tmp_path)


BILLIARD = """
import sys
import billiard
from forked_workers import client, save
with client, billiard.get_context("fork").Pool(4) as workers:
    for line in workers.imap_unordered(save, sys.argv[1:]):
        print(line)
"""
"""The example with the pool of processes that Celery's prefork pool is made of."""

GUNICORN = """
from forked_workers import client, save

def application(environ, start):
    start("200 OK", [("content-type", "text/plain")])
    return [save(environ["PATH_INFO"].strip("/")).encode()]
"""
"""A WSGI application over the client of the example."""


@pytest.mark.gate
def test_forked_workers_may_be_those_of_celery(tmp_path: Path) -> None:
    """The workers of billiard, on which Celery's prefork pool stands, are charged one call for each chart."""
    (tmp_path / "over_billiard.py").write_text(BILLIARD, encoding="utf-8")
    with emulator() as provider:
        program, path = f"{tmp_path / 'over_billiard.py'}", f"{DOCS / 'examples'}"
        code, *lines = run(program, *SYMBOLS[:4], provider=provider, cwd=tmp_path, PYTHONPATH=path)
        assert 4 == provider.ledger().accounts["demo"].total.charged

    assert ("0", sorted(f"{symbol}: paid by demo" for symbol in SYMBOLS[:4])) == (code, sorted(lines))


@pytest.mark.gate
def test_forked_workers_may_be_those_of_gunicorn(tmp_path: Path) -> None:
    """Two preloaded workers of gunicorn are charged one call for each chart, and end with the server."""
    (tmp_path / "over_gunicorn.py").write_text(GUNICORN, encoding="utf-8")
    command = [sys.executable, "-m", "gunicorn", "over_gunicorn", "--preload", "--workers", "2", "--threads", "2"]
    with (
        emulator() as provider,
        socket.create_server(("127.0.0.1", 0)) as listening,
        (tmp_path / "log").open("wb") as log,
    ):
        settings = {**provider.environ, "CHARTS_ACCOUNT_STORE": f"sqlite:///{tmp_path}/books"}
        server = subprocess.Popen(
            [*command, "--bind", f"fd://{listening.fileno()}"],
            cwd=tmp_path,
            env=environment(tmp_path, **settings, PYTHONPATH=f"{DOCS / 'examples'}"),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[listening.fileno()],
        )
        try:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            with ThreadPoolExecutor(6) as others:
                got = list(others.map(lambda each: urlopen(f"{url}/{each}", timeout=LONG).read().decode(), SYMBOLS[:6]))
        finally:
            server.terminate()
            code = server.wait(timeout=LONG)
        assert 6 == provider.ledger().accounts["demo"].total.charged

    assert [f"{symbol}: paid by demo" for symbol in SYMBOLS[:6]] == got
    assert 0 == code


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
