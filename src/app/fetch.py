"""One fetch over a transport and a pool: the actions of the fetch machine, carried out.

A fetch is a generator. It blocks for the store and the network, and yields the seconds of each wait instead of sleeping. So the
synchronous client sleeps in its thread, the asynchronous client waits on its loop, and both do the same otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar, assert_never

from ..domain.account import Claim
from ..domain.errors import StoreUnavailable
from ..domain.events import StoreFailed
from ..domain.fetch import (
    Answered,
    Booked,
    ConfirmClaim,
    Confirmed,
    Feedback,
    Fetch,
    Finish,
    LookAhead,
    Moment,
    Pause,
    Report,
    Send,
    Stopped,
    TakeClaim,
    Woken,
)
from ..domain.ports import Clock, InterruptibleClock, Listener, Signal, Transport
from ..domain.reply.secret import scrub
from ..domain.result import ChartApiResult
from .pool import Pool

__all__ = ["Steps", "Stop", "fetch_steps", "run"]

T = TypeVar("T")

Steps = Generator[float, None, T]
"""Work that yields the seconds of its waits and returns a T."""


class Stop(Signal, Protocol):
    """Whether a fetch is to end at once: no further call, no further wait. A ``threading.Event`` is one."""

    def is_set(self) -> bool:
        """Return whether it is."""
        ...


def run(steps: Steps[T], clock: Clock, stop: Stop) -> T:
    """Carry out *steps* in this thread. The waits end early when *stop* is set, if the clock can be interrupted."""
    try:
        while True:
            seconds = next(steps)
            if isinstance(clock, InterruptibleClock):
                clock.wait(seconds, stop)
            else:
                clock.sleep(seconds)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()


def fetch_steps(  # noqa: C901, PLR0912 (a case for each action)
    step: Fetch,
    *,
    transport: Transport,
    pool: Pool,
    clock: Clock,
    chance: Callable[[], float],
    listener: Listener,
    stop: Stop,
    started: float,
) -> Steps[ChartApiResult]:
    """Carry out a fetch from its first *step*, over *transport* with claims on *pool*. All I/O of a fetch happens here.

    *chance* returns random numbers in [0, 1) for the jitter. The deadline counts from *started* (monotonic seconds).

    Raises:
        StoreUnavailable: the account store can't be reached, so no claim can be taken.
    """
    unsent: Claim | None = None
    feedback: Feedback
    try:
        while True:
            unsent = step.unused
            for fact in step.facts:
                listener.notify(fact)
            match step.action:
                case Finish(result):
                    return result
                case Report(claim, error):
                    feedback = Booked()
                    with _best_effort(listener, claim):
                        pool.report(claim, error)
                case LookAhead(need):
                    feedback = pool.outlook(need=need)
                case _ if stop.is_set():
                    feedback = Stopped()
                case TakeClaim(latest, need):
                    feedback = pool.claim(latest=latest, need=need)
                case Pause(seconds):
                    yield seconds
                    feedback = Woken()
                case ConfirmClaim(claim, need):
                    feedback = Confirmed(claim, pool.confirm(claim, need=need))
                case Send(claim, timeout):
                    account, unsent = pool.account(claim.account_id), None
                    outcome = transport.send(step.request, account, timeout=timeout)
                    feedback = Answered(claim, scrub(outcome, account.api_key))
                case _:
                    assert_never(step.action)
            step = step.next(feedback, Moment(clock.now(), clock.monotonic() - started, chance()))
    except StoreUnavailable as error:
        listener.notify(StoreFailed(None, str(error)))
        raise
    finally:
        if unsent is not None:
            with _best_effort(listener, unsent):
                pool.refund(unsent)


@contextmanager
def _best_effort(listener: Listener, claim: Claim) -> Iterator[None]:
    """Report that the store failed, and go on: the picture is paid for, and the next claim raises."""
    try:
        yield
    except StoreUnavailable as error:
        listener.notify(StoreFailed(claim.account_id, str(error)))
