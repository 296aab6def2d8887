"""A gateway for tests: a real server on loopback in a thread of this process."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import attrs
import urllib3
import uvicorn

from chartimg import AsyncChartClient
from chartimg.app.bootstrap import open_pool
from chartimg.app.config import WorkerConfig
from chartimg.app.gateway.callers import Callers
from chartimg.app.gateway.protocol import HeadLimitedProtocol
from chartimg.app.gateway.server import Gateway
from chartimg.app.gateway.settings import read_callers
from chartimg.domain.chart.endpoint import ADVANCED_CHART

Answer = urllib3.BaseHTTPResponse
_PATIENCE: Final = 30.0  # seconds


@attrs.frozen
class Served:
    """A gateway that runs.

    Attributes:
        url: its base address.
    """

    url: str

    def ask(self, method: str, path: str, body: object = None, *, token: str | None = None, **headers: str) -> Answer:
        """Send one request. A *body* that is not bytes is posted as JSON."""
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            named["x-api-key"] = token
        with urllib3.PoolManager(retries=False) as pool:
            return pool.request(method, f"{self.url}{path}", body=sent, headers=named)

    def chart(self, body: object, *, token: str | None = None) -> Answer:
        """Post *body* to the chart endpoint."""
        return self.ask("POST", ADVANCED_CHART.path, body, token=token, content_type="application/json")


@contextmanager
def gateway(environ: Mapping[str, str]) -> Iterator[Served]:
    """Run a gateway with these settings in the block."""
    config = WorkerConfig.from_env({"CHARTS_CACHE": "memory://", **environ})
    callers = Callers(read_callers(environ), lambda account: open_pool(attrs.evolve(config, accounts=(account,))))
    app = Gateway(AsyncChartClient(config), config, callers).app()
    server = uvicorn.Server(
        uvicorn.Config(app, http=HeadLimitedProtocol, log_config=None, access_log=False, timeout_graceful_shutdown=30)
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        end = time.monotonic() + _PATIENCE
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < end
            time.sleep(0.005)
        try:
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join(_PATIENCE)
