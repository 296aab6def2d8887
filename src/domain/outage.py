"""The outage: the service fails for everybody, so no unit is spent on it but for one probe at a time.

Rule 1: every change of state goes through TRANSITIONS. Rule 2: time and chance are arguments; seconds are monotonic.

Three failures in a row, across all requests, open the outage. While it is DOWN no claim is taken. When the pause is over, one
fetch may make one call: the probe. Its failure doubles the pause, and any answer of the service ends the outage. A probe that is
given up returns its turn. Without a request there is no probe.

A body that gets two errors of the server while another chart is drawn between them is at fault, not the service.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import attrs

from .faults import ChartApiError, FaultKind

__all__ = ["TRANSITIONS", "Happening", "Outage", "Service", "ServiceStatus", "is_failure"]

MAX_FAILURES: Final = 3
"""Failures in a row that open the outage."""
POLL_SECONDS: Final = 0.25
"""After which a fetch asks again while another one probes."""
_FIRST_PAUSE: Final = 30.0  # seconds
_MAX_PAUSE: Final = 15 * 60.0
_MAX_RETRY_AFTER: Final = 60 * 60.0  # a longer wish of the server would be a mistake of its own
_MAX_JITTER: Final = 0.2  # of a pause, by which it is shorter
_MAX_SUSPECTS: Final = 64
_FAILURES: Final = frozenset({FaultKind.SERVICE_UNAVAILABLE, FaultKind.NETWORK, FaultKind.NOT_SENT})
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
        (_S.PROBING, _H.FAILURE): _S.PROBING,
        (_S.PROBING, _H.ANSWER): _S.UP,
        (_S.PROBING, _H.PROBE_FAILURE): _S.DOWN,
        (_S.PROBING, _H.PROBE_GIVEN_UP): _S.DOWN,
    }
)


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
class Outage:
    """What is known of the service.

    Attributes:
        state: its state.
        failures: failures in a row.
        until: the earliest moment of the next probe (monotonic seconds), while DOWN.
        step: how often a probe has failed.
        turn: the fetch that probes.
        pictures: pictures drawn so far.
        suspects: bodies that got an error of the server, each with the pictures drawn until then; the oldest first.
    """

    state: Service = Service.UP
    failures: int = 0
    until: float = 0.0
    step: int = 0
    turn: Hashable = None
    pictures: int = 0
    suspects: tuple[tuple[str, int], ...] = ()

    def asked(self, turn: Hashable, now: float) -> tuple[Outage, float | None]:
        """Let the fetch *turn* ask for a call *now*.

        Return the outage, and the moment when it may ask again; None if it may call. It probes if the outage then has its turn.
        """
        match self.state:
            case Service.UP:
                return self, None
            case Service.DOWN if now < self.until:
                return self, self.until
            case Service.DOWN:
                return attrs.evolve(self._after(Happening.PROBE), turn=turn), None
            case Service.PROBING:
                return self, None if self.turn is turn else now + POLL_SECONDS

    def failed(self, turn: Hashable, error: ChartApiError, body: str, now: float, jitter: float) -> tuple[Outage, bool]:
        """Count a failed call for *body*. Return the outage, and whether the body is at fault. *jitter* is in [0, 1)."""
        if not is_failure(error):
            return self.answered(), False
        suspects, is_at_fault = self._suspecting(error, body)
        if self.state is Service.PROBING and self.turn is turn:
            outage = self._down(Happening.PROBE_FAILURE, self.step + 1, error.retry_after, now, jitter)
        elif self.state is Service.UP and self.failures + 1 >= MAX_FAILURES:
            outage = self._down(Happening.THIRD_FAILURE, 0, error.retry_after, now, jitter)
        else:
            outage = self._after(Happening.FAILURE)
        return attrs.evolve(outage, suspects=suspects), is_at_fault

    def answered(self, picture_of: str | None = None) -> Outage:
        """Count an answer of the service, perhaps with the picture of a body."""
        if self.state is Service.UP and not self.failures and picture_of is None:
            return self
        suspects = tuple(each for each in self.suspects if each[0] != picture_of) if self.suspects else ()
        return attrs.evolve(
            self._after(Happening.ANSWER),
            failures=0,
            step=0,
            turn=None,
            pictures=self.pictures + (picture_of is not None),
            suspects=suspects,
        )

    def given_up(self, turn: Hashable, now: float) -> Outage:
        """Take back the turn of a fetch that has ended without the outcome of its probe: another may probe *now*."""
        if self.state is not Service.PROBING or self.turn is not turn:
            return self
        return attrs.evolve(self._after(Happening.PROBE_GIVEN_UP), turn=None, until=now)

    def forced(self, now: float) -> Outage:
        """Let the next request probe *now*, because a person wants it."""
        return attrs.evolve(self, until=now) if self.state is Service.DOWN else self

    def _after(self, happening: Happening) -> Outage:
        """Go through the table."""
        state = TRANSITIONS[self.state, happening]
        is_failure = happening in {Happening.FAILURE, Happening.THIRD_FAILURE, Happening.PROBE_FAILURE}
        return attrs.evolve(self, state=state, failures=self.failures + is_failure)

    def _down(self, happening: Happening, step: int, retry_after: float | None, now: float, jitter: float) -> Outage:
        """Begin a pause: doubled with each step, a little shorter by chance, and never shorter than the server asks."""
        pause = min(_FIRST_PAUSE * 2.0 ** min(step, 16), _MAX_PAUSE) * (1 - _MAX_JITTER * jitter)
        pause = max(pause, min(retry_after or 0.0, _MAX_RETRY_AFTER))
        return attrs.evolve(self._after(happening), step=step, turn=None, until=now + pause)

    def _suspecting(self, error: ChartApiError, body: str) -> tuple[tuple[tuple[str, int], ...], bool]:
        """Return the suspects with the body of an error of the server, and whether a picture came since its first one."""
        if error.http_status is None or error.http_status < _SERVER_ERROR:
            return self.suspects, False
        before = next((pictures for each, pictures in self.suspects if each == body), None)
        others = tuple(each for each in self.suspects if each[0] != body)[1 - _MAX_SUSPECTS :]
        kept = self.pictures if before is None else before
        return (*others, (body, kept)), before is not None and self.pictures > before


def is_failure(error: ChartApiError) -> bool:
    """Return whether *error* speaks of the service and not of the request or an account."""
    return error.kind in _FAILURES
