"""The units that one session may spend: a pool that grants no claim beyond them."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from ...domain.account import Claim
from ...domain.account.turn import Granted, Need, NoneLeft, NoPlan, WaitUntil
from ...domain.faults import ChartApiError, FaultKind
from ..bootstrap import AccountPool
from ..config import WorkerConfig
from ..stores import open_store

__all__ = ["SessionPool"]


class SessionPool(AccountPool):
    """The accounts of *config*, of which this session may spend *budget* units; None for all they have.

    The bound holds for calls at once, too: a claim counts from the moment it is asked for, until it is refunded.
    """

    def __init__(self, config: WorkerConfig, budget: int | None) -> None:
        store = open_store(config.account_store)
        super().__init__(config.accounts, store, catalog=config.catalog, outage=config.outage)
        self._lock = Lock()
        self._budget = budget
        self._asked = 0
        self._claims: set[Claim] = set()

    @property
    def budget(self) -> int | None:
        """The units that the session may spend; None without a bound."""
        return self._budget

    @property
    def session_left(self) -> int | None:
        """The units that the session has left; None without a bound."""
        with self._lock:
            return None if self._budget is None else max(0, self._budget - len(self._claims))

    def claim(
        self, *, latest: datetime | None = None, need: Need | None = None
    ) -> Granted | WaitUntil | NoneLeft | NoPlan:
        """Take one unit as a pool does, unless the session has spent its budget."""
        with self._lock:
            if self._budget is not None and len(self._claims) + self._asked >= self._budget:
                return NoneLeft(None)
            self._asked += 1
        turn = None
        try:
            turn = super().claim(latest=latest, need=Need() if need is None else need)
        finally:
            with self._lock:
                self._asked -= 1
                if isinstance(turn, Granted):
                    self._claims.add(turn.claim)
        return turn

    def refund(self, claim: Claim) -> None:
        """Return an unused claim, to the session, too. Idempotent."""
        super().refund(claim)
        with self._lock:
            self._claims.discard(claim)

    def report(self, claim: Claim, error: ChartApiError | None) -> None:
        """Book the outcome of a call. One that was never sent costs the session no unit."""
        super().report(claim, error)
        if error is not None and error.kind is FaultKind.NOT_SENT:
            with self._lock:
                self._claims.discard(claim)
