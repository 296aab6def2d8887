"""The chart that the tests of commands fetch: over loopback with one account, or from fixtures."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from chartimg.testing import picture
from loopback import LoopbackServer, answer

PNG = picture()
KEY = "canary-key-7f3a9"
TEMPLATE = "price_psar_adi_v1"
FETCH = ("fetch", "BINANCE:BTCUSDT", "1h", "--template", TEMPLATE, "--out", "chart.png")
FIXTURE = f"BINANCE_BTCUSDT__1h__{TEMPLATE}"
SPENT = answer(429, b'{"message":"Limit Exceeded"}', content_type="application/json")


def real(server: LoopbackServer, **more: str) -> dict[str, str]:
    """Return settings that call *server* with one account."""
    listed = [{"id": "main", "apiKey": KEY, "plan": "BASIC"}]
    return {"CHARTS_API_BASE_URL": server.url, "CHART_IMG_ACCOUNTS_JSON": json.dumps(listed), **more}


def mock(folder: Path, *names: str) -> dict[str, str]:
    """Return settings that replay *folder*, and put a picture there under each of *names*."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.png").write_bytes(PNG)
    return {"CHARTS_API_MODE": "mock", "CHARTS_FIXTURES_DIR": str(folder)}


def refused(child: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines of a run that printed no output and ended with exit code 2, without the name of the command."""
    assert (2, "") == (child.returncode, child.stdout), child.stderr
    lines = child.stderr.splitlines()
    assert all(line.startswith("chartimg: ") for line in lines), child.stderr
    return [line.removeprefix("chartimg: ") for line in lines]
