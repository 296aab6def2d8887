"""The emulator as tests hold it: with clients of its own, and new for each test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from ..app.async_bootstrap import AsyncChartClient
from ..app.bootstrap import ChartClient, Options
from ..domain.account import Account
from ..domain.argument import require
from ..domain.check.catalog import Catalog
from ..emulator import running
from ..emulator.accounts import DEMO, EmulatedAccount
from ..emulator.scenario import Rule, Scenario
from ..emulator.sessions import EmulatedSession
from .clock import VirtualClock

__all__ = ["Emulator"]


class Emulator(running.Emulator):
    """An emulator that makes clients on its own clock; :func:`chartimg.testing.emulator` describes the arguments.

    Attributes:
        clock: the clock of the emulator and of its clients; None for the machine's.
    """

    def __init__(
        self,
        *accounts: EmulatedAccount | Account,
        rules: Sequence[Rule] = (),
        clock: VirtualClock | None = None,
        port: int = 0,
        catalog: Catalog | None = None,
        sessions: Sequence[EmulatedSession] | None = None,
    ) -> None:
        require("port", port, int)
        super().__init__(port=port)
        self.reset(*accounts, rules=rules, clock=clock, catalog=catalog, sessions=sessions)

    def reset(
        self,
        *accounts: EmulatedAccount | Account,
        rules: Sequence[Rule] = (),
        clock: VirtualClock | None = None,
        catalog: Catalog | None = None,
        sessions: Sequence[EmulatedSession] | None = None,
    ) -> None:
        """Begin anew at the same address: connections end, and tallies, faults and moves of the clock are gone.

        Raises:
            ConfigError: the accounts, the rules or the clock can't be used; then it goes on as before.
        """
        for account in accounts:
            require("accounts", account, EmulatedAccount | Account)
        require("rules", rules, Sequence[Rule])
        require("clock", clock, VirtualClock | None)
        require("catalog", catalog, Catalog | None)
        require("sessions", sessions, Sequence[EmulatedSession] | None)
        now = None if clock is None else clock.now
        self.begin_anew(accounts or (DEMO,), Scenario(tuple(rules)), now=now, catalog=catalog, sessions=sessions)
        self.clock = clock

    def client(self, **options: Unpack[Options]) -> ChartClient:
        """Return a client of this emulator, on its clock. The caller closes it."""
        options.setdefault("clock", self.clock)
        return ChartClient.from_env(self.environ, **options)

    def async_client(self, **options: Unpack[Options]) -> AsyncChartClient:
        """Return an asynchronous client of this emulator, on its clock. The caller closes it."""
        options.setdefault("clock", self.clock)
        return AsyncChartClient.from_env(self.environ, **options)
