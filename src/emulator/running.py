"""An emulator that runs in a thread of this process, and the handle on it."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from ..domain.check.catalog import Catalog
from ..domain.errors import ConfigError
from .accounts import DEMO, EmulatedAccount
from .provider import Provider
from .quota import Tallies
from .scenario import Rule, Scenario
from .server import Server

__all__ = ["Emulator"]

T = TypeVar("T")


class Emulator:
    """A CHART-IMG on loopback, from the beginning of a ``with`` block to its end. Safe from many threads.

    Args:
        accounts: the keys it knows; one of the plan PRO when they are left out.
        scenario: what goes wrong.
        now: gives the date and time (aware); the machine's when it is left out. Give the clock of a client,
            ``clock.now``, and both live on the same day.
        port: where it listens; a free port when it is 0.
        catalog: the provider's rules and plans; those that ship when it is left out.

    Attributes:
        accounts: the keys it knows, with everything stated.
        url: its address, for ``CHARTS_API_BASE_URL``.

    Raises:
        ConfigError: the accounts or the scenario can't be used, the catalog lacks a plan, or the port is taken.
    """

    def __init__(
        self,
        accounts: Sequence[EmulatedAccount] = (DEMO,),
        scenario: Scenario | None = None,
        *,
        now: Callable[[], datetime] | None = None,
        port: int = 0,
        catalog: Catalog | None = None,
    ) -> None:
        self._port = port
        self._provider = Provider(accounts, now or _utc_now, scenario, catalog)
        self.accounts = self._provider.accounts
        self._running: _Running | None = None
        self.url = ""

    @property
    def environ(self) -> Mapping[str, str]:
        """The settings that point a client at it: its address, its accounts, and books that end with the process."""
        accounts = [
            {
                "id": account.id,
                "apiKey": account.api_key,
                "dailyLimit": account.daily_limit,
                "plan": account.plan,
                "requestsPerSecond": account.requests_per_second,
                "burst": account.burst,
            }
            for account in (emulated.account for emulated in self.accounts)
        ]
        return {
            "CHARTS_API_BASE_URL": self.url,
            "CHART_IMG_ACCOUNTS_JSON": json.dumps(accounts),
            "CHARTS_ACCOUNT_STORE": "memory://",
        }

    def start(self) -> None:
        """Begin to listen, on the same books as before if it was stopped.

        Raises:
            ConfigError: the port is taken, or it listens already.
        """
        if self._running is not None:
            raise ConfigError(f"the emulator listens already, at {self.url}")
        running = _Running(self._provider)
        try:
            port = running.call(running.server.start(self._port))
        except OSError as error:
            running.end()
            raise ConfigError(f"port {self._port} can't be listened on: {_reason(error)}; name another") from None
        self._running, self.url = running, f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """End every connection; the books stay, and once is enough."""
        running, self._running = self._running, None
        if running is not None:
            running.call(running.server.stop())
            running.end()

    def ledger(self) -> Tallies:
        """Give the provider's books."""
        return self._ask(self._provider.ledger)

    def move_clock(self, seconds: float) -> datetime:
        """Let the provider's clock step by *seconds*, so that a day passes at once; give its date and time (UTC)."""
        return self._ask(lambda: self._provider.move_clock(seconds))

    def play(self, *rules: Rule, seed: int = 0) -> None:
        """Begin a scenario of *rules*, in place of the one before; without rules nothing goes wrong any more."""
        self._ask(lambda: self._provider.play(Scenario(rules, seed)))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ask(self, question: Callable[[], T]) -> T:
        """Ask the provider, in the thread it lives in if it listens."""
        running = self._running
        return question() if running is None else running.call(_called(question))


class _Running:
    """A thread with an event loop, and the server in it."""

    def __init__(self, provider: Provider) -> None:
        self.server = Server(provider)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chartimg-emulator", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* in the thread and give what it gives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def end(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _reason(error: OSError) -> str:
    """Say why in the system's words; asyncio's name the address once more."""
    return os.strerror(error.errno) if error.errno else str(error)


async def _called(function: Callable[[], T]) -> T:
    return function()


def _utc_now() -> datetime:
    return datetime.now(UTC)
