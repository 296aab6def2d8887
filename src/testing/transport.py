"""A transport for tests: it follows a script and records the calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..domain.account import Account
from ..domain.chart import ChartRequest
from ..domain.reply import Reply, TransportFailure
from .clock import VirtualClock

Outcome = Reply | TransportFailure
Answer = Callable[[ChartRequest, Account | None, float | None], Outcome]


class Call(NamedTuple):
    """One call of a transport: the arguments of ``send``."""

    request: ChartRequest
    account: Account | None
    timeout: float | None


class ScriptedTransport:
    """A :class:`chartimg.domain.ports.Transport` that returns one scripted outcome after the other.

    An outcome may be a function of request, account and timeout. It is called when its turn comes, and may raise.
    Safe from many threads.

    Args:
        outcomes: the script, read call by call; it may be endless.
        clock: the clock that each call moves.
        duration: seconds of *clock* that each call takes.

    Attributes:
        calls: all calls, in order.

    Raises:
        ValueError: a *duration* without a *clock*.
    """

    def __init__(
        self, outcomes: Iterable[Outcome | Answer], *, clock: VirtualClock | None = None, duration: float = 0.0
    ) -> None:
        if duration and clock is None:
            raise ValueError("a duration needs the clock it is taken from")
        self.calls: list[Call] = []
        self._script = iter(outcomes)
        self._clock = clock
        self._duration = duration
        self._lock = threading.Lock()

    def send(self, request: ChartRequest, account: Account | None, *, timeout: float | None = None) -> Outcome:
        """Return the next outcome of the script.

        Raises:
            AssertionError: the script has run out.
        """
        with self._lock:
            self.calls.append(Call(request, account, timeout))
            number, scripted = len(self.calls), next(self._script, None)
        if scripted is None:
            who = "no account" if account is None else f"account {account.id!r}"
            raise AssertionError(f"call {number}, for {request.key} on {who}, has no outcome: the script has run out")
        if self._clock is not None:
            self._clock.advance(self._duration)
        return scripted if isinstance(scripted, Reply | TransportFailure) else scripted(request, account, timeout)
