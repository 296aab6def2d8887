"""One fetch, as a state machine without I/O.

Each step names an action. A driver (``app/fetch.py`` is the synchronous one) carries it out: takes claims, sends, sleeps
and books. Its feedback leads to the next step. So every rule about calls, claims, waits and the deadline stands here, and
can be tried against any sequence of replies in virtual time.

::

    begin -> TakeClaim -> Granted -> [Pause -> Woken -> ConfirmClaim -> Confirmed] -> Send -> Answered
          -> Finish, or Report -> Booked -> Finish, or LookAhead -> Outlook -> Finish, or TakeClaim,
                                             or Pause -> Woken -> TakeClaim

Elapsed seconds come from a clock that never steps; they measure the deadline. The date and time (UTC) are for the books.

One file because actions, feedback and machine are one protocol, read together.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, assert_never

import attrs

from .account import Claim
from .account.turn import Granted, Need, NoneLeft, NoPlan, Outlook, WaitUntil
from .chart import ChartRequest
from .classification import classify
from .events import CallFinished, CallStarted, Event, LimitExceeded, RequestRefused, RetryScheduled
from .faults import ChartApiError, ErrorCode, FaultKind, Remedy
from .plan.demand import Demand
from .reply import Reply, TransportFailure
from .result import Attempt, ChartApiResult
from .retry import GiveUp, RetryPolicy, SwitchAccount, WaitAndRetry, decide

__all__ = [
    "Action",
    "Answered",
    "Booked",
    "ConfirmClaim",
    "Confirmed",
    "Feedback",
    "Fetch",
    "Finish",
    "LookAhead",
    "Moment",
    "Pause",
    "Report",
    "Send",
    "TakeClaim",
    "Woken",
]

_MAX_NAMED_ACCOUNTS: Final = 3  # a message stays one readable line


_NO_OUTCOME: Final = ChartApiResult()


@attrs.frozen
class Moment:
    """The moment of a feedback.

    Attributes:
        utc: the date and time.
        elapsed: seconds since the fetch began.
        jitter: a random number in [0, 1).
    """

    utc: datetime
    elapsed: float
    jitter: float


@attrs.frozen
class TakeClaim:
    """Take a claim for a moment before *latest* (UTC) on an account that meets *need*."""

    latest: datetime
    need: Need


@attrs.frozen
class Pause:
    """Let *seconds* pass."""

    seconds: float


@attrs.frozen
class ConfirmClaim:
    """After a wait, check that *claim* would still be granted (see :class:`TakeClaim`); else it is given back."""

    claim: Claim
    need: Need


@attrs.frozen
class Send:
    """Make the call of *claim*, within *timeout* seconds."""

    claim: Claim
    timeout: float


@attrs.frozen
class Report:
    """Book the *error* of the call of *claim*. A picture needs no booking: its claim is charged already."""

    claim: Claim
    error: ChartApiError


@attrs.frozen
class LookAhead:
    """Look up when an account that meets *need* can be called again.

    The last call has been made, and failed because of its account.
    """

    need: Need


@attrs.frozen
class Finish:
    """The fetch is over."""

    result: ChartApiResult


@attrs.frozen
class Woken:
    """The pause is over."""


@attrs.frozen
class Confirmed:
    """Whether *claim* still stands."""

    claim: Claim
    stands: bool


@attrs.frozen
class Answered:
    """The outcome of the call of *claim*."""

    claim: Claim
    outcome: Reply | TransportFailure


@attrs.frozen
class Booked:
    """The outcome is booked, if the store could be reached."""


Action = TakeClaim | Pause | ConfirmClaim | Send | Report | LookAhead | Finish
Feedback = Granted | WaitUntil | NoneLeft | NoPlan | Woken | Confirmed | Answered | Booked | Outlook


@attrs.frozen
class Fetch:
    """One step of a fetch: the action to take now, and all that later steps depend on.

    Attributes:
        request: the chart request.
        policy: the limits of calls and time.
        action: the driver's task.
        facts: the events to report now.
        unused: a claim that is held and not sent yet; a driver that abandons the fetch gives it back.
    """

    request: ChartRequest
    policy: RetryPolicy
    action: Action
    facts: tuple[Event, ...] = ()
    unused: Claim | None = None
    _sent: Moment = attrs.field(kw_only=True)
    _demand: Demand = attrs.field(kw_only=True)
    _outcome: ChartApiResult = _NO_OUTCOME

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The calls made so far."""
        return self._outcome.attempts

    @classmethod
    def begin(cls, request: ChartRequest, policy: RetryPolicy, now: datetime) -> Fetch:
        """Start at *now* (UTC)."""
        if problems := request.problems:
            demand = Demand()
            action: Action = Finish(ChartApiResult.refused(problems))
        else:
            demand = request.demand
            action = TakeClaim(now + timedelta(seconds=policy.deadline), Need(demand))
        return cls(request, policy, action, sent=Moment(now, 0.0, 0.0), demand=demand)

    def next(self, feedback: Feedback, moment: Moment) -> Fetch:
        """Return the next step, from the *feedback* to the last action."""
        match feedback:
            case Granted(claim):
                return self._hold(claim, moment)
            case WaitUntil(at):
                return self._step(Pause(self._seconds_to(at, moment)))
            case NoneLeft():
                return self._none_left(feedback)
            case NoPlan():
                return self._no_plan(feedback)
            case Woken():
                return self._step(self._claim(moment)) if self.unused is None else self._awake(self.unused, moment)
            case Confirmed(claim, stands):
                return self._send(claim, moment) if stands else self._step(self._claim(moment))
            case Answered(claim, outcome):
                return self._answered(claim, outcome, moment)
            case Booked():
                return self._decide(moment)
            case Outlook():
                return self._foresee(feedback)
            case _:
                assert_never(feedback)

    def _hold(self, claim: Claim, moment: Moment) -> Fetch:
        """Wait for the moment of a claim, or use it at once."""
        wait = self._seconds_to(claim.not_before, moment)
        step = self._step(Pause(wait), unused=claim) if wait > 0 else self._send(claim, moment)
        error = self._outcome.error
        if error is None or error.remedy is not Remedy.OTHER_ACCOUNT:
            return step
        switched = RetryScheduled(str(self.request.key), len(self.attempts), max(wait, 0.0), error.kind)
        return attrs.evolve(step, facts=(switched, *step.facts))

    def _awake(self, claim: Claim, moment: Moment) -> Fetch:
        """Confirm a claim after its wait; sleep on if the clocks differ by a little."""
        early = (claim.not_before - moment.utc).total_seconds()
        if 0 < early < self.policy.deadline - moment.elapsed:
            return self._step(Pause(early), unused=claim)
        return self._step(ConfirmClaim(claim, self._need), unused=claim)

    def _seconds_to(self, at: datetime, moment: Moment) -> float:
        """Return the seconds to *at* or to the deadline, the sooner of both, even if the wall clock has stepped."""
        return min((at - moment.utc).total_seconds(), self.policy.deadline - moment.elapsed)

    def _send(self, claim: Claim, moment: Moment) -> Fetch:
        """Make the call, unless the deadline passed during the wait for the claim."""
        remaining = self.policy.deadline - moment.elapsed
        if remaining <= 0:
            late = f"no account could be called within the deadline of {self.policy.deadline:g} s"
            error = ChartApiError.of(FaultKind.NO_ACCOUNT, late, available_at=moment.utc)
            return self._fail(self._outcome.error or error, unused=claim)
        started = CallStarted(str(self.request.key), claim.account_id, len(self.attempts) + 1)
        return self._step(Send(claim, remaining), started, unused=claim, sent=moment)

    def _answered(self, claim: Claim, outcome: Reply | TransportFailure, moment: Moment) -> Fetch:
        """Record the outcome of a call, and book it before any decision."""
        error = classify(outcome, now=moment.utc)
        status = outcome.status if isinstance(outcome, Reply) else None
        kind = None if error is None else error.kind
        duration = moment.elapsed - self._sent.elapsed
        attempts = (*self.attempts, Attempt(claim.account_id, self._sent.utc, duration, status, kind))
        result = ChartApiResult.of(outcome, error, claim.account_id, attempts)
        finished = CallFinished(str(self.request.key), claim.account_id, len(attempts), duration, status, kind)
        action = Finish(result) if error is None else Report(claim, error)
        return self._step(action, finished, outcome=result)

    def _decide(self, moment: Moment) -> Fetch:
        error, calls = self._error, len(self.attempts)
        decision = decide(
            error, calls=calls, elapsed=moment.elapsed, jitter=moment.jitter, policy=self.policy, now=moment.utc
        )
        match decision:
            case GiveUp(final) if final.code is ErrorCode.CHART_API_LIMIT_EXCEEDED:
                outcome = attrs.evolve(self._outcome, error=final)
                return self._step(LookAhead(self._need), outcome=outcome)
            case GiveUp(final):
                return self._fail(final)
            case SwitchAccount():
                return self._step(self._claim(moment))
            case WaitAndRetry(delay):
                return self._step(Pause(delay), RetryScheduled(str(self.request.key), calls, delay, error.kind))
            case _:
                assert_never(decision)

    def _none_left(self, none: NoneLeft) -> Fetch:
        """End for want of an account: with the error of the last call, if there was one; else with NO_ACCOUNT."""
        error, at = self._outcome.error, none.available_at
        if error is None:
            error = ChartApiError.of(FaultKind.NO_ACCOUNT, _why_none(none), available_at=at)
        elif error.remedy is Remedy.WAIT:
            return self._fail(attrs.evolve(error, available_at=at))
        else:
            error = attrs.evolve(error, message=f"{error.message}; {_why_none(none)}", available_at=at)
        return self._fail(error, self._exceeded(none))

    def _no_plan(self, none: NoPlan) -> Fetch:
        """End because no plan allows the chart: with the error of the last call, or as a request that is wrong."""
        error = self._outcome.error
        if error is None:
            refused = RequestRefused(str(self.request.key), none.findings)
            return self._step(Finish(ChartApiResult.refused(none.findings)), refused)
        why = "; ".join(each.text for each in none.findings)
        message = f"{error.message}; no account is left that is known to allow the chart ({why})"
        return self._fail(attrs.evolve(error, message=message))

    def _foresee(self, outlook: Outlook) -> Fetch:
        """End with the error of an account, and when to ask again; report it if no account is left."""
        error, none = self._error, outlook.none
        final = attrs.evolve(error, available_at=none.available_at or error.available_at)
        return self._fail(final, *(() if outlook.any_left else (self._exceeded(none),)))

    def _exceeded(self, none: NoneLeft) -> LimitExceeded:
        return LimitExceeded(str(self.request.key), none.exhausted, none.suspended, none.available_at)

    def _claim(self, moment: Moment) -> TakeClaim:
        """Ask for an account for the rest of the deadline."""
        return TakeClaim(moment.utc + timedelta(seconds=self.policy.deadline - moment.elapsed), self._need)

    @property
    def _error(self) -> ChartApiError:
        """The error of the last call."""
        assert self._outcome.error is not None  # noqa: S101 (only a failed call is reported)
        return self._outcome.error

    @property
    def _need(self) -> Need:
        """The demand of the chart, and the accounts that refused it because of their plan."""
        refused = (attempt.account_id for attempt in self.attempts if attempt.kind is FaultKind.PLAN_LIMIT)
        return Need(self._demand, frozenset(refused))

    def _step(
        self,
        action: Action,
        *facts: Event,
        unused: Claim | None = None,
        sent: Moment | None = None,
        outcome: ChartApiResult | None = None,
    ) -> Fetch:
        """Return the next step. A claim is kept only if passed as *unused*."""
        return Fetch(
            self.request,
            self.policy,
            action,
            facts,
            unused,
            sent=self._sent if sent is None else sent,
            demand=self._demand,
            outcome=self._outcome if outcome is None else outcome,
        )

    def _fail(self, error: ChartApiError, *facts: Event, unused: Claim | None = None) -> Fetch:
        return self._step(Finish(attrs.evolve(self._outcome, error=error)), *facts, unused=unused)


def _why_none(none: NoneLeft) -> str:
    """Count in a phrase the accounts that can't be used, and add when to ask again and what brings the suspended ones back."""
    counts = (len(none.exhausted), "exhausted"), (len(none.suspended), "suspended"), (none.too_small, "too small")
    parts = [f"{count:,} {word}" for count, word in counts if count]
    if not none.exhausted and not none.suspended:
        parts.append("the others busy" if parts else "all busy")
    when = "none will be free"
    if none.available_at is not None:
        when = f"the next is free at {none.available_at:%Y-%m-%d %H:%M:%S} UTC"
    message = f"no account is left before the deadline ({', '.join(parts)}); {when}"
    if not none.suspended:
        return message
    named = ", ".join(none.suspended[:_MAX_NAMED_ACCOUNTS]) + (", …" if none.suspended[_MAX_NAMED_ACCOUNTS:] else "")
    return f"{message}; to use {named} again, change its key or run: chartimg accounts reinstate {none.suspended[0]}"
