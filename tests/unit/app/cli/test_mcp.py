"""The command ``chartimg mcp``: what it refuses, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chartimg import ChartClient
from chartimg.testing import EmulatedAccount, Rule, emulator
from command import MAIN, call, environment, eventually, run_loaded
from fetching import refused
from patience import LONG

HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
CHART = {"symbol": "BINANCE:BTCUSDT", "interval": "1M", "template": "price_psar_adi_v1"}


def test_without_its_extra_it_says_what_to_install(tmp_path: Path) -> None:
    """Without the SDK the command is one line with the extra, and code 2."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "mcp", None)
        patch.delitem(sys.modules, "chartimg.app.mcp.server", raising=False)
        (line,) = refused(call("mcp", cwd=tmp_path, CHARTS_API_MODE="mock"))

    assert "chartimg mcp needs the extra mcp" in line


@pytest.mark.gate
def test_mistakes_in_the_settings_are_told_before_it_serves(tmp_path: Path) -> None:
    """A wrong budget is one line that names the variable, and code 2."""
    (line,) = refused(call("mcp", cwd=tmp_path, CHARTS_API_MODE="mock", CHARTS_MCP_BUDGET="many"))

    assert "CHARTS_MCP_BUDGET must be a whole number" in line


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_it_says_that_a_stream_is_closed(stream: str, tmp_path: Path) -> None:
    """Without a standard stream to speak over, the command is one line that names the stream, and code 2."""
    closed = f"import sys; sys.{stream} = None;"
    (line,) = refused(run_loaded(closed + MAIN, "mcp", cwd=tmp_path, CHARTS_API_MODE="mock"))

    assert f"but standard {stream.removeprefix('std')}put is closed" in line


@pytest.mark.gate
def test_a_sigterm_keeps_the_picture_of_a_call_under_way(tmp_path: Path) -> None:
    """After SIGTERM the call under way goes on to its end, and its picture costs the next session no unit."""
    with emulator(EmulatedAccount("main", "canary-key", plan="BASIC"), rules=[Rule(latency=1.0)]) as provider:
        settings = {
            **provider.environ,
            "CHARTS_ACCOUNT_STORE": f"sqlite:///{tmp_path}/books.sqlite3",
            "CHARTS_CACHE": str(tmp_path / "cache"),
        }
        with subprocess.Popen(
            [sys.executable, "-m", "chartimg", "mcp"],
            cwd=tmp_path,
            env=environment(tmp_path / "home", **settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            try:
                assert child.stdin is not None
                for number, (method, parameters) in enumerate(
                    (
                        ("initialize", HELLO),
                        ("notifications/initialized", {}),
                        ("tools/call", {"name": "chart", "arguments": CHART}),
                    )
                ):
                    named = {} if method.startswith("notifications") else {"id": number}
                    line = {"jsonrpc": "2.0", **named, "method": method, "params": parameters}
                    child.stdin.write(json.dumps(line) + "\n")
                child.stdin.flush()
                eventually(lambda: provider.ledger().accounts["main"].total.charged == 1)
                child.send_signal(signal.SIGTERM)
                code = child.wait(LONG)  # while its input is open
                _, errors = child.communicate()
            finally:
                child.kill()  # if it has not ended
        with ChartClient.from_env(settings) as client:
            again = client.fetch(client.request(CHART["symbol"], "1M", template=CHART["template"]), fresh="candle")

    assert 128 + signal.SIGTERM == code
    assert "CACHE" == again.source
    assert "canary" not in errors
    assert "Traceback" not in errors
