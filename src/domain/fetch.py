"""One fetch, as a state machine without I/O.

Each step names an action. A driver (``app/fetch.py``) carries it out: takes claims, sends, waits and books. Its feedback leads to
the next step. So every rule about calls, claims, waits and the deadline stands here, and can be tried against any sequence of
replies in virtual time.

Every step goes through TRANSITIONS. The first action is TakeClaim, or Finish if the request is wrong.

Elapsed seconds come from a clock that never steps; they measure the deadline. The date and time (UTC) are for the books.

One file because actions, feedback and machine are one protocol, read together.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from shlex import quote
from types import MappingProxyType
from typing import Final, assert_never

import attrs

from .account import Claim
from .account.turn import Granted, Need, NoneLeft, NoPlan, Outlook, WaitUntil
from .chart import Request
from .classification import classify
from .events import CallFinished, CallStarted, Event, LimitExceeded, RequestRefused, RetryScheduled
from .faults import ChartApiError, ErrorCode, FaultKind, Remedy
from .reply import Reply, TransportFailure
from .result import Attempt, ChartApiFailure, FetchResult, refused, result_of
from .retry import GiveUp, RetryPolicy, SwitchAccount, WaitAndRetry, decide

__all__ = [
    "STOPPED",
    "TRANSITIONS",
    "Action",
    "Answered",
    "Await",
    "Barred",
    "Booked",
    "ConfirmClaim",
    "Confirmed",
    "Feedback",
    "Fetch",
    "Finish",
    "IllegalTransition",
    "LookAhead",
    "Moment",
    "Pause",
    "ProbeGranted",
    "Report",
    "Send",
    "Stopped",
    "TakeClaim",
    "Woken",
]

STOPPED: Final = "the fetch was stopped before an account was called"
_MIN_PAUSE: Final = 0.001  # seconds; clocks round
_MAX_NAMED_ACCOUNTS: Final = 3  # a message stays one readable line


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
class Await:
    """Let *seconds* pass, or fewer if the state of the service changes.

    Attributes:
        seconds: the seconds at most.
        is_probed: whether a probe is under way, whose end is awaited.
    """

    seconds: float
    is_probed: bool


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

    result: FetchResult


@attrs.frozen
class Woken:
    """The pause is over."""


@attrs.frozen
class Stopped:
    """The host has given the fetch up, or has closed its client: no further call or wait."""


@attrs.frozen
class Barred:
    """No call may be made now, since the service is down, or fails for this chart alone.

    Attributes:
        at: the moment (UTC) of the next probe; while one is under way, that of the next one if this one fails.
        failures: failures in a row.
        is_probed: whether a probe is under way.
        is_within: whether the fetch that probes has begun this one, and waits for its end.
        is_at_fault: whether the chart alone is barred, since it failed while others were drawn.
    """

    at: datetime
    failures: int
    is_probed: bool = False
    is_within: bool = False
    is_at_fault: bool = False


@attrs.frozen
class ProbeGranted:
    """*claim* was granted for the one call that finds out whether the service is back."""

    claim: Claim


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
    """The outcome is booked, if the store could be reached.

    Attributes:
        is_at_fault: whether the body is at fault, and not the service.
        down_until: the moment (UTC) of the next probe, if the service is down.
    """

    is_at_fault: bool = False
    down_until: datetime | None = None


Action = TakeClaim | Pause | Await | ConfirmClaim | Send | Report | LookAhead | Finish
Feedback = (
    Granted
    | ProbeGranted
    | Barred
    | WaitUntil
    | NoneLeft
    | NoPlan
    | Woken
    | Confirmed
    | Answered
    | Booked
    | Outlook
    | Stopped
)

TRANSITIONS: Final[Mapping[tuple[type[Action], type[Feedback]], tuple[type[Action], ...]]] = MappingProxyType(
    {
        (TakeClaim, Granted): (Send, Pause, Finish),
        (TakeClaim, ProbeGranted): (Send, Pause, Finish),
        (TakeClaim, WaitUntil): (Pause,),
        (TakeClaim, Barred): (Await, Finish),
        (TakeClaim, NoneLeft): (Finish,),
        (TakeClaim, NoPlan): (Finish,),
        # With a claim in hand its call is next; without one a claim is.
        (Pause, Woken): (TakeClaim, ConfirmClaim, Pause),
        (Await, Woken): (TakeClaim,),
        (ConfirmClaim, Confirmed): (Send, TakeClaim, Finish),
        (ConfirmClaim, Barred): (Await, Finish),
        (Send, Answered): (Report, Finish),
        (Report, Booked): (TakeClaim, Pause, LookAhead, Finish),
        (LookAhead, Outlook): (Finish,),
        # A fetch that is stopped still books its call, and looks ahead.
        **{(action, Stopped): (Finish,) for action in (TakeClaim, Pause, Await, ConfirmClaim, Send)},
    }
)


class IllegalTransition(Exception):  # noqa: N818 (a mistake of ours, named by what it is)
    """The table has no row for this action and feedback, or another one than the next action."""


@attrs.frozen
class Fetch:
    """One step of a fetch: the action to take now, and all that later steps depend on.

    Attributes:
        request: the chart request.
        policy: the limits of calls and time.
        action: the driver's task.
        fetch_id: the name of this fetch in events and in its result.
        refused_ids: accounts that have refused the body before because of their plan.
        facts: the events to report now.
        unused: a claim that is held and not sent yet; a driver that abandons the fetch gives it back.
        attempts: the calls made so far.
    """

    request: Request
    policy: RetryPolicy
    action: Action
    fetch_id: str
    refused_ids: frozenset[str]
    _call_seconds: float
    _sent: Moment
    facts: tuple[Event, ...] = ()
    unused: Claim | None = None
    attempts: tuple[Attempt, ...] = ()
    _is_probe: bool = False
    _failure: ChartApiFailure | None = None

    @classmethod
    def begin(
        cls,
        request: Request,
        policy: RetryPolicy,
        moment: Moment,
        fetch_id: str = "",
        *,
        call_seconds: float = 0.0,
        refused_ids: frozenset[str] = frozenset(),
    ) -> Fetch:
        """Start at *moment*. No call is begun with less than *call_seconds* left, since it could hardly end in time.

        The accounts *refused_ids* are not asked, since they have refused the body because of their plan.
        """
        action: Action
        if problems := request.problems:
            action = Finish(refused(problems, fetch_id))
        else:
            need = Need(request.demand, earlier_ids=refused_ids)
            action = TakeClaim(_latest(policy, moment, call_seconds), need)
        return cls(
            request,
            policy,
            action,
            fetch_id,
            refused_ids,
            call_seconds,
            sent=moment,
        )

    def next(self, feedback: Feedback, moment: Moment) -> Fetch:
        """Return the next step, from the *feedback* to the last action.

        Raises:
            IllegalTransition: the table has no such row.
        """
        step = self._after(feedback, moment)
        if type(step.action) not in TRANSITIONS.get((type(self.action), type(feedback)), ()):
            event, before, after = (type(each).__name__ for each in (feedback, self.action, step.action))
            raise IllegalTransition(f"{event} can't lead from {before} to {after}")
        return step

    def _after(self, feedback: Feedback, moment: Moment) -> Fetch:  # noqa: C901, PLR0911, PLR0912 (a case for each feedback)
        """Answer each feedback."""
        match feedback:
            case Granted(claim):
                step = self._hold(claim, moment)
                return attrs.evolve(step, is_probe=False) if self._is_probe else step
            case ProbeGranted(claim):
                return attrs.evolve(self._hold(claim, moment), is_probe=True)
            case Answered(claim, outcome):
                return self._answered(claim, outcome, moment)
            case Barred():
                return self._barred(feedback, moment)
            case WaitUntil(at):
                return self._step(Pause(self._seconds_to(at, moment)))
            case NoneLeft():
                return self._none_left(feedback, moment)
            case NoPlan():
                return self._no_plan(feedback)
            case Woken():
                return self._step(self._claim(moment)) if self.unused is None else self._awake(self.unused, moment)
            case Confirmed(claim, stands):
                return self._send(claim, moment) if stands else self._step(self._claim(moment))
            case Booked():
                return self._decide(feedback, moment)
            case Outlook():
                return self._foresee(feedback)
            case Stopped():
                stopped = ChartApiError.of(FaultKind.STOPPED, STOPPED)
                return self._fail(self._error or stopped, unused=self.unused)
            case _:
                assert_never(feedback)

    def _hold(self, claim: Claim, moment: Moment) -> Fetch:
        """Wait for the moment of a claim, or use it at once."""
        wait = self._seconds_to(claim.not_before, moment)
        step = self._step(Pause(wait), unused=claim) if wait > 0 else self._send(claim, moment)
        error = self._error
        if error is None or error.remedy is not Remedy.OTHER_ACCOUNT:
            return step
        switched = self._retry(max(wait, 0.0), error)
        return attrs.evolve(step, facts=(switched, *step.facts))

    def _barred(self, barred: Barred, moment: Moment) -> Fetch:
        """Wait for the next probe, or for the end of the one under way, if that can be in time; else end without a call."""
        wait = self._seconds_for_probe(barred.at, moment, is_probed=barred.is_probed)
        if wait is not None and not barred.is_within:
            return self._step(Await(max(wait, _MIN_PAUSE), barred.is_probed))
        if self._error is not None:
            return self._fail(attrs.evolve(self._error, available_at=barred.at))
        why = f"the provider has failed {barred.failures:,} times in a row"
        if barred.is_at_fault:
            why = "the provider failed for this chart while it drew others"
        message = f"no call was made, since {why}; it is asked again at {barred.at:%Y-%m-%d %H:%M:%S} UTC"
        return self._fail(ChartApiError.of(FaultKind.SERVICE_DOWN, message, available_at=barred.at))

    def _seconds_for_probe(self, at: datetime, moment: Moment, *, is_probed: bool = False) -> float | None:
        """Return the seconds to wait for a probe, due *at* a moment or under way; None if no call could follow in time."""
        left = self.policy.deadline - moment.elapsed - self._call_seconds
        wait = left if is_probed else (at - moment.utc).total_seconds()
        return wait if left > _MIN_PAUSE and (is_probed or wait < left) else None

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
        """Make the call, unless the wait for the claim has left too little time."""
        remaining = self._left(moment)
        if remaining <= self._call_seconds:
            return self._fail(self._error or self._too_late(remaining, moment.utc), unused=claim)
        request = self.request
        started = CallStarted(
            str(request.key),
            claim.account_id,
            len(self.attempts) + 1,
            method=request.endpoint.method,
            path=request.path,
            fetch_id=self.fetch_id,
        )
        return self._step(Send(claim, remaining), started, unused=claim, sent=moment)

    def _left(self, moment: Moment) -> float:
        """Return the seconds from *moment* to the deadline."""
        return self.policy.deadline - moment.elapsed

    def _too_late(self, left: float, at: datetime) -> ChartApiError:
        """Return the error of a fetch that has an account *at* a moment, with too few seconds *left* for a call."""
        late = f"no account could be called within the deadline of {self.policy.deadline:g} s"
        if left > 0:
            late += f": {left:.1f} s are left, and a call takes {self._call_seconds:.1f} s at the least"
        return ChartApiError.of(FaultKind.NO_ACCOUNT, late, available_at=at)

    def _answered(self, claim: Claim, outcome: Reply | TransportFailure, moment: Moment) -> Fetch:
        """Record the outcome of a call, and book it before any decision."""
        error = classify(outcome, now=moment.utc, request=self.request)
        status = outcome.status if isinstance(outcome, Reply) else None
        kind = None if error is None else error.kind
        duration = moment.elapsed - self._sent.elapsed
        attempts = (*self.attempts, Attempt(claim.account_id, self._sent.utc, duration, status, kind))
        result = result_of(
            outcome,
            error,
            taken_at=moment.utc,
            answer=self.request.endpoint.answer,
            account_id=claim.account_id,
            attempts=attempts,
            fetch_id=self.fetch_id,
        )
        finished = CallFinished(
            str(self.request.key), claim.account_id, len(attempts), duration, status, kind, fetch_id=self.fetch_id
        )
        if isinstance(result, ChartApiFailure):
            return self._step(Report(claim, result.error), finished, attempts=attempts, failure=result)
        return self._step(Finish(result), finished, attempts=attempts)

    def _decide(self, booked: Booked, moment: Moment) -> Fetch:
        failure, calls = self._last_failure, len(self.attempts)
        if booked.is_at_fault:
            why = (
                f"{failure.error.message}; other charts were drawn meanwhile, so this one is at fault: change its body"
            )
            return self._fail(attrs.evolve(failure.error, message=why, retriable=False))
        if self._is_probe and booked.down_until is not None:
            return self._fail(attrs.evolve(failure.error, available_at=booked.down_until))
        decision = decide(
            failure.error, calls=calls, elapsed=moment.elapsed, jitter=moment.jitter, policy=self.policy, now=moment.utc
        )
        match decision:
            case GiveUp(final) if final.code is ErrorCode.CHART_API_LIMIT_EXCEEDED:
                return self._step(LookAhead(self._need), failure=attrs.evolve(failure, error=final))
            case GiveUp(final) if booked.down_until is not None and final.retriable:
                return self._fail(attrs.evolve(final, available_at=booked.down_until))
            case GiveUp(final):
                return self._fail(final)
            case WaitAndRetry() if (
                booked.down_until is not None and self._seconds_for_probe(booked.down_until, moment) is None
            ):
                return self._fail(attrs.evolve(failure.error, available_at=booked.down_until))
            case SwitchAccount():
                return self._step(self._claim(moment))
            case WaitAndRetry(delay):
                return self._step(Pause(delay), self._retry(delay, failure.error))
            case _:
                assert_never(decision)

    def _none_left(self, none: NoneLeft, moment: Moment) -> Fetch:
        """End for want of an account: with the error of the last call, if there was one; else with NO_ACCOUNT."""
        error, at = self._error, none.available_at
        if error is None and at is not None:
            left, wait = self._left(moment), max(0.0, (at - moment.utc).total_seconds())
            is_too_late_to_end = self._call_seconds > 0 and wait < left
            is_free_after_the_end = self._call_seconds <= 0 and wait <= 0 and left <= 0
            if is_too_late_to_end or is_free_after_the_end:
                return self._fail(self._too_late(left - wait, at))
        if error is None:
            error = ChartApiError.of(FaultKind.NO_ACCOUNT, _why_none(none), available_at=at)
        elif error.remedy is Remedy.WAIT:
            return self._fail(attrs.evolve(error, available_at=at))
        else:
            error = attrs.evolve(error, message=f"{error.message}; {_why_none(none)}", available_at=at)
        return self._fail(error, self._exceeded(none))

    def _no_plan(self, none: NoPlan) -> Fetch:
        """End because no plan allows the chart: with the error of the last call, or as a request that is wrong."""
        error = self._error
        if error is None:
            fact = RequestRefused(str(self.request.key), none.findings, fetch_id=self.fetch_id)
            return self._step(Finish(refused(none.findings, self.fetch_id)), fact)
        why = "; ".join(each.text for each in none.findings)
        message = f"{error.message}; no account is left that is known to allow the chart ({why})"
        return self._fail(attrs.evolve(error, message=message))

    def _foresee(self, outlook: Outlook) -> Fetch:
        """End with the error of an account, and when to ask again; report it if no account is left."""
        error, none = self._last_failure.error, outlook.none
        final = attrs.evolve(error, available_at=none.available_at or error.available_at)
        return self._fail(final, *(() if outlook.any_left else (self._exceeded(none),)))

    def _exceeded(self, none: NoneLeft) -> LimitExceeded:
        return LimitExceeded(
            str(self.request.key), none.exhausted, none.suspended, none.available_at, fetch_id=self.fetch_id
        )

    def _retry(self, delay: float, error: ChartApiError) -> RetryScheduled:
        return RetryScheduled(str(self.request.key), len(self.attempts), delay, error.kind, fetch_id=self.fetch_id)

    def _claim(self, moment: Moment) -> TakeClaim:
        """Ask for an account for the rest of the deadline."""
        return TakeClaim(_latest(self.policy, moment, self._call_seconds), self._need)

    @property
    def _error(self) -> ChartApiError | None:
        """The error of the last call; None before the first call."""
        return None if self._failure is None else self._failure.error

    @property
    def _last_failure(self) -> ChartApiFailure:
        """The result of the last call, which failed."""
        assert self._failure is not None  # noqa: S101 (only a failed call is reported)
        return self._failure

    @property
    def _need(self) -> Need:
        """The demand of the chart, and the accounts that refused it because of their plan."""
        refused = (attempt.account_id for attempt in self.attempts if attempt.kind is FaultKind.PLAN_LIMIT)
        return Need(self.request.demand, frozenset(refused), self.refused_ids)

    def _step(
        self,
        action: Action,
        *facts: Event,
        unused: Claim | None = None,
        sent: Moment | None = None,
        attempts: tuple[Attempt, ...] | None = None,
        failure: ChartApiFailure | None = None,
    ) -> Fetch:
        """Return the next step. A claim is kept only if passed as *unused*."""
        return Fetch(
            self.request,
            self.policy,
            action,
            self.fetch_id,
            self.refused_ids,
            self._call_seconds,
            sent=self._sent if sent is None else sent,
            facts=facts,
            unused=unused,
            attempts=self.attempts if attempts is None else attempts,
            is_probe=self._is_probe,
            failure=self._failure if failure is None else failure,
        )

    def _fail(self, error: ChartApiError, *facts: Event, unused: Claim | None = None) -> Fetch:
        if self._failure is None:
            result = ChartApiFailure(error=error, fetch_id=self.fetch_id)
        else:
            result = attrs.evolve(self._failure, error=error)
        return self._step(Finish(result), *facts, unused=unused)


def _latest(policy: RetryPolicy, moment: Moment, call_seconds: float) -> datetime:
    """Return the last moment (UTC) at which a call can begin."""
    return moment.utc + timedelta(seconds=policy.deadline - moment.elapsed - call_seconds)


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
    command = f"chartimg accounts reinstate {quote(none.suspended[0])}"
    how = "change its key or run" if len(none.suspended) == 1 else "change their keys or run for each"
    return f"{message}; to use {named} again, {how}: {command}"
