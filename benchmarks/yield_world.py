"""A day of the provider's in virtual time, for ``quota_yield.py``: clock, keys, luck, demand and the slots of a process.

Time is counted in whole microseconds from midnight UTC, so that tokens return on time to the microsecond and two runs
with one seed are equal. A way of fetching is a generator. It yields a pause in microseconds or a :class:`Call`, is sent
the :class:`Answer` to a call, and returns a :class:`Verdict`.
"""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Final, Protocol

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
START: Final = datetime(2026, 1, 5, tzinfo=UTC)

UNITS: Final = 50  # of a key, for a day
BURST: Final = 3  # calls at once, and one more a second
LATENCY: Final = 2.0  # seconds, the median
SPREAD: Final = 0.4  # of the latency's logarithm: one call in a hundred takes more than 5 s
ERRORS: Final = 0.005  # the share of calls that end with a 500
TIMEOUTS: Final = 0.002  # the share of calls without an answer
SILENCE: Final = 30 * SECOND  # the end of the longest call
REFUSAL: Final = SECOND // 10  # the duration of a 429
MAX_CALLS: Final = 3  # that a chart may be charged for


class VirtualTime:
    """A :class:`chartimg.domain.ports.Clock` that jumps from one event to the next."""

    def __init__(self) -> None:
        self.passed = 0
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()

    def now(self) -> datetime:
        """Return the date and time in UTC."""
        return START + timedelta(microseconds=self.passed)

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self.passed / SECOND

    def sleep(self, seconds: float) -> None:
        """Refuse to sleep, since a way of fetching yields its pauses."""
        raise AssertionError(f"a sleep of {seconds} s would stop the virtual day")

    def at(self, moment: int, work: Callable[[], None]) -> None:
        """Plan *work* for *moment*; work of one moment keeps the order in which it was planned."""
        heappush(self._events, (moment, next(self._order), work))

    def run(self) -> None:
        """Do all planned work, moment by moment."""
        while self._events:
            self.passed, _, work = heappop(self._events)
            work()


@dataclass(frozen=True, slots=True)
class Outage:
    """A time when every call fails and is charged all the same.

    Attributes:
        begins, ends: its moments.
        hangs: the microseconds until a call fails; without an answer if they are more than a second.
    """

    begins: int
    ends: int
    hangs: int = SECOND // 2

    @property
    def fate(self) -> Fate:
        """The luck of a call."""
        return Fate(self.hangs, Answer.TIMEOUT if self.hangs > SECOND else Answer.ERROR)


class Answer(StrEnum):
    """The answer to a call."""

    PICTURE = "200"
    ERROR = "500"
    TIMEOUT = "timeout"
    THROTTLED = "429 Too Many Requests"
    SPENT = "429 Limit Exceeded"


class Verdict(StrEnum):
    """The end of a chart."""

    DELIVERED = "delivered"
    DATED = "refused without a call, with the date to come back"
    DOWN = "refused without a call, since the service is down"
    REFUSED = "refused without a call"
    FAILED = "failed after calls"


@dataclass(frozen=True, slots=True)
class Fate:
    """The luck of one charged call of a chart, the same in every way of fetching."""

    latency: int
    answer: Answer


@dataclass(slots=True)
class Chart:
    """One chart of the demand, and its end.

    Attributes:
        number: the place in the demand.
        demanded: the moment of the demand.
        process: the number of the process that fetches it.
        fates: the luck of its charged calls, in order.
        under_way: the microseconds that its calls travel to the provider, in order.
        charged: the number of its charged calls so far.
        calls: the number of its calls so far.
        verdict: the end of its fetch.
        finished: the moment of that end.
    """

    number: int
    demanded: int
    process: int
    fates: tuple[Fate, ...]
    under_way: tuple[int, ...]
    charged: int = 0
    calls: int = 0
    verdict: Verdict | None = None
    finished: int = 0
    _chance: random.Random | None = field(default=None, repr=False)

    def chance(self) -> float:
        """Return a number in [0, 1) for the jitter."""
        if self._chance is None:
            self._chance = random.Random(self.number)
        return self._chance.random()


@dataclass(slots=True)
class _Key:
    """The bucket and the quota that the provider keeps for a key."""

    tokens: int = BURST * SECOND
    seen: int = 0
    day: int = 0
    used: int = 0


class Provider:
    """Throttles first, then refuses a spent key, both free of charge; charges every other call.

    Attributes:
        charged: units charged on each day.
        throttled: calls that got a 429 ``Too Many Requests``.
        refused: calls that got a 429 ``Limit Exceeded``.
        spent_down: units charged during an outage.
    """

    def __init__(self, keys: int, outages: Sequence[Outage] = ()) -> None:
        self._outages = tuple(outages)
        self.spent_down = 0
        self._keys = [_Key() for _ in range(keys)]
        self.charged: Counter[int] = Counter()
        self.throttled = 0
        self.refused = 0

    def take(self, place: int, now: int) -> Answer | None:
        """Return the refusal of a call on a key, or None if the call is charged."""
        key = self._keys[place]
        key.tokens, key.seen = min(BURST * SECOND, key.tokens + now - key.seen), now
        if key.tokens < SECOND:
            self.throttled += 1
            return Answer.THROTTLED
        key.tokens -= SECOND
        if key.day != now // DAY:
            key.day, key.used = now // DAY, 0
        if key.used >= UNITS:
            self.refused += 1
            return Answer.SPENT
        key.used += 1
        self.charged[key.day] += 1
        return None

    def outage(self, now: int) -> Outage | None:
        """Return the outage of a moment."""
        return next((each for each in self._outages if each.begins <= now < each.ends), None)

    def used(self, day: int) -> list[int]:
        """Return the units of each key that were used on *day*, the last or a later one."""
        return [key.used if key.day == day else 0 for key in self._keys]


@dataclass(frozen=True, slots=True)
class Call:
    """A call on the account at *place*; *patience* is the timeout in microseconds."""

    place: int
    patience: int


Fetching = Generator[int | Call, Answer | None, Verdict]


class Way(Protocol):
    """A way of fetching charts over several accounts."""

    def fetch(self, chart: Chart) -> Fetching:
        """Fetch one chart."""
        ...

    def restart(self) -> None:
        """Forget everything that only the memory of a process holds."""
        ...


class World:
    """Fetches the charts of a day in processes with so many *slots* each, first come, first served."""

    def __init__(self, time: VirtualTime, provider: Provider, way: Way, *, processes: int, slots: int) -> None:
        self._time, self._provider, self._way = time, provider, way
        self._queues: list[deque[Chart]] = [deque() for _ in range(processes)]
        self._free = [slots] * processes

    def run(self, charts: Sequence[Chart], restart_at: int | None = None) -> None:
        """Run the day to its end, and on until the last fetch is over."""
        for chart in charts:
            self._time.at(chart.demanded, partial(self._demand, chart))
        if restart_at is not None:
            self._time.at(restart_at, self._way.restart)
        self._time.run()

    def _demand(self, chart: Chart) -> None:
        self._queues[chart.process].append(chart)
        self._fill(chart.process)

    def _fill(self, process: int) -> None:
        """Begin a fetch in each free slot, as long as charts wait."""
        while self._free[process] and self._queues[process]:
            self._free[process] -= 1
            chart = self._queues[process].popleft()
            self._go_on(chart, self._way.fetch(chart), None)

    def _go_on(self, chart: Chart, fetching: Fetching, answer: Answer | None) -> None:
        try:
            action = fetching.send(answer)
        except StopIteration as end:
            chart.verdict, chart.finished = end.value, self._time.passed
            self._free[chart.process] += 1
            # Planned, not called: thousands of refusals in a row would nest too deep.
            self._time.at(self._time.passed, lambda: self._fill(chart.process))
            return
        if isinstance(action, Call):
            self._call(chart, fetching, action)
        else:
            self._time.at(self._time.passed + max(0, action), lambda: self._go_on(chart, fetching, None))

    def _call(self, chart: Chart, fetching: Fetching, call: Call) -> None:
        sent = self._time.passed
        travel = chart.under_way[chart.calls] if chart.calls < len(chart.under_way) else 0
        chart.calls += 1

        def arrive() -> None:
            answer = self._provider.take(call.place, self._time.passed)
            takes = travel + REFUSAL
            if answer is None and (outage := self._provider.outage(self._time.passed)) is not None:
                self._provider.spent_down += 1
                answer, takes = outage.fate.answer, travel + outage.fate.latency
            elif answer is None:
                fate, chart.charged = chart.fates[chart.charged], chart.charged + 1
                answer, takes = fate.answer, travel + fate.latency
            if takes > call.patience:
                answer, takes = Answer.TIMEOUT, call.patience
            self._time.at(sent + takes, lambda: self._go_on(chart, fetching, answer))

        if travel:
            self._time.at(sent + travel, arrive)
        else:
            arrive()


def demand(
    *,
    charts: int,
    every: int,
    processes: int,
    travel: int,
    luck: str,
    length: int = DAY,
    errors: float = ERRORS,
) -> list[Chart]:
    """Spread *charts* over bursts *every* so many microseconds, dealt to the processes in turn.

    A call travels to the provider for at most *travel* microseconds. *luck* seeds latency and faults, a share *errors* of the calls.
    """
    rng = random.Random(luck)
    bursts = length // every
    made: list[Chart] = []
    for burst in range(bursts):
        for place in range(charts * (burst + 1) // bursts - charts * burst // bursts):
            fates = tuple(_fate(rng, errors) for _ in range(MAX_CALLS))
            under_way = tuple(rng.randrange(travel) for _ in range(MAX_CALLS)) if travel else ()
            made.append(Chart(len(made), burst * every, place % processes, fates, under_way))
    return made


def _fate(rng: random.Random, errors: float) -> Fate:
    lot = rng.random()
    latency = min(round(rng.lognormvariate(math.log(LATENCY), SPREAD) * SECOND), SILENCE)
    if lot < TIMEOUTS:
        return Fate(SILENCE, Answer.TIMEOUT)
    return Fate(latency, Answer.ERROR if lot < TIMEOUTS + errors else Answer.PICTURE)


def possible(charts: Sequence[Chart], units: int) -> int:
    """Count the charts that *units* a day can pay for, in the order of the demand, each on the day it is demanded.

    A chart takes one unit, and one more for each charged failure before the picture. Units that are too few for the next
    chart are lost.
    """
    delivered = 0
    left: dict[int, int] = {}
    for chart in charts:
        answers = [fate.answer for fate in chart.fates]
        brought = Answer.PICTURE in answers
        day = chart.demanded // DAY
        left[day] = left.get(day, units) - (answers.index(Answer.PICTURE) + 1 if brought else MAX_CALLS)
        delivered += brought and left[day] >= 0
    return delivered
