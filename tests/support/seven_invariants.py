"""The invariants of accounts as a state machine: pools over one store, beside books kept on paper.

Each rule changes the paper as it changes the pool. One file because the rules share the state of one machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from operator import attrgetter

import attrs
import pytest
from hypothesis import HealthCheck, Phase, event, settings, target
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.app.pool import Pool
from chartimg.domain.account import TRANSITIONS, Account, AccountEvent, AccountState, advance, ledger
from chartimg.domain.account.ledger import MARGIN
from chartimg.domain.account.turn import Granted, Need, NoneLeft, NoPlan, WaitUntil
from chartimg.domain.faults import FaultKind
from chartimg.domain.plan.demand import Demand
from chartimg.domain.ports import AccountStore
from chartimg.testing import EventLog, VirtualClock
from paper import LESSONS, PRICES, Held, Paper, fits, sure, tighter, today, turn, within_pace
from pools import DAY, MIDNIGHT, SECOND, fault
from samples import NOON

names = st.sampled_from(["a", "b"])
chooser = st.integers(0, 1000)
kinds = st.sampled_from(
    [
        None,
        *FaultKind,
        FaultKind.THROTTLED,
        FaultKind.THROTTLED,
        FaultKind.QUOTA_EXCEEDED,
        FaultKind.CREDENTIAL_REJECTED,
        FaultKind.NOT_SENT,
        FaultKind.PLAN_LIMIT,
    ]
)
plans = st.sampled_from(list(PRICES))
lessons = st.sampled_from(list(LESSONS))
demands = st.sampled_from(
    [
        None,
        None,
        Demand(),
        Demand(),
        Demand(1920, 1080),
        Demand(studies=2, drawings=2),
        Demand(2048, 600),
        Demand(watermark=True),
        Demand(drawings=26),
    ]
)
pauses = st.sampled_from([None, 0.0, 2.5, 4.0, 60.0, 86_400.0])
within = st.sampled_from([None, -1.0, 0.0, 0.4, 1.0, 5.0, 120.0, 90_000.0])
kept_by_both = attrgetter("full_at", "window", "used", "spent", "state", "arrival")
Row = tuple[AccountState, AccountEvent]
rows_of_this_example: set[Row] = set()


@contextmanager
def rows_used() -> Iterator[set[Row]]:
    """Yield a set that collects the rows of the table that the ledger uses."""
    rows: set[Row] = set()

    def noted(state: AccountState, happened: AccountEvent) -> AccountState:
        rows.add((state, happened))
        rows_of_this_example.add((state, happened))
        return advance(state, happened)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ledger, "advance", noted)
        yield rows


def run_all(machine: type[SevenInvariants], examples: int) -> set[Row]:
    """Run *machine*, check that it uses rows of the table only, and return them."""
    with rows_used() as rows:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=50,
                derandomize=True,
                phases=set(Phase) - {Phase.explain},
                suppress_health_check=list(HealthCheck),
            ),
        )

    assert rows <= set(TRANSITIONS)
    return rows


class SevenInvariants(RuleBasedStateMachine):
    """All that hosts, providers and clocks do to two accounts, through up to three pools over one store."""

    def __init__(self) -> None:
        """Begin without pools and books."""
        super().__init__()
        self.store = self.new_store()
        self.clock = VirtualClock(NOON)
        self.pools: list[Pool] = []
        self.papers: dict[str, Paper | None] = {"a": None, "b": None}
        self.held: list[Held] = []
        self.spent: set[tuple[str, datetime]] = set()
        self.versions = {"a": -1, "b": -1}

    def new_store(self) -> AccountStore:
        """Return an empty store."""
        return MemoryAccountStore()

    @initialize(
        start=st.sampled_from([NOON, MIDNIGHT - 90 * SECOND, MIDNIGHT - SECOND, MIDNIGHT]),
        limits=st.tuples(st.integers(0, 4), st.integers(1, 4)),
        priced=st.tuples(plans, plans),
    )
    def open(self, start: datetime, limits: tuple[int, int], priced: tuple[str | None, str | None]) -> None:
        """Open the first pool."""
        self.clock = VirtualClock(start)
        self._open(limits, ("key-a1", "key-b1"), priced)

    @rule(
        limits=st.tuples(st.integers(0, 6), st.integers(0, 6)),
        keys=st.tuples(st.integers(1, 2), st.integers(1, 2)),
        priced=st.tuples(plans, plans),
    )
    def change_the_settings(
        self, limits: tuple[int, int], keys: tuple[int, int], priced: tuple[str | None, str | None]
    ) -> None:
        """Open another pool with other limits, keys or plans; close the oldest of three."""
        self.pools = self.pools[-2:]
        self._open(limits, (f"key-a{keys[0]}", f"key-b{keys[1]}"), priced)

    def _open(self, limits: tuple[int, int], keys: tuple[str, str], priced: tuple[str | None, str | None]) -> None:
        """Open a pool with these settings."""
        accounts = [
            Account("a", keys[0], daily_limit=limits[0], plan=priced[0], requests_per_second=2.0, burst=2),
            Account("b", keys[1], daily_limit=limits[1], plan=priced[1], requests_per_second=0.3, burst=1),
        ]
        self.pools.append(Pool(accounts, self.store, self.clock, EventLog(), lambda: shipped_catalog().plans))

    def _today(self, pool: Pool, name: str) -> Paper:
        """Copy an account's paper as it stands now under a pool's settings."""
        return today(self.papers[name], pool.account(name), self.clock.now())

    @rule(which=chooser, seconds=within, demand=demands, refused=st.just(frozenset[str]()) | st.frozensets(names))
    def claim(
        self, which: int, seconds: float | None, demand: Demand | None = None, refused: frozenset[str] = frozenset()
    ) -> None:
        """Claim for any chart, now or within some seconds (invariants 1, 2, 4, 6 and 7)."""
        pool, now = self.pools[which % len(self.pools)], self.clock.now()
        latest = None if seconds is None else now + timedelta(seconds=seconds)
        every = {account.id: self._today(pool, account.id) for account in pool.accounts}
        allowed = {name: paper.allowed(pool.account(name)) for name, paper in every.items()}
        papers = {
            name: paper
            for name, paper in every.items()
            if fits(demand, allowed[name]) and name not in refused and not (refused and not sure(demand, allowed[name]))
        }
        free = {name: paper.free(pool.account(name), now) for name, paper in papers.items()}
        priced = any(account.plan is not None for account in pool.accounts)
        turns = {name: turn(demand, allowed[name]) if priced else () for name in papers}
        moments = sorted((moment, turns[name], name) for name, moment in free.items() if moment is not None)
        outcome = pool.claim(latest=latest, need=Need(demand, refused))
        event(f"claim: {type(outcome).__name__}")
        assert isinstance(outcome, NoPlan) is (not papers)
        match outcome:
            case Granted(claim):
                paper, moment = papers[claim.account_id], free[claim.account_id]
                limit = pool.account(claim.account_id).calls.daily_limit
                assert moment is not None
                assert moment == claim.not_before
                assert moment <= now if latest is None else moment < latest
                assert paper.window == claim.window
                assert claim.not_before < paper.window + DAY
                assert paper.used < limit
                assert (claim.account_id, claim.window) not in self.spent
                if len(self.pools) == 1:
                    assert moments[0] == (moment, turns[claim.account_id], claim.account_id)
                paper.take(moment, pool.account(claim.account_id))
                self.papers[claim.account_id] = paper
                self.held.append(Held(claim, paper.epoch, limit, demand))
            case WaitUntil(at):
                assert latest is not None
                assert now < at < latest
                assert any(moment <= at for moment, _, _ in moments)
                if len(self.pools) == 1:
                    assert moments[0][0] == at
            case NoneLeft(at, exhausted, suspended, too_small):
                assert too_small == len(every) - len(papers)
                soonest = moments[0][0] if moments else None
                assert soonest is None or (soonest > now if latest is None else soonest >= latest)
                assert soonest == at
                assert suspended == tuple(name for name, paper in papers.items() if paper.suspended)
                assert exhausted == tuple(
                    name
                    for name, paper in papers.items()
                    if not paper.suspended and (paper.spent or paper.used >= pool.account(name).calls.daily_limit)
                )
            case NoPlan(findings):
                assert findings

    @rule(which=chooser, place=chooser, sleep=st.booleans())
    def confirm(self, which: int, place: int, sleep: bool) -> None:  # noqa: FBT001
        """Wait for the moment of a claim, or not, and confirm it (invariants 2, 5, 6 and 7)."""
        if not self.held:
            return
        held, pool = self.held[-1 - place % min(6, len(self.held))], self.pools[which % len(self.pools)]
        name = held.claim.account_id
        if sleep:
            self.clock.sleep((held.claim.not_before - self.clock.now()).total_seconds())
        paper = self._today(pool, name)
        stands = (
            self.papers[name] is not None
            and (paper.window, paper.epoch, paper.state) == (held.claim.window, held.epoch, AccountState.AVAILABLE)
            and not held.refunded
            and fits(held.demand, paper.allowed(pool.account(name)))
        )
        event(f"confirm: {stands}")
        assert stands is pool.confirm(held.claim, need=Need(held.demand))
        if not stands:
            self._give_back(held, paper)
            self.papers[name] = paper

    @rule(which=chooser, place=chooser, times=st.integers(1, 2))
    def refund(self, which: int, place: int, times: int) -> None:
        """Refund a claim once or twice (invariant 5)."""
        if not self.held:
            return
        held, pool = self.held[-1 - place % min(6, len(self.held))], self.pools[which % len(self.pools)]
        for _ in range(times):
            paper = self._today(pool, held.claim.account_id)
            self._give_back(held, paper)
            self.papers[held.claim.account_id] = paper
            pool.refund(held.claim)

    def _give_back(self, held: Held, paper: Paper) -> None:
        """Return a unit on paper, once, in its own window, unless its day is spent."""
        if paper.window == held.claim.window and not paper.spent and not held.refunded:
            paper.used -= 1
            held.refunded = True

    @rule(which=chooser, place=chooser, kind=kinds, retry_after=pauses, lesson=lessons)
    def report(
        self,
        which: int,
        place: int,
        kind: FaultKind | None,
        retry_after: float | None,
        lesson: str = "Exceed Max Usage",
    ) -> None:
        """Report any outcome of any claim, however late (invariants 2, 3 and 4)."""
        if not self.held:
            return
        held, pool = self.held[-1 - place % min(9, len(self.held))], self.pools[which % len(self.pools)]
        name, now = held.claim.account_id, self.clock.now()
        said = lesson if kind is FaultKind.PLAN_LIMIT else ""
        pool.report(held.claim, None if kind is None else fault(kind, retry_after, said))
        if kind is None:
            return
        account, paper = pool.account(name), self._today(pool, name)
        self.papers[name] = paper
        if kind is FaultKind.NOT_SENT:
            self._give_back(held, paper)
        if (paper.window, paper.epoch) != (held.claim.window, held.epoch):
            event("report: of something older")
            return
        match kind:
            case FaultKind.THROTTLED if paper.state in {AccountState.AVAILABLE, AccountState.THROTTLED}:
                until = now + max(SECOND, account.emission, timedelta(seconds=retry_after or 0))
                paper.until = until if paper.until is None else max(paper.until, until)
                paper.arrival = max(paper.arrival, paper.until + account.tolerance - MARGIN)
            case FaultKind.QUOTA_EXCEEDED:
                self._spend(name, account, paper)
            case FaultKind.CREDENTIAL_REJECTED:
                paper.suspended, paper.until = True, None
            case FaultKind.PLAN_LIMIT:
                paper.learned = tighter(paper.learned, LESSONS[lesson])
            case _:
                pass

    def _spend(self, name: str, account: Account, paper: Paper) -> None:
        """Mark the whole day as spent on paper."""
        if not paper.spent:
            paper.spent, paper.used, paper.until = True, max(paper.used, account.calls.daily_limit), None
        self.spent.add((name, paper.window))

    @rule(which=chooser, name=names, deed=st.sampled_from(["mark", "suspend", "suspend again", "reinstate"]))
    def manage(self, which: int, name: str, deed: str) -> None:
        """Mark, suspend or reinstate an account in any state (invariants 1, 2 and 6)."""
        pool = self.pools[which % len(self.pools)]
        paper = self._today(pool, name)
        match deed:
            case "mark":
                pool.mark_account_exhausted(name)
                self._spend(name, pool.account(name), paper)
            case "reinstate":
                pool.reinstate(name)
                paper.epoch += paper.suspended
                paper.suspended = False
            case reason:
                pool.suspend(name, reason)
                paper.suspended, paper.until = True, None
        self.papers[name] = paper

    @rule(which=chooser, name=names, kind=kinds)
    def reset(self, which: int, name: str, kind: FaultKind | None) -> None:
        """Begin the books of an account anew; no claim of before changes the new ones (invariant 8)."""
        pool = self.pools[which % len(self.pools)]
        paper, old = self._today(pool, name), [held for held in self.held if held.claim.account_id == name]
        pool.reset(name)
        anew = today(None, pool.account(name), self.clock.now())
        anew.epoch, anew.suspended = paper.epoch + 1, paper.suspended
        self.papers[name] = anew
        self.held = [held for held in self.held if held.claim.account_id != name]
        self.spent = {(who, window) for who, window in self.spent if who != name}
        books = self.store.read([name])
        for held in old[-3:]:
            pool.refund(held.claim)
            pool.report(held.claim, None if kind is None else fault(kind))
            assert not pool.confirm(held.claim)
        assert books == self.store.read([name])

    @rule(which=chooser, pauses=st.lists(pauses, min_size=1, max_size=3))
    def a_burst_is_throttled(self, which: int, pauses: list[float | None]) -> None:
        """Claim as many units as there are *pauses*, then report each of the calls as throttled (invariant 4)."""
        count = len(self.held)
        for _ in pauses:
            self.claim(which, 0.6)
        for place, pause in zip(range(len(self.held) - count), pauses, strict=False):
            self.report(which, place, FaultKind.THROTTLED, pause)

    @rule(
        which=chooser,
        kind=kinds,
        retry_after=pauses,
        seconds=st.sampled_from([0.1, 0.6, 5.0]),
        demand=demands,
        lesson=lessons,
    )
    def call(
        self,
        which: int,
        kind: FaultKind | None,
        retry_after: float | None,
        seconds: float,
        demand: Demand | None,
        lesson: str,
    ) -> None:
        """Claim within some seconds, wait, confirm, and report an outcome."""
        count = len(self.held)
        self.claim(which, seconds, demand)
        if len(self.held) > count:
            self.confirm(which, 0, sleep=True)
            self.report(which, 0, kind, retry_after, lesson)

    @rule(seconds=st.sampled_from([0.2, 1.0, 1.0, 3.5, 3.5, 61.0, 61.0, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([-2.0, -0.5, 0.0, 0.5, 30.0]), share=st.sampled_from([1, 2, 24]))
    def midnight_comes(self, seconds: float, share: int) -> None:
        """Let time pass to about the next midnight, or for a share of that time."""
        now = self.clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        self.clock.advance(max(0.0, ((midnight - now).total_seconds() + seconds) / share))

    @rule(seconds=st.sampled_from([-0.3, -1.0, -1.0, -45.0, -45.0, -3700.0, -90_000.0, 7200.0]))
    def the_clock_steps(self, seconds: float) -> None:
        """Set the wall clock, mostly back (invariant 2)."""
        self.clock.step(seconds)

    @rule(which=chooser)
    def look(self, which: int) -> None:
        """Compare the status of all accounts with the paper."""
        pool, now = self.pools[which % len(self.pools)], self.clock.now()
        for account, status in zip(pool.accounts, pool.status(), strict=True):
            paper = self._today(pool, account.id)
            left = 0 if paper.spent else max(0, account.calls.daily_limit - paper.used)
            state = AccountState.EXHAUSTED if not left and not paper.suspended else paper.state
            assert (account.id, state, paper.used, left, paper.free(account, now), paper.window + DAY) == (
                status.account_id,
                status.state,
                status.used,
                status.left,
                status.available_at,
                status.window_end,
            )

    @invariant()
    def the_books_agree_with_the_paper(self) -> None:
        """The store keeps the counts of the paper, and versions only grow."""
        for name, snapshot in zip("ab", self.store.read(["a", "b"]), strict=True):
            paper = self.papers[name]
            if snapshot is None or paper is None:
                assert (None, None) == (snapshot, paper)
                continue
            event(f"state: {snapshot.state}")
            assert kept_by_both(paper) == kept_by_both(snapshot)
            assert (paper.until or snapshot.until) == snapshot.until
            assert paper.learned == attrs.astuple(snapshot.learned_limits)
            assert snapshot.version >= self.versions[name]
            self.versions[name] = snapshot.version

    @invariant()
    def no_window_gives_more_than_its_limit(self) -> None:
        """The claims of a window, less refunds, never exceed the limit that they were granted under."""
        counts: dict[tuple[str, datetime], int] = {}
        limits: dict[tuple[str, datetime], int] = {}
        for held in self.held:
            key = (held.claim.account_id, held.claim.window)
            counts[key] = counts.get(key, 0) + (not held.refunded)
            limits[key] = max(limits.get(key, 0), held.limit)
        assert all(counts[key] <= limits[key] for key in counts)

    def teardown(self) -> None:
        """Compare all grants with the pace, and steer towards sequences that use more of the table."""
        for name in "ab":
            claims = [held.claim for held in self.held if held.claim.account_id == name]
            assert sorted(claims, key=lambda claim: claim.serial) == claims
            assert sorted(claims, key=lambda claim: claim.window) == claims
            if claims:
                account = self.pools[0].account(name)
                assert within_pace([claim.not_before for claim in claims], account)
        target(float(len(rows_of_this_example)), label="rows of the table seen")
        rows_of_this_example.clear()
