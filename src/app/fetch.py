"""The driver of the fetch machine: it carries out each action and returns the feedback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import assert_never

from ..domain.account import Claim
from ..domain.chart import ChartRequest
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
    TakeClaim,
    Woken,
)
from ..domain.ports import Clock, Listener, Transport
from ..domain.reply.secret import scrub
from ..domain.result import ChartApiResult
from ..domain.retry import RetryPolicy
from .pool import Pool

__all__ = ["fetch"]


def fetch(  # noqa: PLR0912 (a case for each action)
    request: ChartRequest,
    *,
    transport: Transport,
    pool: Pool,
    policy: RetryPolicy,
    clock: Clock,
    chance: Callable[[], float],
    listener: Listener,
) -> ChartApiResult:
    """Fetch one chart over *transport* with claims on *pool*. All I/O of a fetch happens here.

    *chance* returns random numbers in [0, 1) for the jitter.

    Raises:
        StoreUnavailable: the account store can't be reached, so no claim can be taken.
    """
    started = clock.monotonic()
    step = Fetch.begin(request, policy, clock.now())
    unsent: Claim | None = None
    feedback: Feedback
    try:
        while True:
            unsent = step.unused
            for fact in step.facts:
                listener.notify(fact)
            match step.action:
                case TakeClaim(latest, need):
                    feedback = pool.claim(latest=latest, need=need)
                case Pause(seconds):
                    clock.sleep(seconds)
                    feedback = Woken()
                case ConfirmClaim(claim, need):
                    feedback = Confirmed(claim, pool.confirm(claim, need=need))
                case Send(claim, timeout):
                    account, unsent = pool.account(claim.account_id), None
                    outcome = transport.send(request, account, timeout=timeout)
                    feedback = Answered(claim, scrub(outcome, account.api_key))
                case Report(claim, error):
                    feedback = Booked()
                    with _best_effort(listener, claim):
                        pool.report(claim, error)
                case LookAhead(need):
                    feedback = pool.outlook(need=need)
                case Finish(result):
                    return result
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
