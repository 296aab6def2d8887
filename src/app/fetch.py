"""One fetch over a transport and a pool: the actions of the fetch machine, carried out.

A fetch is a generator. It blocks for the store and the network, and yields each wait instead of sleeping. So the synchronous
client sleeps in its thread, the asynchronous client waits on its loop, and both do the same otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Final, Protocol, TypeVar, assert_never

import attrs

from ..domain.account import Claim
from ..domain.account.turn import Granted
from ..domain.errors import StoreUnavailable
from ..domain.events import StoreFailed
from ..domain.faults import ChartApiError, FaultKind
from ..domain.fetch import (
    Answered,
    Await,
    ConfirmClaim,
    Confirmed,
    Feedback,
    Fetch,
    Finish,
    LookAhead,
    Moment,
    Pause,
    ProbeGranted,
    Report,
    Send,
    Stopped,
    TakeClaim,
    Woken,
)
from ..domain.ports import Clock, InterruptibleClock, Listener, Signal, Transport
from ..domain.reply.secret import scrub
from ..domain.result import FetchResult
from .listeners import FETCHES
from .outage_watch import Visit
from .pool import Pool

__all__ = ["Happening", "Steps", "Stop", "Until", "fetch_steps", "run"]

T = TypeVar("T")

_POLL_SECONDS: Final = 0.01


class Happening(Signal, Protocol):
    """Happens at some moment."""

    def then(self, callback: Callable[[], object]) -> None:
        """Call *callback* at that moment, in any thread; at once if it has passed."""
        ...


@attrs.frozen
class Until:
    """A wait of some *seconds* that *happening* ends early.

    Attributes:
        seconds: the seconds at most.
        happening: the end.
        passes: whether time passes by itself meanwhile; else another thread lets it pass, or makes it happen.
    """

    seconds: float
    happening: Happening
    passes: bool = False


Steps = Generator[float | Until, None, T]
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
            wait = next(steps)
            if isinstance(wait, Until):
                _wait_until(wait, clock)
            elif isinstance(clock, InterruptibleClock):
                clock.wait(wait, stop)
            else:
                clock.sleep(wait)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()


def _wait_until(until: Until, clock: Clock) -> None:
    """Wait for another thread. A clock that can't be interrupted is moved by that thread alone."""
    if isinstance(clock, InterruptibleClock):
        clock.wait(until.seconds, until.happening)
        return
    if until.passes:
        clock.sleep(until.seconds)
        return
    ends = clock.monotonic() + until.seconds
    while clock.monotonic() < ends and not until.happening.wait(_POLL_SECONDS):
        pass


def fetch_steps(  # noqa: C901, PLR0912, PLR0915 (a case for each action)
    step: Fetch,
    *,
    transport: Transport,
    pool: Pool,
    clock: Clock,
    chance: Callable[[], float],
    listener: Listener,
    stop: Stop,
    started: float,
) -> Steps[FetchResult]:
    """Carry out a fetch from its first *step*, over *transport* with claims on *pool*: all calls and claims are made here.

    *chance* returns random numbers in [0, 1) for the jitter. The deadline counts from *started* (monotonic seconds).

    Raises:
        StoreUnavailable: the account store can't be reached, so no claim can be taken.
    """
    unsent: Claim | None = None
    feedback: Feedback
    watch, visit = pool.watch, Visit(step.request, step.fetch_id, FETCHES.get())
    try:
        while True:
            unsent = step.unused
            for fact in step.facts:
                listener.notify(fact)
            match step.action:
                case Finish(result):
                    if result.ok:
                        watch.answered(visit)
                    return result
                case Report(claim, error):
                    feedback = watch.failed(visit, error)
                    with _best_effort(listener, claim):
                        pool.report(claim, error)
                case LookAhead(need):
                    feedback = pool.outlook(need=need)
                case _ if stop.is_set():  # not before a call is booked, nor before the look ahead
                    feedback = Stopped()
                case TakeClaim(latest, need):
                    feedback = watch.ask(visit) or pool.claim(latest=latest, need=need)
                    if watch.is_probe(visit):
                        if isinstance(feedback, Granted):
                            feedback = ProbeGranted(feedback.claim)
                        else:
                            watch.leave(visit)
                case Send(claim, timeout):
                    account, unsent = pool.account(claim.account_id), None
                    try:
                        outcome = transport.send(step.request, account, timeout=timeout)
                    except Exception as error:  # of a host's own transport: the call may be paid for
                        if watch.is_probe(visit):
                            raised = f"the transport raised {type(error).__name__}"
                            watch.failed(visit, ChartApiError.of(FaultKind.NETWORK, raised))
                        raise
                    feedback = Answered(claim, scrub(outcome, account.api_key))
                case Pause(seconds):
                    yield seconds
                    feedback = Woken()
                case Await(seconds, is_probed):
                    yield Until(seconds, visit, passes=not is_probed)
                    feedback = Woken()
                case ConfirmClaim(claim, need):
                    barred = watch.ask(visit)
                    if barred is not None:
                        pool.refund(claim)
                    feedback = barred or Confirmed(claim, pool.confirm(claim, need=need))
                case _:
                    assert_never(step.action)
            step = step.next(feedback, Moment(clock.now(), clock.monotonic() - started, chance()))
    except StoreUnavailable as error:
        listener.notify(StoreFailed(None, str(error)))
        raise
    finally:
        watch.leave(visit)
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
