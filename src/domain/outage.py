"""The outage: the service fails for everybody, so no unit is spent on it but for one probe at a time.

Rule 1: every change of state goes through TRANSITIONS. Rule 2: time and chance are arguments; seconds are monotonic.

Three failures in a row, across all requests, open the outage. While it is DOWN no claim is taken. When the pause is over, one
fetch may make one call: the probe. Its failure doubles the pause, and any answer of the service ends the outage. A probe that is
given up returns its turn. Without a request there is no probe.

Calls overlap, so an end may come late. A failure of a call that began before the end of an outage tells nothing about the time
after it. An answer to a call that began before the last failure in the row takes back one failure, and ends no outage. So the calls
of an outage are at most three, one for each call under way at its beginning, and the probes.

A body that gets two errors of the server, while another chart is drawn between them, is at fault, not the service. If a third body
fails meanwhile, chance or the service explains both errors. The failures of a body at fault do not count for the service; it
has pauses of its own. If all failures in the row are errors of the server to one body, another body may probe before the pause is
over.

One file because all rules of an outage read and change one value.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, assert_never

import attrs

from .faults import ChartApiError, FaultKind

__all__ = [
    "MAX_FAILURES",
    "TRANSITIONS",
    "Happening",
    "IllegalTransition",
    "Outage",
    "Service",
    "ServiceStatus",
    "Suspect",
    "advance",
    "is_failure",
]

MAX_FAILURES: Final = 3
"""Failures in a row that open the outage."""
_FIRST_PAUSE: Final = 30.0  # seconds
_MAX_PAUSE: Final = 15 * 60.0
_MAX_RETRY_AFTER: Final = 60 * 60.0  # a longer wish of the server would be a mistake of its own
_MAX_JITTER: Final = 0.2  # of a pause, by which it is shorter
_MAX_SUSPECTS: Final = 64
_CLOSE: Final = 0.001  # seconds; two sums of the same seconds differ by a little
_FAILURES: Final = frozenset({FaultKind.SERVICE_UNAVAILABLE, FaultKind.NETWORK, FaultKind.NOT_SENT})
_UNCLEAR: Final = frozenset({FaultKind.BAD_IMAGE, FaultKind.UNEXPECTED_REPLY, FaultKind.FIXTURE_MISSING})
"""Replies like a page of maintenance, which are no answer of the service. They count only for a probe, which has failed."""
_SERVER_ERROR: Final = 500


class Service(StrEnum):
    """The state of the service, as the calls of one process show it."""

    UP = "UP"
    DOWN = "DOWN"
    PROBING = "PROBING"


class Happening(StrEnum):
    """What changes the state."""

    FAILURE = "FAILURE"
    THIRD_FAILURE = "THIRD_FAILURE"
    ANSWER = "ANSWER"
    PROBE = "PROBE"
    PROBE_FAILURE = "PROBE_FAILURE"
    PROBE_GIVEN_UP = "PROBE_GIVEN_UP"
    FORCE = "FORCE"


_S, _H = Service, Happening

TRANSITIONS: Final[Mapping[tuple[Service, Happening], Service]] = MappingProxyType(
    {
        (_S.UP, _H.FAILURE): _S.UP,
        (_S.UP, _H.THIRD_FAILURE): _S.DOWN,
        (_S.UP, _H.ANSWER): _S.UP,
        # Calls that were under way when the outage began end late.
        (_S.DOWN, _H.FAILURE): _S.DOWN,
        (_S.DOWN, _H.ANSWER): _S.UP,
        (_S.DOWN, _H.PROBE): _S.PROBING,
        # A person wants the probe now.
        (_S.DOWN, _H.FORCE): _S.DOWN,
        # A call other than the probe.
        (_S.PROBING, _H.FAILURE): _S.PROBING,
        (_S.PROBING, _H.ANSWER): _S.UP,
        (_S.PROBING, _H.PROBE_FAILURE): _S.DOWN,
        (_S.PROBING, _H.PROBE_GIVEN_UP): _S.DOWN,
    }
)


class IllegalTransition(Exception):  # noqa: N818 (a mistake of ours, named by what it is)
    """The table has no row for this state and happening."""


def advance(state: Service, happening: Happening) -> Service:
    """Return the state after *happening*.

    Raises:
        IllegalTransition: the table has no such row.
    """
    try:
        return TRANSITIONS[state, happening]
    except KeyError:
        raise IllegalTransition(f"{happening} can't happen to a service that is {state}") from None


@attrs.frozen
class ServiceStatus:
    """The state of the service, for people and programs.

    Attributes:
        state: UP, DOWN or PROBING.
        failures: failures in a row.
        since: the moment (UTC) when the outage began; None without one.
        probe_at: the earliest moment (UTC) of the next probe; None without an outage, or while one is under way.
    """

    state: Service = Service.UP
    failures: int = 0
    since: datetime | None = None
    probe_at: datetime | None = None


@attrs.frozen
class Suspect:
    """A body that got an error of the server.

    Attributes:
        body: its digest.
        began: the beginning of its first failed call (monotonic seconds).
        others_drawn: whether another body has got a picture since, by a call that began later.
        is_cleared: whether the call of another body has failed since.
        strikes: how often it was at fault.
        until: the earliest moment of its next call (monotonic seconds).
    """

    body: str
    began: float
    others_drawn: bool = False
    is_cleared: bool = False
    strikes: int = 0
    until: float = -math.inf


@attrs.frozen
class Outage:
    """What is known of the service.

    Attributes:
        state: its state.
        failures: failures in a row.
        until: the earliest moment of the next probe (monotonic seconds), while DOWN.
        step: how often a probe has failed.
        turn: the fetch that probes.
        lone_body: the body whose errors of the server are all failures in the row; None if there are others.
        row_began: the beginning of the latest call in the row of failures (monotonic seconds).
        ended: the end of the last outage (monotonic seconds).
        suspects: bodies that may be at fault; the oldest first.
    """

    state: Service = Service.UP
    failures: int = 0
    until: float = 0.0
    step: int = 0
    turn: Hashable = None
    lone_body: str | None = None
    row_began: float = -math.inf
    ended: float = -math.inf
    suspects: tuple[Suspect, ...] = ()

    @property
    def is_quiet(self) -> bool:
        """Whether the service is up, and no failure is remembered: then every call may be made, and no answer is news."""
        return self.state is Service.UP and self.row_began == -math.inf and not self.suspects

    def asked(self, turn: Hashable, now: float, body: str | None = None) -> tuple[Outage, float | None]:
        """Let the fetch *turn* ask for a call for *body* *now*.

        Return the outage, and the moment when it may ask again; None if it may call. It probes if the outage then has its turn.
        While another fetch probes, that is the moment of the next probe if this one failed now.
        """
        match self.state:
            case Service.UP:
                return self, self._rest_of(body, now)
            case Service.DOWN if self.until - now > _CLOSE and self.lone_body in {None, body}:
                return self, self.until
            case Service.DOWN:
                return attrs.evolve(self._after(Happening.PROBE), turn=turn), None
            case Service.PROBING:
                return self, None if self.turn is turn else now + _pause(self.step + 1)
            case _:
                assert_never(self.state)

    def failed(
        self, turn: Hashable, error: ChartApiError, body: str, now: float, jitter: float, *, began: float = math.inf
    ) -> tuple[Outage, bool]:
        """Count a failed call for *body* that *began* at a moment. Return the outage, and whether the body is at fault.

        *jitter* is in [0, 1).
        """
        is_probe = self.state is Service.PROBING and self.turn is turn
        if not is_failure(error) and error.kind not in _UNCLEAR:
            return self.answered(turn, now=now, began=began), False
        if not is_failure(error) and not is_probe:
            return self, False
        suspects, is_at_fault = (
            self._suspecting(error, body, now, began) if is_failure(error) else (self.suspects, False)
        )
        row_began = max(self.row_began, min(began, now))
        lone_body = body if _is_of_server(error) and (not self.failures or self.lone_body == body) else None
        if is_probe:
            outage = self._down(Happening.PROBE_FAILURE, self.step + 1, error.retry_after, now, jitter)
        elif self.state is not Service.UP:
            outage = self._after(Happening.FAILURE)
        elif began < self.ended or is_at_fault:
            return attrs.evolve(self, suspects=suspects), is_at_fault
        elif self.failures + 1 >= MAX_FAILURES:
            opened = self._down(Happening.THIRD_FAILURE, 0, error.retry_after, now, jitter)
            outage = attrs.evolve(opened, row_began=row_began)
        else:
            outage = attrs.evolve(self._after(Happening.FAILURE), row_began=row_began)
        return attrs.evolve(outage, suspects=suspects, lone_body=lone_body), is_at_fault

    def answered(
        self, turn: Hashable, picture_of: str | None = None, *, now: float = 0.0, began: float = math.inf
    ) -> Outage:
        """Count an answer of the service to a call that *began* at a moment, perhaps with the picture of a body."""
        if self.is_quiet:
            return self
        is_probe = self.state is Service.PROBING and self.turn is turn
        if is_probe or began >= self.row_began:
            outage = self._ended(self.ended if self.state is Service.UP else now)
        elif self.state is Service.UP:
            outage = attrs.evolve(self._after(Happening.ANSWER), failures=max(0, self.failures - 1))
        else:
            outage = self
        if picture_of is None:
            return outage
        others = (each for each in self.suspects if each.body != picture_of)
        return attrs.evolve(
            outage,
            suspects=tuple(
                each if each.others_drawn or began < each.began else attrs.evolve(each, others_drawn=True)
                for each in others
            ),
        )

    def given_up(self, turn: Hashable, now: float) -> Outage:
        """Take back the turn of a fetch that has ended without the outcome of its probe: another may probe *now*."""
        if self.state is not Service.PROBING or self.turn is not turn:
            return self
        return attrs.evolve(self._after(Happening.PROBE_GIVEN_UP), turn=None, until=now)

    def forced(self, now: float) -> Outage:
        """Let the next request probe *now*, and one for each body at fault, because a person wants it."""
        suspects = tuple(attrs.evolve(each, until=-math.inf) for each in self.suspects)
        if self.state is not Service.DOWN:
            return attrs.evolve(self, suspects=suspects)
        return attrs.evolve(self._after(Happening.FORCE), until=min(now, self.until), suspects=suspects)

    def _after(self, happening: Happening) -> Outage:
        """Go through the table."""
        is_failure = happening in {Happening.FAILURE, Happening.THIRD_FAILURE, Happening.PROBE_FAILURE}
        return attrs.evolve(self, state=advance(self.state, happening), failures=self.failures + is_failure)

    def _ended(self, ended: float) -> Outage:
        """End the row of failures, and the outage if there is one."""
        return attrs.evolve(
            self._after(Happening.ANSWER),
            failures=0,
            step=0,
            turn=None,
            lone_body=None,
            row_began=-math.inf,
            ended=ended,
        )

    def _down(self, happening: Happening, step: int, retry_after: float | None, now: float, jitter: float) -> Outage:
        """Begin a pause: doubled with each step, a little shorter by chance, and never shorter than the server asks."""
        pause = _pause(step) * (1 - _MAX_JITTER * jitter)
        pause = max(pause, min(retry_after or 0.0, _MAX_RETRY_AFTER))
        return attrs.evolve(self._after(happening), step=step, turn=None, until=now + pause)

    def _rest_of(self, body: str | None, now: float) -> float | None:
        """Return the moment of the next call for a body at fault; None if it may be called *now*."""
        own = next((each for each in self.suspects if each.body == body), None)
        return own.until if own is not None and not own.is_cleared and own.until - now > _CLOSE else None

    def _suspecting(
        self, error: ChartApiError, body: str, now: float, began: float
    ) -> tuple[tuple[Suspect, ...], bool]:
        """Return the suspects after a failure of *body*, and whether the body is at fault."""
        own = next((each for each in self.suspects if each.body == body), None)
        others = tuple(each for each in self.suspects if each.body != body)
        if _is_of_server(error):
            if own is not None and not own.is_cleared and own.others_drawn:
                until = now + _pause(own.strikes)
                return (*others, attrs.evolve(own, strikes=own.strikes + 1, until=until)), True
            own = own if own is not None and not own.is_cleared else Suspect(body, min(began, now))
        cleared = tuple(each if each.is_cleared else attrs.evolve(each, is_cleared=True) for each in others)
        return (*cleared, *(() if own is None else (own,)))[-_MAX_SUSPECTS:], False


def _pause(step: int) -> float:
    """Return the seconds of a pause, but for chance."""
    return min(_FIRST_PAUSE * 2.0 ** min(step, 16), _MAX_PAUSE)


def _is_of_server(error: ChartApiError) -> bool:
    return error.http_status is not None and error.http_status >= _SERVER_ERROR


def is_failure(error: ChartApiError) -> bool:
    """Return whether *error* speaks of the service and not of the request or an account."""
    return error.kind in _FAILURES
