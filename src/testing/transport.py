"""A transport for tests: it follows a script and records the calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence, Sized
from typing import TYPE_CHECKING, Final, NamedTuple, Unpack

from ..domain.account import Account
from ..domain.argument import require
from ..domain.chart import Request
from ..domain.errors import ConfigError
from ..domain.reply import Reply, TransportFailure
from .clock import VirtualClock

if TYPE_CHECKING:
    from ..app.async_bootstrap import AsyncChartClient
    from ..app.bootstrap import ChartClient, Options
    from ..app.pool import Pool

_ONE: Final = (Account("main", "key-of-main"),)

Outcome = Reply | TransportFailure
Answer = Callable[[Request, Account | None, float | None], Outcome]


class Call(NamedTuple):
    """One call of a transport: the arguments of ``send``."""

    request: Request
    account: Account | None
    timeout: float | None


class ScriptedTransport:
    """A :class:`chartimg.domain.ports.Transport` that returns one scripted outcome after the other.

    An outcome may be a function of request, account and timeout. It is called when its turn comes, and may raise.
    Safe from many threads.

    Args:
        outcomes: the script, read call by call; an iterator may be endless.
        clock: the clock that each call moves, and that of the clients that :meth:`client` makes.
        duration: seconds of *clock* that each call takes.

    Attributes:
        calls: all calls, in order.
        clock: the clock; by default one of its own.

    Raises:
        ConfigError: an argument or an outcome is of a wrong type.
        ValueError: a *duration* without a *clock*.
    """

    def __init__(
        self, outcomes: Iterable[Outcome | Answer], *, clock: VirtualClock | None = None, duration: float = 0.0
    ) -> None:
        require("outcomes", outcomes, Iterable)
        require("clock", clock, VirtualClock | None)
        require("duration", duration, float)
        for number, outcome in enumerate(outcomes if isinstance(outcomes, Sequence) else (), start=1):
            _require_outcome(number, outcome)
        if duration and clock is None:
            raise ValueError("a duration needs the clock it is taken from")
        self.calls: list[Call] = []
        self._left = len(outcomes) if isinstance(outcomes, Sized) else 0
        self._script = iter(outcomes)
        self._beyond: list[str] = []
        self.clock = clock or VirtualClock()
        self._duration = duration
        self._lock = threading.Lock()

    def send(self, request: Request, account: Account | None, *, timeout: float | None = None) -> Outcome:
        """Return the next outcome of the script.

        Raises:
            AssertionError: the script has run out.
            ConfigError: the outcome is of a wrong type.
        """
        with self._lock:
            self.calls.append(Call(request, account, timeout))
            number = len(self.calls)
            try:
                scripted = next(self._script)
            except StopIteration:
                who = "no account" if account is None else f"account {account.id!r}"
                beyond = f"call {number}, for {request.key} on {who}, has no outcome: the script has run out"
                self._beyond.append(beyond)
                raise AssertionError(beyond) from None
            self._left -= 1
        _require_outcome(number, scripted)
        self.clock.advance(self._duration)
        outcome = scripted if isinstance(scripted, Reply | TransportFailure) else scripted(request, account, timeout)
        require(f"the outcome of call {number}", outcome, Reply | TransportFailure)
        return outcome

    @property
    def problems(self) -> list[str]:
        """Calls beyond the script, and the number of outcomes that were not played; those of an iterator may stay."""
        with self._lock:
            left = [f"{self._left} of the script's outcomes not played"] if self._left > 0 else []
            return [*self._beyond, *left]

    def client(self, accounts: Pool | Sequence[Account] = _ONE, **options: Unpack[Options]) -> ChartClient:
        """Return a client over this transport, on its clock, by default with one account. The caller closes it."""
        from ..app.bootstrap import ChartClient

        options.setdefault("clock", self.clock)
        return ChartClient(transport=self, accounts=accounts, **options)

    def async_client(self, accounts: Pool | Sequence[Account] = _ONE, **options: Unpack[Options]) -> AsyncChartClient:
        """Return an asynchronous client over this transport, on its clock. The caller closes it."""
        from ..app.async_bootstrap import AsyncChartClient

        options.setdefault("clock", self.clock)
        return AsyncChartClient(transport=self, accounts=accounts, **options)


def _require_outcome(number: int, outcome: object) -> None:
    if not (isinstance(outcome, Reply | TransportFailure) or (callable(outcome) and not isinstance(outcome, type))):
        kind = type(outcome).__name__
        raise ConfigError(f"outcomes must be replies, transport failures or functions; number {number} is {kind}")
