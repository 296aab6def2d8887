"""The pool: claims on accounts whose books others may change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from chartimg import AccountPool
from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.app.pool import Pool
from chartimg.domain.account import Account, AccountSnapshot, AccountState, Claim
from chartimg.domain.account.ledger import MARGIN
from chartimg.domain.account.turn import Granted, Need, NoneLeft, NoPlan, Outlook, WaitUntil
from chartimg.domain.check.catalog import Catalog
from chartimg.domain.errors import ConfigError, StoreBusy
from chartimg.domain.events import AccountDoubtful, BooksAhead, PlanLimitLearned
from chartimg.domain.faults import FaultKind
from chartimg.domain.plan import Plan, PlanName
from chartimg.domain.plan.demand import Demand
from chartimg.testing import EventLog, VirtualClock
from pools import DAY, MIDNIGHT, SECOND, A, B, World, fault, granted, only, too_much
from samples import NOON
from seven_invariants import SevenInvariants, run_all

LARGE = Demand(1920, 1080)
PLANS = shipped_catalog().plan_by_name


def tiny_plans() -> tuple[Plan, ...]:
    """Return a plan PRO with limits of its own."""
    return (attrs.evolve(PLANS[PlanName.PRO], requests_per_second=2, burst=4, daily_limit=8),)


def planned(*plans: PlanName | str | None, **changes: object) -> list[Account]:
    """Return an account of each plan, named a, b, c."""
    return [
        attrs.evolve(A, id=name, plan=plan, **changes)  # type: ignore[arg-type]
        for name, plan in zip("abcdef", plans, strict=False)
    ]


def test_account_ids_must_differ() -> None:
    """Two accounts with one id are refused, since they would share their books."""
    world = World()
    with pytest.raises(ConfigError, match=r"^account ids must differ: a, b$"):
        world.pool(A, B, A, B, A)


@pytest.mark.parametrize(
    "catalog", [None, shipped_catalog().extended(Catalog(plans=tiny_plans()))], ids=["ships", "own"]
)
def test_an_account_has_the_numbers_of_its_plan_in_the_catalog(catalog: Catalog | None) -> None:
    """The day, the rate and the burst that are left out come from the catalog in use; what is stated wins."""
    plan = (catalog or shipped_catalog()).plan_by_name[PlanName.PRO]
    given_ = [Account("a", "key-a", plan="PRO"), Account("b", "key-b", 7, "PRO"), Account("c", "key-c")]
    pool = AccountPool(given_, clock=VirtualClock(NOON), catalog=catalog)

    assert [plan.daily_limit, 7, 44] == [status.limit for status in pool.status()]
    assert [plan.calls, attrs.evolve(plan.calls, daily_limit=7), given_[2].calls] == [
        one.calls for one in pool.accounts
    ]


def test_a_limit_above_that_of_the_plan_is_a_warning() -> None:
    """A pool tells once, in an event, each limit that is stated and above the plan's; the statement still wins."""
    log = EventLog()
    pool = AccountPool(
        [Account("a", "key-a", 501, "PRO", 11.0, 15), Account("b", "key-b", 501)], clock=VirtualClock(), listener=log
    )

    (event_,) = log.events
    assert isinstance(event_, AccountDoubtful)
    assert (
        "a",
        [
            "daily_limit: WARNING: 501 is more than PRO allows (500)",
            "requests_per_second: WARNING: 11.0 is more than PRO allows (10)",
        ],
    ) == (event_.account_id, sorted(map(str, event_.findings)))
    assert 501 == pool.status()[0].limit


def test_accounts_are_found_by_id() -> None:
    """An id returns its account; an unknown id raises, and the message lists the configured ones."""
    pool = World().pool(A, B)

    assert B is pool.account("b")
    for use in (pool.account, pool.mark_account_exhausted, pool.reinstate, lambda c: pool.suspend(c, "x")):
        with pytest.raises(ConfigError, match=r"^account 'c' does not exist; configured accounts: a, b$"):
            use("c")
    with pytest.raises(ConfigError, match="configured accounts: none"):
        World().pool().account("a")


def test_a_pool_without_accounts_has_none_left() -> None:
    """A pool without accounts has no account left and an empty status."""
    assert NoneLeft(None) == World().pool().claim(latest=MIDNIGHT)
    assert World().pool().status() == ()


def test_the_first_account_goes_first_and_the_next_when_it_is_busy() -> None:
    """Configured order decides among accounts that can be called now."""
    pool = World().pool(A, B)
    claims = [granted(pool.claim()) for _ in range(4)]

    assert ["a", "a", "b", "b"] == [claim.account_id for claim in claims]
    assert {(NOON, MIDNIGHT - DAY)} == {(claim.not_before, claim.window) for claim in claims}


def test_if_all_must_wait_the_soonest_is_claimed() -> None:
    """If all accounts must wait, the claim is on the soonest, and only if that is before *latest*."""
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
    """Each further claim is for a later moment, spaced by the rate, after one margin."""
    world = World()
    pool = world.pool(attrs.evolve(A, daily_limit=10))

    assert [NOON, NOON, *(NOON + number * SECOND + MARGIN for number in (1, 2, 3))] == [
        granted(pool.claim(latest=world.soon())).not_before for _ in range(5)
    ]


def test_only_accounts_whose_plans_allow_the_chart_are_taken() -> None:
    """A large chart waits for a large plan while small ones are free, and its failure names large ones only."""
    pool = World().pool(*planned("BASIC", "PRO"))
    pool.mark_account_exhausted("b")

    assert NoneLeft(MIDNIGHT, ("b",), too_small=1) == pool.claim(need=Need(LARGE))
    assert granted(pool.claim(need=Need(Demand()))).account_id == "a"
    pool.suspend("b", "refused")
    assert NoneLeft(None, (), ("b",), 1) == pool.claim(need=Need(LARGE), latest=MIDNIGHT)


def test_a_chart_that_no_plan_allows_is_refused_without_a_claim() -> None:
    """A chart that no plan allows is refused without a claim, and the finding names the smallest plan that would do."""
    world = World()
    pool = world.pool(*planned("BASIC", "PRO"))
    pool.suspend("b", "refused")
    outcome = pool.claim(need=Need(Demand(1920, 1600)), latest=MIDNIGHT)

    assert isinstance(outcome, NoPlan)
    assert ["height: ERROR: 1600 is more than PRO allows (1080); MEGA is the smallest plan that allows this chart"] == [
        str(finding) for finding in outcome.findings
    ]
    assert [0, 0] == [status.used for status in pool.status()]
    assert NoneLeft(None) == world.pool().claim(need=Need(Demand(9999)))


def test_stated_limits_are_those_of_the_account() -> None:
    """A stated limit holds for every pool over the store, by the name of the account, to the end of the window."""
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
def test_a_finding_names_the_owner_of_the_limit(name: str | None) -> None:
    """A finding names the account if it has learned limits or no plan, and else its plan."""
    pool = World().pool(*planned(name, burst=3))
    said = []
    for limit in ("Resolution Limit", "Resolution Limit (640x600)"):
        pool.report(granted(pool.claim()), too_much(limit))
        outcome = pool.claim(need=Need(LARGE))
        said += [outcome.findings[0].message] if isinstance(outcome, NoPlan) else []

    assert (["more than BASIC allows (800)"] if name else []) + ["more than the account 'a' allows (640)"] == [
        message.partition(" is ")[2].partition(";")[0] for message in said
    ]


def test_after_a_refusal_only_a_sure_account_is_taken() -> None:
    """After a refusal only another account whose plan surely allows the chart is taken."""
    pool = World().pool(*planned("MEGA", None, "MEGA", "PRO"))
    refused = frozenset({"a", "nobody"})

    assert ["d", "d", "c", "c"] == [granted(pool.claim(need=Need(LARGE, refused))).account_id for _ in range(4)]
    assert NoneLeft(NOON + SECOND + MARGIN, too_small=2) == pool.claim(need=Need(LARGE, refused))
    assert isinstance(pool.claim(need=Need(Demand(1920, 1600), frozenset({"a", "c"}))), NoPlan)
    assert granted(pool.claim(need=Need(refused_ids=frozenset("acd")))).account_id == "b"


def test_plans_are_read_only_if_one_must_be_named() -> None:
    """A pool of accounts without plans reads the plans only to name one."""
    world, asked = World(), list[int]()

    def plans() -> tuple[Plan, ...]:
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
    """The plans of a host's catalog replace those that ship."""
    roomy = attrs.evolve(PLANS[PlanName.BASIC], max_width=4096)
    catalog = shipped_catalog().extended(Catalog(plans=(roomy,)))
    shipped, extended = (
        AccountPool(planned("BASIC"), clock=VirtualClock(NOON), catalog=each) for each in (None, catalog)
    )

    assert (None, catalog) == (shipped.catalog, extended.catalog)
    assert isinstance(shipped.claim(need=Need(Demand(1920))), NoPlan)
    assert granted(extended.claim(need=Need(Demand(1920)))).account_id == "a"


@pytest.mark.parametrize(("plan", "read"), [(None, 0), ("PRO", 1)])
def test_a_pool_without_plans_reads_no_catalog(plan: str | None, read: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool reads the catalog only if an account has a plan."""
    reads: list[object] = []

    def rules(catalog: object) -> Catalog:
        reads.append(catalog)
        return shipped_catalog()

    monkeypatch.setattr("chartimg.app.bootstrap.rules_of", rules)
    AccountPool(planned(plan)).claim()

    assert [None] * read == reads


def test_a_plan_that_is_not_in_the_catalog_is_unknown() -> None:
    """An account whose plan is not in the catalog may serve any chart."""
    world = World()
    pool = Pool(planned("ULTRA"), world.store, world.clock, world.notes)

    assert granted(pool.claim(need=Need(Demand(9999)))).account_id == "a"


def test_a_learned_limit_holds_again_if_the_clock_steps_back_into_its_day() -> None:
    """A limit learned today holds again after the clock has stepped over midnight and back."""
    world = World(clock=VirtualClock(MIDNIGHT - 30 * SECOND))
    pool = world.pool(*planned("PRO"))
    pool.report(granted(pool.claim(need=Need(LARGE))), too_much("Resolution Limit (800x600)"))
    world.clock.advance(60)
    assert pool.outlook(need=Need(LARGE)).any_left
    world.clock.step(-60)

    assert isinstance(pool.claim(need=Need(LARGE)), NoPlan)


def test_a_learned_limit_ends_at_midnight_also_after_a_clock_step() -> None:
    """A limit learned before midnight ends then, also in a pool that had already seen the next day."""
    world = World(clock=VirtualClock(MIDNIGHT + 30 * SECOND))
    pool = world.pool(*planned("PRO"))
    pool.status()
    world.clock.step(-60)
    pool.report(granted(pool.claim(need=Need(LARGE))), too_much("Resolution Limit (800x600)"))
    assert isinstance(pool.claim(need=Need(LARGE)), NoPlan)
    world.clock.advance(60)

    assert granted(pool.claim(need=Need(LARGE))).account_id == "a"


demands = st.builds(
    Demand,
    st.sampled_from([800, 1920, 2048, 2049]),
    st.sampled_from([600, 1080, 1600]),
    st.integers(0, 30),
    st.sampled_from([0, 30]),
    st.booleans(),
)


@given(plans=st.lists(st.sampled_from(PlanName), min_size=1, max_size=6), demand=demands)
def test_the_smallest_plan_that_allows_the_chart_is_taken(plans: list[PlanName], demand: Demand) -> None:
    """The first account of the smallest plan that allows the chart is taken; NoPlan means that no plan allows it."""
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
    """Over a day of charts of all sizes, each is granted on the smallest plan that allows it and has units left."""
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
    """A unit of the next window is claimed only after midnight."""
    world = World(clock=VirtualClock(MIDNIGHT - 30 * SECOND))
    pool = world.pool(attrs.evolve(A, daily_limit=1))
    pool.claim()

    assert NoneLeft(MIDNIGHT, ("a",)) == pool.claim(latest=world.soon(30))
    assert WaitUntil(MIDNIGHT) == pool.claim(latest=world.soon(31))
    world.clock.advance(30)
    assert MIDNIGHT == granted(pool.claim()).window


def test_exhausted_and_suspended_accounts_are_listed_apart() -> None:
    """NoneLeft lists exhausted and suspended accounts apart, each in configured order."""
    world = World()
    pool = world.pool(*(attrs.evolve(A, id=name, daily_limit=1) for name in "abcd"))
    pool.mark_account_exhausted("d")
    pool.suspend("c", "refused")
    pool.report(granted(pool.claim()), fault(FaultKind.CREDENTIAL_REJECTED))
    pool.claim()

    assert NoneLeft(MIDNIGHT, ("b", "d"), ("a", "c")) == pool.claim(latest=world.soon())


def test_the_outlook_has_the_next_call_and_the_accounts_that_are_gone() -> None:
    """The outlook has the moment of the next call and the lost accounts, also from remembered books."""
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


def test_the_outlook_is_of_accounts_that_may_serve_the_chart() -> None:
    """The outlook leaves out accounts whose plan does not allow the chart."""
    pool = World().pool(*planned("BASIC", "PRO", "PRO"))
    pool.mark_account_exhausted("b")
    one_left = pool.outlook(need=Need(LARGE))
    none_left = pool.outlook(need=Need(LARGE, frozenset("c")))

    assert Outlook(NoneLeft(NOON, ("b",), too_small=1), any_left=True) == one_left
    assert Outlook(NoneLeft(MIDNIGHT, ("b",), too_small=2), any_left=False) == none_left
    assert Outlook(NoneLeft(None, too_small=3), any_left=False) == pool.outlook(need=Need(Demand(9999)))


def test_a_day_is_spent_in_steps_and_not_account_by_account() -> None:
    """Accounts take turns of eight units; the next day begins with the first account."""
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


class Slow(MemoryAccountStore):
    """A store that takes some seconds for each answer."""

    def __init__(self, clock: VirtualClock, seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Advance the clock, then read."""
        self.clock.advance(self.seconds)
        return super().read(account_ids)


def test_a_slow_store_is_not_want_of_quota() -> None:
    """If reading the store takes longer than the deadline, the claim raises StoreBusy."""
    clock = VirtualClock(NOON)
    pool = Pool([A], Slow(clock, 5.0), clock, EventLog())
    with pytest.raises(StoreBusy, match="took until the deadline"):
        pool.claim(latest=NOON + 2 * SECOND)

    assert "a" == granted(pool.claim(latest=clock.now() + 20 * SECOND)).account_id


class Stale(MemoryAccountStore):
    """A store that refuses every swap, and reads as if it had not."""

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Refuse the swap."""
        return False


def test_a_store_that_refuses_every_swap_is_given_up_on() -> None:
    """A claim raises StoreBusy after a thousand refused swaps."""
    with pytest.raises(StoreBusy, match="1000 swaps in a row"):
        Pool([A], Stale(), VirtualClock(NOON), EventLog()).claim()


@pytest.mark.parametrize(
    "deed", [lambda pool: pool.suspend("a", None), lambda pool: pool.mark_account_exhausted("a", 5)]
)
def test_a_reason_must_be_text(deed: Callable[[Pool], None]) -> None:
    """A reason that is not text raises and writes nothing, since the books could not be read again."""
    world = World()
    with pytest.raises(ConfigError, match="the reason must be text"):
        deed(world.pool(A))

    assert (None,) == world.store.read(["a"])


@pytest.mark.parametrize("charts", [-1, 0, 10**7])
def test_a_forecast_is_for_a_number_of_charts(charts: int) -> None:
    """A forecast for anything but a number from 1 to a million raises."""
    with pytest.raises(ConfigError, match="a forecast is for 1 to"):
        World().pool(A).forecast(charts)


def test_a_claim_that_stands_is_confirmed() -> None:
    """A claim can be confirmed any number of times, at no cost."""
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
def test_a_claim_that_no_longer_stands_is_refunded(undo: Callable[[Pool, Claim], None]) -> None:
    """A claim is refunded, not confirmed, after a suspension, a throttle or a refund."""
    world = World()
    pool, other = world.pool(A), world.pool(A)
    claim, another = granted(pool.claim()), granted(pool.claim())
    undo(other, claim)

    assert not pool.confirm(claim)
    assert only(pool).used == 1
    assert ("a", "a") == (claim.account_id, another.account_id)


def test_a_claim_on_an_account_found_too_small_is_refunded() -> None:
    """A claim is refunded if another pool has learned meanwhile that the account does not allow its chart."""
    world = World()
    pool, other = world.pool(*planned("PRO")), world.pool(*planned("PRO"))
    claim, another = granted(pool.claim(need=Need(LARGE))), granted(other.claim(need=Need(LARGE)))
    assert pool.confirm(claim, need=Need(LARGE))
    other.report(another, too_much("Resolution Limit (800x600)"))

    assert pool.confirm(claim, need=Need(Demand()))
    assert not pool.confirm(claim, need=Need(LARGE))
    assert only(pool).used == 1


def test_a_claim_is_confirmed_for_what_would_be_granted() -> None:
    """A claim is not confirmed for a chart that would not be granted on its account now."""
    pool = World().pool(*planned(None))
    claim = granted(pool.claim(need=Need(LARGE)))

    assert pool.confirm(claim, need=Need(LARGE))
    assert not pool.confirm(claim, need=Need(LARGE, frozenset({"b", "a"})))


def test_a_claim_on_a_spent_day_is_neither_confirmed_nor_refunded() -> None:
    """A claim on a spent day is not confirmed and not refunded."""
    world = World()
    pool = world.pool(A)
    claim = granted(pool.claim())
    pool.mark_account_exhausted("a")

    assert not pool.confirm(claim)
    assert (3, 0) == (only(pool).used, only(pool).left)


def test_a_claim_of_a_lost_store_is_not_confirmed() -> None:
    """A claim is not confirmed by books that have never granted it."""
    claim = granted(World().pool(A).claim())

    assert not World().pool(A).confirm(claim)


def test_a_refund_elsewhere_is_found_before_midnight_is_waited_for() -> None:
    """A pool reads the store again before it tells a caller to wait for midnight."""
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
    """A unit that one pool has taken is not granted by another pool that remembers older books."""
    world = World()
    one, other = world.pool(A), world.pool(A)
    other.status()
    taken = [pool.claim(latest=world.soon()) for pool in (one, other, other, one, other)]

    assert [Granted] * 3 + [NoneLeft] * 2 == [type(outcome) for outcome in taken]
    assert [NOON, NOON, NOON + SECOND + MARGIN] == [granted(outcome).not_before for outcome in taken[:3]]


@pytest.mark.parametrize(
    ("gone", "back"),
    [
        (lambda pool: pool.claim(), lambda pool, taken: pool.refund(granted(taken))),
        (lambda pool: pool.suspend("a", "refused"), lambda pool, _: pool.reinstate("a")),
    ],
    ids=["refund", "reinstatement"],
)
def test_an_account_that_is_free_again_elsewhere_is_found(
    gone: Callable[[Pool], object], back: Callable[[Pool, object], None]
) -> None:
    """A pool reads the store again before it says that no account is left."""
    world, account = World(), attrs.evolve(A, daily_limit=1)
    one, other = world.pool(account), world.pool(account)
    outcome = gone(one)
    assert isinstance(other.claim(), NoneLeft)
    back(one, outcome)

    assert granted(other.claim()).account_id == "a"


def test_a_free_account_is_called_now_after_a_clock_step_over_midnight() -> None:
    """An account without books can be called now, also after the clock has stepped back over midnight."""
    world = World(clock=VirtualClock(MIDNIGHT + 30 * SECOND))
    pool = world.pool(A)
    pool.status()
    world.clock.step(-60)

    assert MIDNIGHT - 30 * SECOND == granted(pool.claim(latest=world.soon())).not_before


def test_a_free_account_is_found_after_a_clock_step() -> None:
    """A free account is found among throttled ones after the clock has stepped back."""
    world = World()
    pool = world.pool(*planned("PRO", "PRO", "PRO", "PRO"))
    for _ in range(3):
        claim = granted(pool.claim())
        pool.report(claim, fault(FaultKind.THROTTLED, 500.0 if claim.account_id == "b" else 1.0))
    world.clock.advance(1000)
    pool.claim(need=Need(refused_ids=frozenset("abc")))
    world.clock.step(-900)

    assert granted(pool.claim(latest=world.soon(), need=Need(refused_ids=frozenset("a")))).account_id == "c"


def test_a_spent_day_stays_spent_if_the_clock_steps_back_into_it() -> None:
    """A spent day grants no unit after the clock has stepped over midnight and back."""
    world = World(clock=VirtualClock(MIDNIGHT - 30 * SECOND))
    pool = world.pool(A)
    pool.mark_account_exhausted("a")
    world.clock.advance(60)
    assert only(pool).left == 3
    world.clock.step(-60)

    assert NoneLeft(MIDNIGHT, ("a",)) == pool.claim(latest=world.soon(10))


@pytest.mark.parametrize("examples", [30, pytest.param(150, marks=pytest.mark.gate)])
def test_the_seven_invariants_hold(examples: int) -> None:
    """Any sequence of claims, reports, refunds, settings, pools and clock steps keeps the invariants, in every state."""
    rows = run_all(SevenInvariants, examples)

    assert set(AccountState) == {state for state, _ in rows}


def test_an_account_is_lost_to_a_clock_that_was_wrong_until_its_books_begin_anew() -> None:
    """After a claim in 2030 the account waits for 2030, says so once, and is free again after a reset, for every pool."""
    world = World()
    running, pool = world.pool(A), world.pool(A)
    world.clock.step(4 * 365 * 86_400.0)
    granted(running.claim())
    world.clock.step(-4 * 365 * 86_400.0)
    waiting = [each.claim() for each in (running, running, pool)]

    assert all(isinstance(each, NoneLeft) for each in waiting)
    assert (
        "its books are of 2030-01-04, which is to come: was the clock wrong? chartimg accounts reset a begins them anew"
    ) == only(pool).reason
    assert [BooksAhead("a", datetime(2030, 1, 4, tzinfo=UTC))] * 2 == world.notes.of(BooksAhead)
    pool.reset("a")
    assert "" == only(pool).reason
    assert [1, 1] == [granted(each.claim()).window.day - 4 for each in (running, pool)]
    assert 2 == only(running).used


@given(seconds=st.integers(1, 300))
def test_a_small_step_back_locks_for_no_longer_than_itself(seconds: int) -> None:
    """If the clock was up to five minutes ahead, the account is free again after as many seconds."""
    world = World()
    pool = world.pool(A)
    world.clock.step(seconds)
    for _ in range(A.calls.burst):
        granted(pool.claim())
    world.clock.step(-seconds)
    world.clock.advance(seconds + 2)

    assert granted(pool.claim()).account_id == "a"
