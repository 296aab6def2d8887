"""All interleavings of workers on one account keep the eight invariants, and any broken rule is found in a few steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import attrs
import pytest

from chartimg import Account, ChartApiError
from chartimg.domain.account import AccountSnapshot, AccountState, Claim, ledger, window_of
from explorer import Broken, Rules, explore
from rows import for_each

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("workers", "left", "states"),
    [
        (1, (1, 1, 1), 1_415),
        (2, (0, 0, 1), 3_736),
        pytest.param(2, (1, 1, 1), 53_652, marks=pytest.mark.gate),
        pytest.param(3, (0, 0, 0), 18_847, marks=pytest.mark.gate),
        pytest.param(3, (1, 1, 0), 673_835, marks=pytest.mark.soak),
    ],
)
def test_every_state_that_workers_can_reach_keeps_the_invariants(
    workers: int, left: tuple[int, int, int], states: int, record_property: Callable[[str, object], None]
) -> None:
    """Crashes, two days, steps of the clock, resets and reinstatements in between break no invariant in any state."""
    figures = explore(workers, left=left)
    record_property("figures", str(figures))

    assert states == figures.states


def refund_again(snapshot: AccountSnapshot, claim: Claim) -> AccountSnapshot:
    """Refund a claim that was refunded before."""
    return ledger.refund(attrs.evolve(snapshot, refunded=frozenset()), claim)


def refund_to_a_spent_day(snapshot: AccountSnapshot, claim: Claim) -> AccountSnapshot:
    """Refund a claim to a day that the provider calls spent."""
    if not snapshot.spent or claim.window != snapshot.window or claim.serial in snapshot.refunded:
        return ledger.refund(snapshot, claim)
    refunded = snapshot.refunded | {claim.serial}
    return attrs.evolve(snapshot, state=AccountState.AVAILABLE, spent=False, used=snapshot.used - 1, refunded=refunded)


def refund_of_another_day(snapshot: AccountSnapshot, claim: Claim) -> AccountSnapshot:
    """Refund a claim of another window."""
    return ledger.refund(snapshot, attrs.evolve(claim, window=snapshot.window))


def report_of_another_day(
    snapshot: AccountSnapshot, account: Account, claim: Claim, error: ChartApiError | None, now: datetime
) -> AccountSnapshot:
    """Book a report of an earlier window."""
    return ledger.apply_report(snapshot, account, attrs.evolve(claim, window=snapshot.window), error, now)


def report_of_another_epoch(
    snapshot: AccountSnapshot, account: Account, claim: Claim, error: ChartApiError | None, now: datetime
) -> AccountSnapshot:
    """Book a report of an earlier epoch."""
    return ledger.apply_report(snapshot, account, attrs.evolve(claim, epoch=snapshot.epoch), error, now)


def report_that_spends(
    snapshot: AccountSnapshot, account: Account, claim: Claim, error: ChartApiError | None, now: datetime
) -> AccountSnapshot:
    """Spend the day after a throttle."""
    after = ledger.apply_report(snapshot, account, claim, error, now)
    return attrs.evolve(after, used=2) if after.state is AccountState.THROTTLED else after


def report_beyond_the_limit(
    snapshot: AccountSnapshot, account: Account, claim: Claim, error: ChartApiError | None, now: datetime
) -> AccountSnapshot:
    """Count an exhausted day beyond its limit."""
    after = ledger.apply_report(snapshot, account, claim, error, now)
    return attrs.evolve(after, used=account.calls.daily_limit + 1) if after.spent else after


def current_that_reopens(snapshot: AccountSnapshot | None, account: Account, now: datetime) -> AccountSnapshot:
    """Go back to an earlier window with the clock."""
    after = ledger.current(snapshot, account, now)
    return ledger.fresh(account, now) if after.window > now else after


def current_that_stays_spent(snapshot: AccountSnapshot | None, account: Account, now: datetime) -> AccountSnapshot:
    """Keep the count over midnight."""
    after = ledger.current(snapshot, account, now)
    is_new = snapshot is not None and snapshot.window != after.window
    return attrs.evolve(after, used=account.calls.daily_limit) if is_new else after


def ready_without_pace(snapshot: AccountSnapshot, account: Account) -> datetime | None:
    """Forget the pace."""
    ready = ledger.ready_at(snapshot, account)
    return None if ready is None else min(ready, snapshot.window)


def reset_of_claims_that_count(snapshot: AccountSnapshot, now: datetime) -> AccountSnapshot:
    """Begin anew with serials that can still be refunded."""
    return attrs.evolve(ledger.reset(snapshot, now), serial=snapshot.serial)


def reset_in_the_same_epoch(snapshot: AccountSnapshot, now: datetime) -> AccountSnapshot:
    """Begin anew in the epoch of the old claims."""
    return attrs.evolve(ledger.reset(snapshot, now), epoch=snapshot.epoch)


def reset_that_keeps_the_count(snapshot: AccountSnapshot, now: datetime) -> AccountSnapshot:
    """Begin anew with the old count."""
    return attrs.evolve(ledger.reset(snapshot, now), used=snapshot.used)


def reset_to_tomorrow(snapshot: AccountSnapshot, now: datetime) -> AccountSnapshot:
    """Begin anew in the window after the current one."""
    return attrs.evolve(ledger.reset(snapshot, now), window=window_of(now) + DAY)


BROKEN = [
    (Rules(refund=refund_again), "1"),
    (Rules(refund=refund_to_a_spent_day), "2"),
    (Rules(refund=refund_of_another_day), "3"),
    (Rules(report=report_of_another_day), "3"),
    (Rules(report=report_of_another_epoch), "3"),
    (Rules(report=report_that_spends), "4"),
    (Rules(report=report_beyond_the_limit), "1"),
    (Rules(current=current_that_reopens), "2"),
    (Rules(current=current_that_stays_spent), "1 the books count"),
    (Rules(ready_at=ready_without_pace), "4"),
    (Rules(reset=reset_of_claims_that_count), "3"),
    (Rules(reset=reset_in_the_same_epoch), "3"),
    (Rules(reset=reset_that_keeps_the_count), "8"),
    (Rules(reset=reset_to_tomorrow), "8"),
]


@for_each(
    ("rules", "invariant"),
    BROKEN,
)
def test_a_broken_rule_is_found_in_a_few_steps(rules: Rules, invariant: str) -> None:
    """The shortest way to a state that a broken rule spoils has at most nine steps."""
    with pytest.raises(Broken) as found:
        explore(2, rules)

    assert len(found.value.steps) <= 9, found.value
    assert found.value.invariant.startswith(invariant)
