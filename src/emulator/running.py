"""An emulator in a thread of this process, and its handle."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Self, TypeVar

from ..adapters.clock import SystemClock
from ..codec import dump
from ..domain.account import Account
from ..domain.argument import require
from ..domain.check.catalog import Catalog
from ..domain.errors import ConfigError
from .accounts import DEMO, EmulatedAccount
from .provider import Provider
from .quota import Tallies
from .scenario import Rule, Scenario
from .server import Server
from .sessions import EmulatedSession

T = TypeVar("T")


class Emulator:
    """A CHART-IMG that listens on loopback while its ``with`` block runs. Safe from many threads.

    Args:
        accounts: the known keys; by default one on the plan PRO.
        scenario: the faults.
        now: a function that returns the date and time (aware); by default the machine's. With a client's ``clock.now``
            both live on the same day.
        port: the port to listen on; 0 takes a free one.
        catalog: the provider's rules and plans; by default the shipped ones.
        sessions: the known TradingView sessions; by default one.

    Attributes:
        accounts: the known keys, with every limit stated.
        url: the address, for ``CHARTS_API_BASE_URL``.

    Raises:
        ConfigError: the accounts or the scenario can't be used, the catalog lacks a plan, or the port is taken.
    """

    def __init__(
        self,
        accounts: Sequence[EmulatedAccount | Account] = (DEMO,),
        scenario: Scenario | None = None,
        *,
        now: Callable[[], datetime] | None = None,
        port: int = 0,
        catalog: Catalog | None = None,
        sessions: Sequence[EmulatedSession] | None = None,
    ) -> None:
        self._port = port
        self._running: _Running | None = None
        self.url = ""
        self.begin_anew(accounts, scenario, now=now, catalog=catalog, sessions=sessions)

    @property
    def environ(self) -> Mapping[str, str]:
        """The settings of its clients: address, accounts, and books in memory."""
        return {
            "CHARTS_API_BASE_URL": self.url,
            "CHART_IMG_ACCOUNTS_JSON": dump(self.accounts),
            "CHARTS_ACCOUNT_STORE": "memory://",
        }

    def start(self) -> None:
        """Begin to listen; the tallies go on if it was stopped before.

        Raises:
            ConfigError: the port is taken, or the emulator listens already.
        """
        if self._running is not None:
            raise ConfigError(f"the emulator already listens at {self.url}")
        running = _Running(self._provider)
        try:
            port = running.call(running.server.start(self._port))
        except OSError as error:
            running.end()
            reason = os.strerror(error.errno) if error.errno else str(error)  # asyncio's own words repeat the address
            raise ConfigError(
                f"the emulator can't listen on port {self._port}: {reason}; choose another port"
            ) from None
        self._running, self.url = running, f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """End every connection and keep the tallies. Idempotent."""
        running, self._running = self._running, None
        if running is not None:
            running.call(running.server.stop())
            running.end()

    def begin_anew(
        self,
        accounts: Sequence[EmulatedAccount | Account] = (DEMO,),
        scenario: Scenario | None = None,
        *,
        now: Callable[[], datetime] | None = None,
        catalog: Catalog | None = None,
        sessions: Sequence[EmulatedSession] | None = None,
    ) -> None:
        """Be a new provider at the same address: without connections, tallies, faults and a moved clock.

        Raises:
            ConfigError: as for the constructor; then it goes on as before.
        """
        self._provider = Provider(accounts, now or SystemClock().now, scenario, catalog, sessions)
        self.accounts = self._provider.accounts
        if self._running is not None:
            self._running.call(self._running.server.serve(self._provider))

    def ledger(self) -> Tallies:
        """Return the provider's tallies."""
        return self._ask(self._provider.ledger)

    def move_clock(self, seconds: float) -> datetime:
        """Move the provider's clock by *seconds*, and return its date and time (UTC)."""
        require("seconds", seconds, float)
        return self._ask(lambda: self._provider.move_clock(seconds))

    def play(self, *rules: Rule, seed: int = 0) -> None:
        """Replace the scenario by *rules*; without rules there are no more faults."""
        require("rules", rules, tuple[Rule, ...])
        require("seed", seed, int)
        self._ask(lambda: self._provider.play(Scenario(rules, seed)))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _ask(self, question: Callable[[], T]) -> T:
        """Return the answer to *question*, asked in the provider's thread while it listens."""

        async def asked() -> T:
            return question()

        return question() if self._running is None else self._running.call(asked())


class _Running:
    """A thread with an event loop and the server."""

    def __init__(self, provider: Provider) -> None:
        self.server = Server(provider)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chartimg-emulator", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of *work*, run in the thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def end(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
