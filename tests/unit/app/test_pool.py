"""The pool: claims on the host's accounts, whoever else has a hand in their books."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from chartimg import AccountPool
from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.app.pool import AccountStatus, Pool
from chartimg.domain.account import TRANSITIONS, Account, AccountEvent, AccountSnapshot, AccountState, Claim, advance
from chartimg.domain.account.ledger import MARGIN
from chartimg.domain.account.turn import Granted, Need, NoneLeft, NoPlan, Outlook, WaitUntil
from chartimg.domain.check.catalog import Catalog
from chartimg.domain.errors import ConfigError, StoreBusy, StoreUnavailable
from chartimg.domain.events import (
    AccountExhausted,
    AccountReinstated,
    AccountSuspended,
    AccountThrottled,
    PlanLimitLearned,
    StoreLostWrites,
)
from chartimg.domain.faults import ChartApiError, FaultKind
from chartimg.domain.plan import Plan, PlanName
from chartimg.domain.plan.demand import Demand
from chartimg.domain.ports import AccountStore
from chartimg.testing import EventLog, VirtualClock
from samples import NOON
from seven_invariants import SevenInvariants, fault, rows_of_this_example, within_pace

MIDNIGHT = datetime(2026, 1, 6, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
A = Account("a", "key-a", daily_limit=3, requests_per_second=1.0, burst=2)
B = Account("b", "key-b", daily_limit=3, requests_per_second=1.0, burst=2)
LARGE = Demand(1920, 1080)


@attrs.define
class World:
    """One store and one clock, for as many pools as a test wants."""

    store: AccountStore = attrs.field(factory=MemoryAccountStore)
    clock: VirtualClock = attrs.field(factory=lambda: VirtualClock(NOON))
    notes: EventLog = attrs.field(factory=EventLog)

    def pool(self, *accounts: Account) -> Pool:
        """Open a pool, as another process would."""
        return Pool(accounts, self.store, self.clock, self.notes, lambda: shipped_catalog().plans)

    def soon(self, seconds: float = 100.0) -> datetime:
        """Give a moment that is *seconds* ahead."""
        return self.clock.now() + timedelta(seconds=seconds)


def granted(outcome: Granted | WaitUntil | NoneLeft | NoPlan) -> Claim:
    """Give the claim of an outcome that has one."""
    assert isinstance(outcome, Granted)
    return outcome.claim


def only(pool: Pool) -> AccountStatus:
    """Give the status of a pool's only account."""
    (status,) = pool.status()
    return status


def test_account_ids_must_differ() -> None:
    """Two accounts of one name would share one set of books, so they are refused, each named once."""
    world = World()
    with pytest.raises(ConfigError, match=r"^account ids must differ: a, b$"):
        world.pool(A, B, A, B, A)


def test_accounts_are_found_by_id() -> None:
    """An id gives its account; an id that isn't configured is a mistake, and the message says which are."""
    pool = World().pool(A, B)

    assert B is pool.account("b")
    for use in (pool.account, pool.mark_account_exhausted, pool.reinstate, lambda c: pool.suspend(c, "x")):
        with pytest.raises(ConfigError, match=r"^account 'c' does not exist; configured accounts: a, b$"):
            use("c")
    with pytest.raises(ConfigError, match="configured accounts: none"):
        World().pool().account("a")


def test_a_pool_without_accounts_has_none_left() -> None:
    """Nothing configured is nothing to wait for."""
    assert NoneLeft(None) == World().pool().claim(latest=MIDNIGHT)
    assert World().pool().status() == ()


def test_the_first_account_goes_first_and_the_next_when_it_is_busy() -> None:
    """Configured order counts among those who can be called now; a claim says what it was taken from."""
    pool = World().pool(A, B)
    claims = [granted(pool.claim()) for _ in range(4)]

    assert ["a", "a", "b", "b"] == [claim.account_id for claim in claims]
    assert {(NOON, MIDNIGHT - DAY)} == {(claim.not_before, claim.window) for claim in claims}


def test_who_is_ready_soonest_goes_when_nobody_is_now() -> None:
    """A claim for a moment ahead is on the account that can serve first, and only if that is in time."""
    world = World()
    slow = attrs.evolve(A, requests_per_second=0.1)
    pool = world.pool(slow, B)
    for _ in range(4):
        pool.claim()

    assert NoneLeft(NOON + SECOND + MARGIN) == pool.claim()
    assert NoneLeft(NOON + SECOND + MARGIN) == pool.claim(latest=NOON + SECOND)
    claim = granted(pool.claim(latest=world.soon()))
    assert ("b", NOON + SECOND + MARGIN) == (claim.account_id, claim.not_before)


def test_claims_for_later_are_first_come_first_served() -> None:
    """Every further claim is for a later moment, as far apart as the rate says, and all of them a margin later."""
    world = World()
    pool = world.pool(attrs.evolve(A, daily_limit=10))

    assert [NOON, NOON, *(NOON + number * SECOND + MARGIN for number in (1, 2, 3))] == [
        granted(pool.claim(latest=world.soon())).not_before for _ in range(5)
    ]


def planned(*plans: PlanName | str | None, **changes: object) -> list[Account]:
    """Make an account of each plan, named a, b, c."""
    return [
        attrs.evolve(A, id=name, plan=plan, **changes)  # type: ignore[arg-type]
        for name, plan in zip("abcdef", plans, strict=False)
    ]


def too_much(limit: str) -> ChartApiError:
    """Make the error of a chart that is more than a plan allows."""
    return fault(FaultKind.PLAN_LIMIT, said=f"HTTP 403: Exceed Max Usage {limit}")


def test_only_accounts_whose_plans_allow_the_chart_are_taken() -> None:
    """Small ones that are free leave a large chart as it is, and its failure speaks of the large ones only."""
    pool = World().pool(*planned("BASIC", "PRO"))
    pool.mark_account_exhausted("b")

    assert NoneLeft(MIDNIGHT, ("b",), too_small=1) == pool.claim(need=Need(LARGE))
    assert granted(pool.claim(need=Need(Demand()))).account_id == "a"
    pool.suspend("b", "refused")
    assert NoneLeft(None, (), ("b",), 1) == pool.claim(need=Need(LARGE), latest=MIDNIGHT)


def test_the_smallest_plan_goes_first_and_the_next_when_it_is_busy() -> None:
    """Whatever the configured order; a plan's accounts are told apart by that."""
    pool = World().pool(*planned("MEGA", "BASIC", "PRO", "BASIC"))

    assert "bbddccaa" == "".join(granted(pool.claim(need=Need(Demand()))).account_id for _ in range(8))
    assert NoneLeft(NOON + SECOND + MARGIN) == pool.claim(need=Need(Demand()))


def test_a_chart_that_no_plan_allows_is_told_without_a_claim() -> None:
    """Whatever the accounts' state; what is too much is named, and the smallest plan that would do."""
    world = World()
    pool = world.pool(*planned("BASIC", "PRO"))
    pool.suspend("b", "refused")
    outcome = pool.claim(need=Need(Demand(1920, 1600)), latest=MIDNIGHT)

    assert isinstance(outcome, NoPlan)
    assert ["height: ERROR: 1600 is more than PRO allows (1080); MEGA is the smallest plan that would"] == [
        str(finding) for finding in outcome.findings
    ]
    assert [0, 0] == [status.used for status in pool.status()]
    assert NoneLeft(None) == world.pool().claim(need=Need(Demand(9999)))


def test_limits_that_were_told_are_the_accounts_own() -> None:
    """For every pool over the store, to the end of the window, and with the account's name, since its plan says otherwise."""
    world = World()
    pool, other = world.pool(*planned(None, "PRO")), world.pool(*planned(None, "PRO"))
    assert granted(other.claim(need=Need(LARGE))).account_id == "b"
    first, second = granted(pool.claim()), granted(pool.claim(need=Need(LARGE)))
    pool.report(first, too_much("Resolution Limit (800x600)"))
    pool.report(second, too_much("Resolution Limit (640x480)"))
    pool.report(second, too_much("Resolution Limit (640x480)"))
    outcomes = [each.claim(need=Need(LARGE), latest=world.soon()) for each in (pool, other)]

    assert isinstance(outcomes[0], NoPlan)
    assert outcomes[0] == outcomes[1]
    assert "1920 is more than the account 'a' allows (800); PRO is the smallest" in outcomes[0].findings[0].message
    assert [
        PlanLimitLearned("a", 800, 600, None, None, MIDNIGHT),
        PlanLimitLearned("b", 640, 480, None, None, MIDNIGHT),
    ] == world.notes.events
    assert "a" == granted(pool.claim(need=Need(Demand()))).account_id
    world.clock.advance(12 * 3600)
    assert ["b", "b", "a", "a"] == [granted(other.claim(need=Need(LARGE))).account_id for _ in range(4)]


@pytest.mark.parametrize("name", ["BASIC", None])
def test_limits_are_told_as_a_plans_only_where_they_are(name: str | None) -> None:
    """Of an account that was told its own, or has no plan, it is the account that is named."""
    pool = World().pool(*planned(name, burst=3))
    said = []
    for limit in ("Resolution Limit", "Resolution Limit (640x600)"):
        pool.report(granted(pool.claim()), too_much(limit))
        outcome = pool.claim(need=Need(LARGE))
        said += [outcome.findings[0].message] if isinstance(outcome, NoPlan) else []

    assert (["more than BASIC allows (800)"] if name else []) + ["more than the account 'a' allows (640)"] == [
        message.partition(" is ")[2].partition(";")[0] for message in said
    ]


def test_who_has_refused_a_chart_is_not_asked_again_nor_who_may_refuse_it_too() -> None:
    """Only another account is, whose plan is known to allow the chart; an id that isn't configured is none."""
    pool = World().pool(*planned("MEGA", None, "MEGA", "PRO"))
    refused = frozenset({"a", "nobody"})

    assert ["d", "d", "c", "c"] == [granted(pool.claim(need=Need(LARGE, refused))).account_id for _ in range(4)]
    assert NoneLeft(NOON + SECOND + MARGIN, too_small=2) == pool.claim(need=Need(LARGE, refused))
    assert isinstance(pool.claim(need=Need(Demand(1920, 1600), frozenset({"a", "c"}))), NoPlan)
    assert granted(pool.claim(need=Need(refused_ids=frozenset("acd")))).account_id == "b"


def test_a_pool_without_plans_asks_for_none_unless_one_must_be_named() -> None:
    """Reading them takes its time."""
    world, asked = World(), list[int]()

    def plans() -> tuple[Plan, ...]:
        """Take note, and give them."""
        asked.append(1)
        return shipped_catalog().plans

    pool = Pool([A], world.store, world.clock, world.notes, plans)
    pool.report(granted(pool.claim(need=Need(LARGE))), too_much("Resolution Limit (800x600)"))
    pool.claim(need=Need(Demand()))
    assert [] == asked
    outcome = pool.claim(need=Need(LARGE))

    assert isinstance(outcome, NoPlan)
    assert [1] == asked


def test_the_plans_of_a_hosts_catalog_count() -> None:
    """Those that are shipped do where it gives none of its own."""
    roomy = attrs.evolve(PLANS[PlanName.BASIC], max_width=4096)
    catalog = shipped_catalog().extended(Catalog(plans=(roomy,)))
    shipped, extended = (
        AccountPool(planned("BASIC"), clock=VirtualClock(NOON), catalog=each) for each in (None, catalog)
    )

    assert (None, catalog) == (shipped.catalog, extended.catalog)
    assert isinstance(shipped.claim(need=Need(Demand(1920))), NoPlan)
    assert granted(extended.claim(need=Need(Demand(1920)))).account_id == "a"


@pytest.mark.parametrize(("plan", "read"), [("", False), ("PRO", True)])
def test_a_pool_without_plans_reads_no_catalog(plan: str, read: bool) -> None:  # noqa: FBT001
    """What a process does not need it does not load."""
    program = (
        "from chartimg import Account, AccountPool; from chartimg.adapters.catalog import shipped_catalog; import sys;"
        "AccountPool([Account('a', 'key', plan=sys.argv[1] or None)]).claim(); print(shipped_catalog.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", program, plan], check=True, capture_output=True, text=True)

    assert f"{read:d}" == done.stdout.strip()


def test_a_plan_the_catalog_does_not_have_is_not_known() -> None:
    """An account of it may serve anything."""
    world = World()
    pool = Pool(planned("ULTRA"), world.store, world.clock, world.notes)

    assert granted(pool.claim(need=Need(Demand(9999)))).account_id == "a"


def test_what_was_told_today_holds_again_when_the_clock_steps_back_into_today() -> None:
    """A pool that has seen the next day begin takes no account for a chart that it has refused on this one."""
    world = World(clock=VirtualClock(MIDNIGHT - 30 * SECOND))
    pool = world.pool(*planned("PRO"))
    pool.report(granted(pool.claim(need=Need(LARGE))), too_much("Resolution Limit (800x600)"))
    world.clock.advance(60)
    assert pool.outlook(need=Need(LARGE)).any_left
    world.clock.step(-60)

    assert isinstance(pool.claim(need=Need(LARGE)), NoPlan)


def test_what_was_told_before_midnight_is_forgotten_after_it_whatever_the_clock_has_done() -> None:
    """Also by a pool that had seen the next day begin before it learned of the limit."""
    world = World(clock=VirtualClock(MIDNIGHT + 30 * SECOND))
    pool = world.pool(*planned("PRO"))
    pool.status()
    world.clock.step(-60)
    pool.report(granted(pool.claim(need=Need(LARGE))), too_much("Resolution Limit (800x600)"))
    assert isinstance(pool.claim(need=Need(LARGE)), NoPlan)
    world.clock.advance(60)

    assert granted(pool.claim(need=Need(LARGE))).account_id == "a"


def test_a_mixed_pool_serves_each_chart_as_long_as_one_that_may_is_free() -> None:
    """A large chart on the large plan though the small ones are spent, and a small one on it when they are."""
    pool = World().pool(*planned("BASIC", "ULTRA", "BASIC"))
    for name in "ac":
        pool.mark_account_exhausted(name)
    assert granted(pool.claim(need=Need(LARGE))).account_id == "b"
    assert granted(pool.claim(need=Need(Demand()))).account_id == "b"
    pool.mark_account_exhausted("b")

    assert NoneLeft(MIDNIGHT, ("b",), too_small=2) == pool.claim(need=Need(LARGE))
    assert NoneLeft(MIDNIGHT, ("a", "b", "c")) == pool.claim(need=Need(Demand()))


def test_a_large_plan_that_is_spent_keeps_no_small_chart_waiting() -> None:
    """The small plans serve it."""
    pool = World().pool(*planned("ULTRA", "BASIC"))
    pool.mark_account_exhausted("a")

    assert NoneLeft(MIDNIGHT, ("a",), too_small=1) == pool.claim(need=Need(LARGE))
    assert granted(pool.claim(need=Need(Demand()))).account_id == "b"


PLANS = shipped_catalog().plan_by_name
demands = st.builds(
    Demand,
    st.sampled_from([800, 1920, 2048, 2049]),
    st.sampled_from([600, 1080, 1600]),
    st.integers(0, 30),
    st.sampled_from([0, 30]),
    st.booleans(),
)


@given(plans=st.lists(st.sampled_from(PlanName), min_size=1, max_size=6), demand=demands)
def test_of_accounts_that_are_all_ready_the_smallest_that_may_serve_is_taken(
    plans: list[PlanName], demand: Demand
) -> None:
    """The first of them in configured order; and there is none only if no plan allows the chart."""
    outcome = World().pool(*planned(*plans)).claim(need=Need(demand))
    allowing = [plan for plan in plans if PLANS[plan].chart.allows(demand)]
    event(type(outcome).__name__)

    if allowing:
        assert "abcdef"[plans.index(min(allowing, key=list(PlanName).index))] == granted(outcome).account_id
    else:
        assert isinstance(outcome, NoPlan)


@given(
    plans=st.lists(st.sampled_from(PlanName), min_size=1, max_size=4),
    charts=st.lists(st.tuples(demands, st.sampled_from([None, 0.5, 30.0])), max_size=40),
)
def test_no_chart_is_refused_while_an_account_that_may_serve_it_has_units_left(
    plans: list[PlanName], charts: list[tuple[Demand, float | None]]
) -> None:
    """Nor is one ever put on an account that may not: over a day of charts of all sizes, until all is spent."""
    world = World()
    pool = world.pool(*planned(*plans, requests_per_second=1000.0, burst=50))
    left = dict.fromkeys("abcdef"[: len(plans)], 3)
    for demand, wait in charts:
        able = [name for name, plan in zip(left, plans, strict=True) if PLANS[plan].chart.allows(demand)]
        outcome = pool.claim(need=Need(demand), latest=None if wait is None else world.soon(wait))
        if isinstance(outcome, Granted):
            taken = outcome.claim.account_id
            assert taken in able
            sizes = [list(PlanName).index(plans[list(left).index(name)]) for name in able if left[name]]
            assert min(sizes) == list(PlanName).index(plans[list(left).index(taken)])
            left[taken] -= 1
        elif able:
            assert NoneLeft(MIDNIGHT, tuple(able), too_small=len(plans) - len(able)) == outcome
            assert not any(left[name] for name in able)
        else:
            assert isinstance(outcome, NoPlan)
        world.clock.advance(1)


def test_units_of_the_next_window_are_waited_for_and_claimed_then() -> None:
    """A day whose units are taken is over at midnight, and no unit of tomorrow is claimed today."""
    world = World(clock=VirtualClock(MIDNIGHT - 30 * SECOND))
    pool = world.pool(attrs.evolve(A, daily_limit=1))
    pool.claim()

    assert NoneLeft(MIDNIGHT, ("a",)) == pool.claim(latest=world.soon(30))
    assert WaitUntil(MIDNIGHT) == pool.claim(latest=world.soon(31))
    world.clock.advance(30)
    assert MIDNIGHT == granted(pool.claim()).window


def test_who_is_left_out_is_named_by_what_became_of_it() -> None:
    """Those whose day is spent and those that wait for a person are told apart, in configured order."""
    world = World()
    pool = world.pool(*(attrs.evolve(A, id=name, daily_limit=1) for name in "abcd"))
    pool.mark_account_exhausted("d")
    pool.suspend("c", "refused")
    pool.report(granted(pool.claim()), fault(FaultKind.CREDENTIAL_REJECTED))
    pool.claim()

    assert NoneLeft(MIDNIGHT, ("b", "d"), ("a", "c")) == pool.claim(latest=world.soon())


def test_the_outlook_says_when_an_account_is_free_and_whether_one_is_left() -> None:
    """Also for a store that is gone, as far as its books are remembered."""
    world = World()
    pool = world.pool(A, B)
    fresh = pool.outlook()
    pool.mark_account_exhausted("a")
    one_left = pool.outlook()
    pool.suspend("b", "why")
    none_left = pool.outlook()
    gone = Pool([A], SqliteAccountStore("/proc/nowhere/a.sqlite3"), world.clock, world.notes).outlook()

    assert Outlook(NoneLeft(NOON), any_left=True) == fresh
    assert Outlook(NoneLeft(NOON, ("a",)), any_left=True) == one_left
    assert Outlook(NoneLeft(MIDNIGHT, ("a",), ("b",)), any_left=False) == none_left
    assert Outlook(NoneLeft(None), any_left=True) == gone


def test_the_outlook_speaks_of_the_accounts_that_may_serve_the_chart() -> None:
    """That others are free is no comfort, and that others are spent no news."""
    pool = World().pool(*planned("BASIC", "PRO", "PRO"))
    pool.mark_account_exhausted("b")
    one_left = pool.outlook(need=Need(LARGE))
    none_left = pool.outlook(need=Need(LARGE, frozenset("c")))

    assert Outlook(NoneLeft(NOON, ("b",), too_small=1), any_left=True) == one_left
    assert Outlook(NoneLeft(MIDNIGHT, ("b",), too_small=2), any_left=False) == none_left
    assert Outlook(NoneLeft(None, too_small=3), any_left=False) == pool.outlook(need=Need(Demand(9999)))


def test_a_day_is_spent_in_steps_and_not_account_by_account() -> None:
    """Eight units of the first, eight of the second, and so on; the next day begins with the first again."""
    world = World()
    accounts = [attrs.evolve(A, daily_limit=44, burst=3), attrs.evolve(B, daily_limit=44, burst=3)]
    pool = world.pool(*accounts)
    taken = []
    for _ in range(24):
        taken.append(granted(pool.claim()).account_id)
        world.clock.advance(60)
    world.clock.advance(86_400)

    assert ["a"] * 8 + ["b"] * 8 + ["a"] * 8 == taken
    assert "a" == granted(pool.claim()).account_id


class Busy(MemoryAccountStore):
    """A store that others use for some seconds of a clock."""

    def __init__(self, clock: VirtualClock, seconds: float) -> None:
        """Begin now."""
        super().__init__()
        self.clock, self.until = clock, clock.monotonic() + seconds

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Read, once nobody else does."""
        if self.clock.monotonic() < self.until:
            raise StoreBusy("others use it")
        return super().read(account_ids)


def test_others_who_use_the_store_are_waited_for_within_the_deadline() -> None:
    """It is never "no quota": either the claim is granted, or the store could not be reached in time."""
    clock = VirtualClock(NOON)
    pool = Pool([A], Busy(clock, 5.0), clock, EventLog())
    with pytest.raises(StoreBusy):
        pool.claim(latest=NOON + 2 * SECOND)
    assert 2.0 <= clock.monotonic() < 2.1

    assert "a" == granted(pool.claim(latest=clock.now() + 9 * SECOND)).account_id
    assert 5.0 <= clock.monotonic() < 5.1


class Slow(MemoryAccountStore):
    """A store each of whose answers takes some seconds of a clock."""

    def __init__(self, clock: VirtualClock, seconds: float) -> None:
        """Take the clock."""
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Read, in its own time."""
        self.clock.advance(self.seconds)
        return super().read(account_ids)


def test_a_deadline_that_the_store_took_up_is_not_want_of_quota() -> None:
    """Units are free; only the books could not be had in time."""
    clock = VirtualClock(NOON)
    pool = Pool([A], Slow(clock, 5.0), clock, EventLog())
    with pytest.raises(StoreBusy, match="took until the deadline"):
        pool.claim(latest=NOON + 2 * SECOND)

    assert "a" == granted(pool.claim(latest=clock.now() + 20 * SECOND)).account_id


def test_other_threads_are_waited_for_within_the_deadline_too() -> None:
    """Who can't have the books before it is over says so, and does not wait on."""
    pool = World().pool(A)
    with pool._books.held(), pytest.raises(StoreBusy, match="other threads"):  # noqa: SLF001 (another thread's claim)
        pool.claim(latest=NOON + SECOND / 100)


class Stale(MemoryAccountStore):
    """A store that refuses every swap, and reads as if it had not."""

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Refuse."""
        return False


def test_a_store_that_refuses_every_swap_is_given_up_on() -> None:
    """It is told as busy rather than asked for ever."""
    with pytest.raises(StoreBusy, match="1000 swaps in a row"):
        Pool([A], Stale(), VirtualClock(NOON), EventLog()).claim()


@pytest.mark.parametrize(
    "deed", [lambda pool: pool.suspend("a", None), lambda pool: pool.mark_account_exhausted("a", 5)]
)
def test_a_reason_that_is_no_text_never_reaches_the_books(deed: Callable[[Pool], None]) -> None:
    """They could not be read any more."""
    world = World()
    with pytest.raises(ConfigError, match="the reason must be text"):
        deed(world.pool(A))

    assert (None,) == world.store.read(["a"])


@pytest.mark.parametrize("charts", [-1, 10**7, 1.5, "3", None])
def test_a_forecast_is_for_a_number_of_charts(charts: Any) -> None:
    """Anything else is the host's mistake."""
    with pytest.raises(ConfigError, match="a forecast is for 0 to"):
        World().pool(A).forecast(charts)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_that_is_forked_in_the_middle_of_a_claim_claims_on_its_own() -> None:
    """The lock that a thread of the parent holds is not the child's, which begins with the books as they are."""
    pool = World().pool(A)
    with pool._books.held():  # noqa: SLF001 (another thread's claim)
        child = os.fork()
        if not child:
            os._exit(0 if isinstance(pool.claim(), Granted) else 1)
    done, status = 0, 0
    for _ in range(500):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.02)
    else:
        os.kill(child, signal.SIGKILL)

    assert (child, 0) == (done, status)


def test_without_a_deadline_the_store_is_waited_for_half_a_minute() -> None:
    """A report or a status does not give up sooner."""
    clock = VirtualClock(NOON)
    assert 0 == Pool([A], Busy(clock, 29.0), clock, EventLog()).status()[0].used
    with pytest.raises(StoreBusy):
        Pool([A], Busy(clock, 99.0), clock, EventLog()).status()
    assert 59.0 <= clock.monotonic() < 59.2


def test_what_a_store_forgets_is_written_again_and_told() -> None:
    """A pool knows what it has taken: the books never say less, and the listener hears what may be spent twice."""
    world = World()
    pool, account = world.pool(A), A
    granted(pool.claim())
    older = world.store.read(["a"])[0]
    granted(pool.claim())
    known = world.store.read(["a"])[0]
    assert older is not None
    assert known is not None
    world.store._snapshots["a"] = older  # type: ignore[attr-defined]  # noqa: SLF001 (a failover)
    status = pool.status()[0]

    assert (2, 1) == (status.used, account.daily_limit - status.used)
    assert [StoreLostWrites("a", 1, known.version, older.version)] == world.notes.events
    world.store._snapshots.clear()  # type: ignore[attr-defined]  # noqa: SLF001 (all is lost)
    claim = granted(pool.claim(latest=world.soon()))
    assert 3 == claim.serial
    assert (3, 0) == (world.pool(A).status()[0].used, world.pool(A).status()[0].left)


def test_a_claim_that_still_stands_is_confirmed() -> None:
    """What was waited for and not contradicted may be used; asking costs nothing."""
    world = World()
    pool = world.pool(A)
    claim = granted(pool.claim())

    assert pool.confirm(claim)
    assert pool.confirm(claim)
    assert only(pool).used == 1


@pytest.mark.parametrize(
    "undo",
    [
        lambda pool, _: pool.suspend("a", "refused"),
        lambda pool, claim: pool.report(claim, fault(FaultKind.THROTTLED)),
        lambda pool, claim: pool.refund(claim),
    ],
    ids=["suspended", "throttled", "given back"],
)
def test_a_claim_that_no_longer_stands_is_given_back(undo: Callable[[Pool, Claim], None]) -> None:
    """When its account may not be called any more a claim that was waited for is not used, and not charged."""
    world = World()
    pool, other = world.pool(A), world.pool(A)
    claim, another = granted(pool.claim()), granted(pool.claim())
    undo(other, claim)

    assert not pool.confirm(claim)
    assert only(pool).used == 1
    assert ("a", "a") == (claim.account_id, another.account_id)


def test_a_claim_on_an_account_that_is_too_small_by_now_is_given_back() -> None:
    """What another process was told of its plan while it was waited for counts; for what it allows the claim stands."""
    world = World()
    pool, other = world.pool(*planned("PRO")), world.pool(*planned("PRO"))
    claim, another = granted(pool.claim(need=Need(LARGE))), granted(other.claim(need=Need(LARGE)))
    assert pool.confirm(claim, need=Need(LARGE))
    other.report(another, too_much("Resolution Limit (800x600)"))

    assert pool.confirm(claim, need=Need(Demand()))
    assert not pool.confirm(claim, need=Need(LARGE))
    assert only(pool).used == 1


def test_a_claim_is_confirmed_for_what_would_be_granted() -> None:
    """Where others have refused the chart, only on an account that surely allows it, and that has not refused itself."""
    pool = World().pool(*planned(None))
    claim = granted(pool.claim(need=Need(LARGE)))

    assert pool.confirm(claim, need=Need(LARGE))
    assert not pool.confirm(claim, need=Need(LARGE, frozenset({"b", "a"})))


def test_a_claim_on_a_day_that_is_spent_is_neither_confirmed_nor_given_back() -> None:
    """A refund never gives a spent day a unit."""
    world = World()
    pool = world.pool(A)
    claim = granted(pool.claim())
    pool.mark_account_exhausted("a")

    assert not pool.confirm(claim)
    assert (3, 0) == (only(pool).used, only(pool).left)


def test_a_claim_of_a_lost_store_is_not_confirmed() -> None:
    """Books that have never heard of an account don't vouch for a claim on it."""
    claim = granted(World().pool(A).claim())

    assert not World().pool(A).confirm(claim)


def test_marking_an_account_exhausted_is_once_and_for_the_day() -> None:
    """The count goes to the limit, the second time changes nothing and is told nobody, the next day is whole."""
    world = World()
    pool = world.pool(A)
    pool.mark_account_exhausted("a")
    books = world.store.read(["a"])
    pool.mark_account_exhausted("a", "again")

    assert (AccountState.EXHAUSTED, 3, 0, "marked by the host", MIDNIGHT) == (
        only(pool).state,
        only(pool).used,
        only(pool).left,
        only(pool).reason,
        only(pool).available_at,
    )
    assert books == world.store.read(["a"])
    assert [AccountExhausted("a", MIDNIGHT, "marked by the host")] == world.notes.events
    world.clock.advance(12 * 3600)
    assert (AccountState.AVAILABLE, 3, MIDNIGHT) == (only(pool).state, only(pool).left, only(pool).available_at)


def test_a_throttle_is_told_and_lasts_as_long_as_was_asked() -> None:
    """The account rests, its day is not spent, and a longer pause is told again."""
    world = World()
    pool = world.pool(A)
    first, second = granted(pool.claim()), granted(pool.claim())
    pool.report(first, fault(FaultKind.THROTTLED, 5.0))
    pool.report(second, fault(FaultKind.THROTTLED, 2.0))
    pool.report(second, fault(FaultKind.THROTTLED, 9.0))

    assert [
        AccountThrottled("a", NOON + 5 * SECOND, "said THROTTLED"),
        AccountThrottled("a", NOON + 9 * SECOND, "said THROTTLED"),
    ] == world.notes.events
    assert (AccountState.THROTTLED, 1, NOON + 9 * SECOND) == (
        only(pool).state,
        only(pool).left,
        only(pool).available_at,
    )
    assert NOON + 9 * SECOND == granted(pool.claim(latest=world.soon())).not_before


def test_a_suspension_is_told_and_lasts_until_it_is_lifted() -> None:
    """A suspended account has no moment at which it is free, until a person says so."""
    world = World()
    pool = world.pool(A)
    pool.report(granted(pool.claim()), fault(FaultKind.CREDENTIAL_REJECTED))
    world.clock.advance(3 * 86_400)

    assert (AccountState.SUSPENDED, None, "said CREDENTIAL_REJECTED") == (
        only(pool).state,
        only(pool).available_at,
        only(pool).reason,
    )
    assert NoneLeft(None, (), ("a",)) == pool.claim(latest=world.soon(1e6))
    pool.reinstate("a")
    assert granted(pool.claim()).account_id == "a"
    assert [AccountSuspended("a", "said CREDENTIAL_REJECTED"), AccountReinstated("a")] == world.notes.events


def test_another_key_lifts_a_suspension() -> None:
    """An account whose key has changed is called again, and its reinstatement is told."""
    world = World()
    world.pool(A).suspend("a", "refused")
    pool = world.pool(attrs.evolve(A, api_key="another"))

    assert granted(pool.claim()).account_id == "a"
    assert [AccountSuspended("a", "refused"), AccountReinstated("a")] == world.notes.events


@pytest.mark.parametrize("kind", [None, *FaultKind])
def test_listeners_hear_of_nothing_but_a_change_for_the_worse(kind: FaultKind | None) -> None:
    """Three kinds of outcome are told of an account; a picture and the rest are not."""
    world = World()
    pool = world.pool(A)
    pool.report(granted(pool.claim()), None if kind is None else fault(kind))
    expected = {
        FaultKind.THROTTLED: [AccountThrottled],
        FaultKind.QUOTA_EXCEEDED: [AccountExhausted],
        FaultKind.CREDENTIAL_REJECTED: [AccountSuspended],
    }

    assert ([] if kind is None else expected.get(kind, [])) == [type(told) for told in world.notes.events]
    assert ({FaultKind.NOT_SENT: 3, FaultKind.QUOTA_EXCEEDED: 0}.get(kind, 2) if kind else 2) == only(pool).left


def test_a_status_says_that_all_units_are_taken() -> None:
    """An account that has nothing left looks exhausted, though a claim may still come back."""
    pool = World().pool(attrs.evolve(A, daily_limit=1, plan="PRO"))
    claim = granted(pool.claim())

    assert AccountStatus(
        "a",
        AccountState.EXHAUSTED,
        1,
        1,
        0,
        "all units of the day are taken",
        MIDNIGHT,
        MIDNIGHT,
        pool.account("a").plan,
    ) == only(pool)
    pool.refund(claim)
    assert (AccountState.AVAILABLE, 0, 1) == (only(pool).state, only(pool).used, only(pool).left)


def test_a_status_changes_nothing() -> None:
    """Looking opens no books."""
    world = World()
    world.pool(A).status()

    assert (None,) == world.store.read(["a"])


def test_closing_the_pool_closes_its_store() -> None:
    """A pool lets go of what it was given."""
    store = Gate()
    World(store).pool(A).close()

    assert store.closed


def test_what_another_process_gives_back_is_found_before_anybody_waits_for_midnight() -> None:
    """A pool looks again before it says that there will be a unit tomorrow: there may be one now, or none then."""
    world = World(clock=VirtualClock(MIDNIGHT - 30 * SECOND))
    account = attrs.evolve(A, daily_limit=1, burst=5)
    one, other = world.pool(account), world.pool(account)
    claim = granted(one.claim())
    other.status()
    one.refund(claim)
    found = other.claim(latest=world.soon())
    one.status()
    other.suspend("a", "refused")

    assert MIDNIGHT - 30 * SECOND == granted(found).not_before
    assert NoneLeft(None, (), ("a",)) == one.claim(latest=world.soon())


def test_two_pools_never_grant_a_unit_twice() -> None:
    """What one pool has taken the other one finds taken, though it remembers otherwise."""
    world = World()
    one, other = world.pool(A), world.pool(A)
    other.status()
    taken = [pool.claim(latest=world.soon()) for pool in (one, other, other, one, other)]

    assert [Granted] * 3 + [NoneLeft] * 2 == [type(outcome) for outcome in taken]
    assert [NOON, NOON, NOON + SECOND + MARGIN] == [granted(outcome).not_before for outcome in taken[:3]]


def test_what_another_process_gives_back_is_found() -> None:
    """Before a pool says that none is left, it looks again."""
    world = World()
    one, other = world.pool(attrs.evolve(A, daily_limit=1)), world.pool(attrs.evolve(A, daily_limit=1))
    claim = granted(one.claim())
    assert isinstance(other.claim(), NoneLeft)
    one.refund(claim)

    assert granted(other.claim()).account_id == "a"


def test_what_another_process_reinstates_is_found() -> None:
    """An account that was put right elsewhere is called here without a restart."""
    world = World()
    one, other = world.pool(A), world.pool(A)
    one.suspend("a", "refused")
    assert isinstance(other.claim(), NoneLeft)
    one.reinstate("a")

    assert granted(other.claim()).account_id == "a"


def test_reinstating_works_where_the_suspension_has_not_been_heard_of() -> None:
    """A pool that remembers an account as available reinstates it all the same when another pool has suspended it."""
    world = World()
    one, other = world.pool(A), world.pool(A)
    one.claim()
    other.suspend("a", "refused")
    one.reinstate("a")

    assert AccountState.AVAILABLE is only(other).state


def test_suspending_works_where_the_reinstatement_has_not_been_heard_of() -> None:
    """A pool that remembers an account as suspended suspends it again when another pool has reinstated it."""
    world = World()
    one, other = world.pool(A), world.pool(A)
    one.suspend("a", "by hand")
    other.reinstate("a")
    one.suspend("a", "by hand")

    assert NoneLeft(None, (), ("a",)) == other.claim()


def test_marking_works_where_the_day_has_been_remembered_as_spent() -> None:
    """A pool that remembers last day's books marks today's."""
    world = World()
    one, other = world.pool(A), world.pool(A)
    one.mark_account_exhausted("a")
    world.clock.advance(86_400)
    other.claim()
    one.mark_account_exhausted("a")

    assert only(other).left == 0


def test_a_refund_through_another_pool_is_not_lost() -> None:
    """Whoever gives a claim back, and whatever he remembers of the books, the unit comes back."""
    world = World()
    one, other = world.pool(A), world.pool(A)
    other.claim()
    claim = granted(one.claim())
    other.refund(claim)

    assert only(one).used == 1


def test_an_account_that_is_free_is_called_now_though_the_clock_has_stepped_back_over_midnight() -> None:
    """An account without books has no pace to keep: a clock that steps back doesn't make its caller wait."""
    world = World(clock=VirtualClock(MIDNIGHT + 30 * SECOND))
    pool = world.pool(A)
    pool.status()
    world.clock.step(-60)

    assert MIDNIGHT - 30 * SECOND == granted(pool.claim(latest=world.soon())).not_before


def test_an_account_that_is_free_is_found_among_the_others_though_the_clock_has_stepped_back() -> None:
    """No request fails for want of an account while one that hasn't refused it is free, whatever the clock has done."""
    world = World()
    pool = world.pool(*planned("PRO", "PRO", "PRO", "PRO"))
    for _ in range(3):
        claim = granted(pool.claim())
        pool.report(claim, fault(FaultKind.THROTTLED, 500.0 if claim.account_id == "b" else 1.0))
    world.clock.advance(1000)
    pool.claim(need=Need(refused_ids=frozenset("abc")))
    world.clock.step(-900)

    assert granted(pool.claim(latest=world.soon(), need=Need(refused_ids=frozenset("a")))).account_id == "c"


def test_a_spent_day_stays_spent_when_the_clock_steps_back_into_it() -> None:
    """A pool that has seen the next day begin doesn't give a unit of the spent one."""
    world = World(clock=VirtualClock(MIDNIGHT - 30 * SECOND))
    pool = world.pool(A)
    pool.mark_account_exhausted("a")
    world.clock.advance(60)
    assert only(pool).left == 3
    world.clock.step(-60)

    assert NoneLeft(MIDNIGHT, ("a",)) == pool.claim(latest=world.soon(10))


@attrs.define
class Gate:
    """A store that can be made to fail, or to let somebody else go first."""

    inner: MemoryAccountStore = attrs.field(factory=MemoryAccountStore)
    open: bool = True
    closed: bool = False
    before: list[Callable[[], object]] = attrs.field(factory=list)

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Read, if the store can be reached."""
        self._pass()
        return self.inner.read(account_ids)

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Swap, if the store can be reached, and after whoever goes first."""
        self._pass()
        if self.before:
            self.before.pop()()
        return self.inner.replace(old, new)

    def close(self) -> None:
        """Note it."""
        self.closed = True

    def _pass(self) -> None:
        """Fail, if the store can't be reached."""
        if not self.open:
            raise StoreUnavailable("the store is gone")


@pytest.mark.parametrize("loaded", [True, False])
def test_a_store_that_is_gone_is_said_by_every_method(loaded: bool) -> None:  # noqa: FBT001
    """A store that can't be reached is never taken for a lack of quota, and works again when it is back."""
    store = Gate()
    world = World(store)
    claim = granted(world.pool(A).claim())
    pool = world.pool(A)
    if loaded:
        pool.status()
    store.open = False
    uses: tuple[Callable[[], object], ...] = (
        pool.claim,
        pool.status,
        lambda: pool.confirm(claim),
        lambda: pool.refund(claim),
        lambda: pool.report(claim, fault(FaultKind.THROTTLED)),
        lambda: pool.mark_account_exhausted("a"),
        lambda: pool.suspend("a", "x"),
    )
    for use in uses:
        with pytest.raises(StoreUnavailable, match="the store is gone"):
            use()
    store.open = True

    assert only(pool).used == 1
    assert isinstance(pool.claim(), Granted)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda pool: pool.claim(latest=MIDNIGHT), 0),
        (lambda pool: pool.mark_account_exhausted("a"), 0),
        (lambda pool: pool.suspend("a", "x"), 1),
    ],
    ids=["claim", "exhaust", "suspend"],
)
def test_who_comes_second_starts_again_from_what_he_finds(change: Callable[[Pool], object], left: int) -> None:
    """A change that somebody else was faster than is made to the books as they are by then."""
    store = Gate()
    world = World(store)
    pool, faster = world.pool(A), Pool([A], store.inner, world.clock, world.notes)
    pool.status()
    store.before = [faster.claim, faster.claim]
    change(pool)

    assert left == only(pool).left


def run_in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run *work* in so many threads that begin together, and raise what any of them raised."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(count)

    def begin(number: int) -> None:
        """Wait for the others, then work."""
        try:
            barrier.wait(timeout=10)
            work(number)
        except BaseException as failure:  # noqa: BLE001 (handed to the test's own thread)
            failures.append(failure)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failures
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("pools", [1, 8])
def test_threads_grant_exactly_the_days_units(pools: int) -> None:
    """Eight threads on one pool, or on a pool each over one store, take fifty units of fifty, each of them once."""
    world = World()
    account = Account("a", "key", daily_limit=50, requests_per_second=1000.0, burst=3)
    shared = [world.pool(account) for _ in range(pools)]
    taken: list[list[Claim]] = [[] for _ in range(8)]

    def work(number: int) -> None:
        """Claim until there is nothing left."""
        pool = shared[number % pools]
        while isinstance(outcome := pool.claim(latest=world.soon()), Granted):
            taken[number].append(outcome.claim)

    run_in_threads(8, work)
    claims = [claim for each in taken for claim in each]

    assert len(claims) == 50
    assert set(range(1, 51)) == {claim.serial for claim in claims}
    assert (50, 0) == (only(shared[0]).used, only(shared[0]).left)
    assert within_pace([claim.not_before for claim in sorted(claims, key=lambda c: c.serial)], account)


def test_threads_that_give_back_lose_and_double_nothing() -> None:
    """Whatever eight threads claim and give back, twice, the count is what they kept."""
    world = World()
    account = Account("a", "key", daily_limit=400, requests_per_second=1000.0, burst=400)
    pools = [world.pool(account) for _ in range(4)]

    def work(number: int) -> None:
        """Take ten, give every second one back, twice."""
        pool = pools[number % 4]
        for turn in range(10):
            claim = granted(pool.claim(latest=world.soon()))
            if turn % 2:
                pool.refund(claim)
                pool.refund(claim)

    run_in_threads(8, work)

    assert only(pools[0]).used == 8 * 5


@pytest.fixture
def rows_seen(monkeypatch: pytest.MonkeyPatch) -> set[tuple[AccountState, AccountEvent]]:
    """Collect the rows of the table that the ledger goes through."""
    seen: set[tuple[AccountState, AccountEvent]] = set()

    def noted(state: AccountState, happened: AccountEvent) -> AccountState:
        """Take note of the row and go through it."""
        seen.add((state, happened))
        rows_of_this_example.add((state, happened))
        event(f"row: {state} {happened}")
        return advance(state, happened)

    monkeypatch.setattr("chartimg.domain.account.ledger.advance", noted)
    return seen


def test_the_seven_invariants_hold_whatever_happens(rows_seen: set[tuple[AccountState, AccountEvent]]) -> None:
    """For any sequence of claims, reports, refunds, settings, pools and clock steps; every state and event is met.

    That every row of the table is gone through, is shown row by row in the tests of the ledger.
    """
    run_state_machine_as_test(
        SevenInvariants,
        settings=settings(
            max_examples=150,
            stateful_step_count=50,
            derandomize=True,
            deadline=None,
            phases=set(Phase) - {Phase.explain},
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )

    assert rows_seen <= set(TRANSITIONS)
    assert set(AccountState) == {state for state, _ in rows_seen}
    assert set(AccountEvent) == {happened for _, happened in rows_seen}
