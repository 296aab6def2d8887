"""What hosts use in their own tests: time that passes when told to, a transport that follows a script, a small picture.

    clock = VirtualClock()
    transport = ScriptedTransport([Reply(503), Reply(200, body=picture())], clock=clock, duration=2.0)
    result = fetch_with_retries(transport=transport, request=request, accounts=[account], clock=clock)

    assert result.ok
    assert len(transport.calls) == 2

Nothing of these waits, listens or touches a file. And where a host wants real HTTP, a CHART-IMG of its own:

    with emulator() as provider, ChartClient.from_env(provider.environ) as client:
        result = client.fetch(request)

    assert provider.ledger().accounts["demo"].total.charged == 1

It needs the extra ``emulator``. ``pytest_plugins = ["chartimg.pytest_plugin"]`` gives the same as the fixture
``chartimg_emulator``.

Who writes an account store of his own proves it with :class:`AccountStoreContract`.
"""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from ..domain.account import Account
from ..domain.chart import ChartRequest
from ..domain.reply import Reply, TransportFailure

if TYPE_CHECKING:
    from ..domain.check.catalog import Catalog
    from ..emulator.accounts import EmulatedAccount
    from ..emulator.running import Emulator
    from ..emulator.scenario import Fault, Rule
    from .account_store import AccountStoreContract
    from .event_log import EventLog

__all__ = [
    "AccountStoreContract",
    "Answer",
    "Call",
    "EmulatedAccount",
    "Emulator",
    "EventLog",
    "Fault",
    "Outcome",
    "Rule",
    "ScriptedTransport",
    "VirtualClock",
    "emulator",
    "picture",
]

_LATER: Final = {
    "AccountStoreContract": ".account_store",
    "EmulatedAccount": "..emulator.accounts",
    "Emulator": "..emulator.running",
    "EventLog": ".event_log",
    "Fault": "..emulator.scenario",
    "Rule": "..emulator.scenario",
}

_NOON: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
_MAX_PIXELS: Final = 2**31 - 1


class VirtualClock:
    """A :class:`chartimg.domain.ports.Clock` on which no real time passes. Safe from many threads.

    Args:
        start: the date and time it begins with, aware; noon of a Monday when it is left out.

    Attributes:
        slept: the seconds of every pause that was asked for, in order.

    Raises:
        ValueError: *start* has no time zone.
    """

    def __init__(self, start: datetime = _NOON) -> None:
        if start.tzinfo is None:
            raise ValueError(f"start must be aware, not {start.isoformat()}")
        self.slept: list[float] = []
        self._lock = threading.Lock()
        self._start = start.astimezone(UTC)
        self._passed = 0.0
        self._stepped = 0.0

    def now(self) -> datetime:
        """Give the date and time in UTC."""
        with self._lock:
            return self._start + timedelta(seconds=self._stepped) + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Give the seconds that have passed since the start."""
        with self._lock:
            return self._passed

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass at once, and note them in :attr:`slept`; less than none is none."""
        with self._lock:
            self.slept.append(seconds)
            self._passed += max(0.0, seconds)

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass without anybody sleeping, as a slow call does.

        Raises:
            ValueError: *seconds* is negative; :meth:`step` sets the wall clock back.
        """
        if seconds < 0:
            raise ValueError(f"time can't pass backwards ({seconds} s); step() sets the wall clock back")
        with self._lock:
            self._passed += seconds

    def step(self, seconds: float) -> None:
        """Set the wall clock *seconds* forward, or back if they are negative; no time passes."""
        with self._lock:
            self._stepped += seconds


Outcome = Reply | TransportFailure
Answer = Callable[[ChartRequest, Account | None, float | None], Outcome]


class Call(NamedTuple):
    """What a transport was asked: the arguments of one ``send``."""

    request: ChartRequest
    account: Account | None
    timeout: float | None


class ScriptedTransport:
    """A :class:`chartimg.domain.ports.Transport` that gives one scripted outcome after the other.

    An outcome may be a function of request, account and timeout that gives the outcome when its turn comes, or raises.
    Safe from many threads.

    Args:
        outcomes: the script; it is read as the calls come, so it may be endless.
        clock: the clock that a call takes its time from.
        duration: how many seconds of *clock* each call takes, before its outcome is known.

    Attributes:
        calls: every call that was made, in order.

    Raises:
        ValueError: there is a *duration* and no *clock* to take it from.
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
        """Give the next outcome of the script.

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


def emulator(
    *accounts: EmulatedAccount | Account,
    rules: Sequence[Rule] = (),
    clock: VirtualClock | None = None,
    port: int = 0,
    catalog: Catalog | None = None,
) -> Emulator:
    """Make a CHART-IMG of one's own, which listens on loopback for the length of a ``with`` block.

    Args:
        accounts: the keys it knows, as the provider sees them or as a client does, whose limits are the provider's then;
            one of the plan PRO, ``demo``, when there are none.
        rules: what goes wrong, and how long answers take.
        clock: the clock of the client under test, so that both live on the same day; the machine's when it is left out.
        port: where it listens; a free port when it is 0.
        catalog: the provider's rules for a chart, and what its plans allow; what ships when it is left out.

    Raises:
        ConfigError: the extra ``emulator`` is not installed, the accounts or the rules can't be used, or the catalog
            lacks the plan of an account.
    """
    from ..domain.errors import missing_extra

    try:
        from ..emulator.accounts import DEMO, EmulatedAccount
        from ..emulator.running import Emulator
        from ..emulator.scenario import Scenario
    except ModuleNotFoundError:
        raise missing_extra("the emulator", "emulator") from None
    now = None if clock is None else clock.now
    known = tuple(EmulatedAccount.of(each) if isinstance(each, Account) else each for each in accounts) or (DEMO,)
    return Emulator(known, Scenario(tuple(rules)), now=now, port=port, catalog=catalog)


def __getattr__(name: str) -> object:
    """Import what belongs to the emulator, or to the contract suite, when it is first used; the rest needs no extra."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_LATER[name], __package__), name)
    return value


def __dir__() -> list[str]:
    """List what can be asked for, loaded or not."""
    return sorted({*globals(), *_LATER})


def picture(width: int = 800, height: int = 600) -> bytes:
    """Make a small valid PNG, *width* by *height* pixels, white beneath a black line: one colour alone is doubtful.

    Raises:
        ValueError: there is no picture of that size.
    """
    if not (0 < width <= _MAX_PIXELS and 0 < height <= _MAX_PIXELS):
        raise ValueError(f"a picture can't be {width} by {height} pixels")
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)  # greyscale of one bit, not interlaced
    bytes_a_row = (width + 7) // 8
    rows = bytes(1 + bytes_a_row) + (b"\x00" + b"\xff" * bytes_a_row) * (
        height - 1
    )  # each begins with its filter, none
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    """Frame *content* with its length, its kind and their checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
