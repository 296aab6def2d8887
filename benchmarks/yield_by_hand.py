"""The ways of spending a day's quota that people write by hand, as seen in public bots."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Final

from benchmarks.yield_world import DAY, SECOND, UNITS, Answer, Call, Chart, Fetching, Verdict, VirtualTime

from chartimg import RetryPolicy

POLICY: Final = RetryPolicy()
DEADLINE: Final = round(POLICY.deadline * SECOND)
_REFUSALS: Final = frozenset({Answer.THROTTLED, Answer.SPENT})


@dataclass(slots=True)
class _Day:
    """The memory of one process.

    Attributes:
        day: the number of the day.
        alive: the accounts that are not yet taken for spent, in order.
        turn: the account that is next in turn.
        rests: the moment at which the rest of an account ends.
        free: the moment from which each account may be called, with the account; a heap.
        counted: the number of calls made on an account.
    """

    day: int
    alive: list[int]
    turn: int = 0
    rests: dict[int, int] = field(default_factory=dict)
    free: list[tuple[int, int]] = field(default_factory=list)
    counted: dict[int, int] = field(default_factory=dict)


class _HandMade:
    """A way that keeps its state in the process, and forgets it when the process restarts."""

    def __init__(self, time: VirtualTime, keys: int, processes: int) -> None:
        self._time, self._keys, self._processes = time, keys, processes
        self.restart()

    def restart(self) -> None:
        """Forget everything."""
        self._days = [self._fresh() for _ in range(self._processes)]

    def _fresh(self) -> _Day:
        now, places = self._time.passed, range(self._keys)
        return _Day(now // DAY, list(places), free=[(now, place) for place in places])

    def _today(self, chart: Chart) -> _Day:
        """Return the memory of the chart's process, an empty one on a new day."""
        if self._days[chart.process].day != self._time.passed // DAY:
            self._days[chart.process] = self._fresh()
        return self._days[chart.process]

    def _call(self, place: int, ends: int) -> Generator[Call, Answer | None, Answer]:
        answer = yield Call(place, ends - self._time.passed)
        assert answer is not None
        return answer

    def _backoff(self, chart: Chart) -> int:
        return round(POLICY.backoff(chart.calls, chart.chance()) * SECOND)


class FirstInOrder(_HandMade):
    """The first account in order; after any 429 the account is done for the day."""

    def fetch(self, chart: Chart) -> Fetching:
        """Call, and go on to the next account after a 429."""
        ends = self._time.passed + DEADLINE
        while chart.calls < POLICY.max_attempts and self._time.passed < ends:
            alive = self._today(chart).alive
            if not alive:
                return Verdict.FAILED if chart.calls else Verdict.REFUSED
            place = alive[0]
            answer = yield from self._call(place, ends)
            if answer is Answer.PICTURE:
                return Verdict.DELIVERED
            if answer in _REFUSALS:
                alive = self._today(chart).alive
                if place in alive:
                    alive.remove(place)
            else:
                yield self._backoff(chart)
        return Verdict.FAILED


class RoundRobin(_HandMade):
    """One account after the other; after a failure the next one is called, after a pause that grows."""

    def fetch(self, chart: Chart) -> Fetching:
        """Call, and after a failure pause and call the next account."""
        ends = self._time.passed + DEADLINE
        while chart.calls < POLICY.max_attempts and self._time.passed < ends:
            today = self._today(chart)
            place, today.turn = today.turn, (today.turn + 1) % self._keys
            if (yield from self._call(place, ends)) is Answer.PICTURE:
                return Verdict.DELIVERED
            if chart.calls < POLICY.max_attempts:
                yield self._backoff(chart)
        return Verdict.FAILED


class CooldownRouter(_HandMade):
    """One account after the other, without those that gave a 429 in the last minute; if all did, it gives up."""

    _REST: Final = 60 * SECOND

    def fetch(self, chart: Chart) -> Fetching:
        """Call, and after a 429 go on to the next account that does not rest."""
        ends = self._time.passed + DEADLINE
        while chart.calls < POLICY.max_attempts and self._time.passed < ends:
            today, now = self._today(chart), self._time.passed
            turns = (place % self._keys for place in range(today.turn, today.turn + self._keys))
            place = next((place for place in turns if today.rests.get(place, 0) <= now), None)
            if place is None:
                return Verdict.FAILED if chart.calls else Verdict.REFUSED
            today.turn = (place + 1) % self._keys
            answer = yield from self._call(place, ends)
            if answer is Answer.PICTURE:
                return Verdict.DELIVERED
            if answer in _REFUSALS:
                self._today(chart).rests[place] = self._time.passed + self._REST
            else:
                yield self._backoff(chart)
        return Verdict.FAILED


class Limiter(_HandMade):
    """A limiter for each key and process: one call a second, and the quota of the day."""

    def fetch(self, chart: Chart) -> Fetching:
        """Wait for the key that is free first, and call."""
        ends = self._time.passed + DEADLINE
        while chart.calls < POLICY.max_attempts and self._time.passed < ends:
            today, now = self._today(chart), self._time.passed
            if not today.free or today.free[0][0] >= ends:
                return Verdict.FAILED if chart.calls else Verdict.REFUSED
            free, place = heappop(today.free)
            moment = max(free, now)
            today.counted[place] = today.counted.get(place, 0) + 1
            if today.counted[place] < UNITS:
                heappush(today.free, (moment + SECOND, place))
            if moment > now:
                yield moment - now
            answer = yield from self._call(place, ends)
            if answer is Answer.PICTURE:
                return Verdict.DELIVERED
            if answer is Answer.SPENT:
                today = self._today(chart)
                today.free = [entry for entry in today.free if entry[1] != place]
                heapify(today.free)
            elif chart.calls < POLICY.max_attempts:
                yield self._backoff(chart)
        return Verdict.FAILED
