"""Every interleaving of a few workers over one account, its books in a store that compares and swaps.

A worker claims, sends or gives the claim back, and books the outcome. Between any two of its steps come those of the others,
the clock, a person, or a crash. A swap that meets other books than were read changes nothing and is tried again, so a read and
its swap are one step here. Times are four moments and claims are few, so the space is finite, and :func:`explore` visits it all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Final

import attrs

from chartimg import Account, ChartApiError, FaultKind
from chartimg.domain.account import AccountSnapshot, AccountState, Claim, ledger, window_of
from chartimg.domain.account.status import status_of
from samples import NOON

MOMENTS: Final = (NOON, NOON + timedelta(seconds=10), NOON + timedelta(days=1), NOON + timedelta(days=1, seconds=10))
"""Two of one day and two of the next. Between the two of a day a pause ends and a token comes back."""

ACCOUNT: Final = Account("a", "key", daily_limit=2, requests_per_second=1.0, burst=1)
OUTCOMES: Final = (
    None,
    FaultKind.NOT_SENT,
    FaultKind.THROTTLED,
    FaultKind.QUOTA_EXCEEDED,
    FaultKind.CREDENTIAL_REJECTED,
)
"""A network error is booked as a picture is: the claim stays charged."""
ERRORS: Final = {kind: ChartApiError.of(kind, "said") for kind in OUTCOMES if kind is not None}


@attrs.frozen
class Rules:
    """The rules of the ledger; a test breaks one of them."""

    current: Callable[[AccountSnapshot | None, Account, datetime], AccountSnapshot] = ledger.current
    ready_at: Callable[[AccountSnapshot, Account], datetime | None] = ledger.ready_at
    refund: Callable[[AccountSnapshot, Claim], AccountSnapshot] = ledger.refund
    report: Callable[[AccountSnapshot, Account, Claim, ChartApiError | None, datetime], AccountSnapshot] = (
        ledger.apply_report
    )
    reset: Callable[[AccountSnapshot, datetime], AccountSnapshot] = ledger.reset


@attrs.frozen(cache_hash=True)
class Worker:
    """One worker: its next step, its claim, the outcome of its call, and whether it may book twice."""

    step: str = "claim"
    claim: Claim | None = None
    outcome: FaultKind | None = None
    again: bool = True
    order: str = attrs.field(init=False, eq=False)

    @order.default
    def _order(self) -> str:
        return f"{self.step} {self.claim} {self.outcome} {self.again}"


@attrs.frozen(cache_hash=True)
class World:
    """One state.

    Attributes:
        now: place in MOMENTS.
        books: the books in the store, with version 0.
        workers: in a fixed order, since they are alike.
        left: how often the clock may still step back, a person reset, and a person reinstate.
        granted: claims of these books' window.
        returned: those of them that were given back.
        lately: claims since time last passed.
        calm: no bad outcome was booked in this window, and the clock has not stepped back.
    """

    now: int = 0
    books: AccountSnapshot | None = None
    workers: tuple[Worker, ...] = ()
    left: tuple[int, int, int] = (1, 1, 1)
    granted: frozenset[Claim] = frozenset()
    returned: frozenset[Claim] = frozenset()
    lately: int = 0
    calm: bool = True


class Broken(AssertionError):  # noqa: N818 (the invariant is broken)
    """An invariant does not hold; ``steps`` lead there."""

    def __init__(self, invariant: str, steps: list[str]) -> None:
        self.invariant, self.steps = invariant, steps
        super().__init__(f"{invariant}: {'; '.join(steps)}")


@attrs.frozen
class Figures:
    """The size of a space: states, steps between them, and steps to the farthest state."""

    states: int
    steps: int
    depth: int


def explore(workers: int, rules: Rules | None = None, *, left: tuple[int, int, int] = (1, 1, 1)) -> Figures:
    """Visit every state that *workers* can reach, the nearest first.

    Raises:
        Broken: an invariant does not hold in a state.
    """
    machine = _Machine(rules or Rules())
    start = World(workers=(_worker("claim"),) * workers, left=left)
    origin: dict[World, tuple[World, str] | None] = {start: None}
    steps, depth, waiting = 0, 0, deque([(start, 0)])
    while waiting:
        world, depth = waiting.popleft()
        for what, claim, after in machine.steps(world):
            steps += 1
            if after in origin:
                continue
            origin[after] = world, what
            waiting.append((after, depth + 1))
            if (invariant := machine.broken(world, what, claim, after)) is not None:
                raise Broken(invariant, _path(origin, after))
    return Figures(len(origin), steps, depth)


def _path(origin: dict[World, tuple[World, str] | None], world: World) -> list[str]:
    path: list[str] = []
    while (before := origin[world]) is not None:
        world, what = before
        path.append(what)
    return path[::-1]


class _Machine:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._current = cache(lambda books, now: rules.current(books, ACCOUNT, MOMENTS[now]))
        self._ready = cache(lambda snapshot: rules.ready_at(snapshot, ACCOUNT))
        self._grant = cache(lambda snapshot, now: ledger.grant(snapshot, ACCOUNT, now))
        self._refund = cache(rules.refund)
        self._report = cache(
            lambda snapshot, claim, kind, now: rules.report(snapshot, ACCOUNT, claim, ERRORS.get(kind), MOMENTS[now])
        )

    def steps(self, world: World) -> Iterator[tuple[str, Claim | None, World]]:
        """List every step that can be next, with the claim that it is about."""
        for what, after in self._around(world):
            yield what, None, after
        for place, worker in enumerate(world.workers):
            if worker.step == "end" or (place and worker is world.workers[place - 1]):
                continue
            others = (*world.workers[:place], *world.workers[place + 1 :])
            yield "crash", worker.claim, _with_workers(world, others, _worker("end"))
            for what, next_worker, after in self._of(world, worker):
                yield what, worker.claim, _with_workers(after, others, next_worker)

    def _around(self, world: World) -> Iterator[tuple[str, World]]:
        back, resets, reinstates = world.left
        if world.now + 1 < len(MOMENTS):
            yield "time passes", attrs.evolve(world, now=world.now + 1, lately=0)
        if back and world.now:
            yield (
                "the clock steps back",
                attrs.evolve(world, now=world.now - 1, left=(back - 1, resets, reinstates), calm=False),
            )
        if resets and world.books is not None:
            books = attrs.evolve(self._rules.reset(world.books, MOMENTS[world.now]), version=0)
            yield (
                "a person resets",
                attrs.evolve(
                    world,
                    books=books,
                    left=(back, resets - 1, reinstates),
                    granted=frozenset(),
                    returned=frozenset(),
                    lately=0,
                    calm=books.state is not AccountState.SUSPENDED,
                ),
            )
        if reinstates and world.books is not None and world.books.state is AccountState.SUSPENDED:
            after = _put(world, ledger.reinstate(self._current(world.books, world.now)))
            yield "a person reinstates", attrs.evolve(after, left=(back, resets, reinstates - 1))

    def _of(self, world: World, worker: Worker) -> Iterator[tuple[str, Worker, World]]:
        snapshot, now = self._current(world.books, world.now), MOMENTS[world.now]
        match worker:
            case Worker("claim"):
                ready = self._ready(snapshot)
                if ready is None or ready > now:
                    yield "no account", _worker("end"), world
                    return
                books, claim = self._grant(snapshot, now)
                after = _put(world, books)
                yield (
                    "claim",
                    _worker("use", claim),
                    attrs.evolve(after, granted=after.granted | {claim}, lately=after.lately + 1),
                )
            case Worker("use", claim):
                yield "keep the claim", _worker("return", claim), world
                for outcome in OUTCOMES:
                    ended = _worker("end") if outcome is None else _worker("book", claim, outcome)
                    yield f"call: {outcome or 'picture'}", ended, world
            case Worker(step, Claim() as claim, outcome, again):
                is_refund = step == "return" or outcome is FaultKind.NOT_SENT
                books = (
                    self._refund(snapshot, claim)
                    if step == "return"
                    else self._report(snapshot, claim, outcome, world.now)
                )
                after = _put(world, books)
                if is_refund and claim in after.granted:
                    after = attrs.evolve(after, returned=after.returned | {claim})
                elif not is_refund:
                    after = attrs.evolve(after, calm=False)
                what = step if outcome is None else f"{step} {outcome}"
                yield what, _worker("end"), after
                if again:  # the swap was made, and its answer lost
                    yield f"{what}, unheard", _worker(step, claim, outcome, again=False), after

    def broken(self, before: World, what: str, claim: Claim | None, after: World) -> str | None:
        """Return the invariant that a step breaks."""
        old, new = self._current(before.books, before.now), after.books
        if new is None:
            return None
        held = len(after.granted - after.returned)
        resets, same = what == "a person resets", new.window == old.window
        late = what.startswith(("return", "book")) and (
            claim not in before.granted
            or claim is None
            or claim.window != old.window
            or (claim.epoch != old.epoch and not what.startswith("return") and "NOT_SENT" not in what)
        )
        unchanged = not late or _kept(new) in (before.books, _kept(old))
        rules = (
            (
                "1 no window gives more than its limit",
                held <= ACCOUNT.calls.daily_limit and new.used <= ACCOUNT.calls.daily_limit,
            ),
            ("2 a spent day stays spent", resets or not same or new.spent >= old.spent),
            ("2 a spent day gives nothing", what != "claim" or not old.spent),
            ("2 no window is reopened", resets or before.books is None or new.window >= before.books.window),
            ("3 a late report changes nothing", unchanged),
            ("4 a throttle spends nothing", "THROTTLED" not in what or what.startswith("call") or new.used == old.used),
            ("4 no moment gives more than the burst", after.lately <= ACCOUNT.calls.burst or not after.calm),
            ("5 a refund gives one unit at most", resets or not same or new.used >= old.used - 1),
            ("6 a suspended account gives nothing", what != "claim" or old.state is not AccountState.SUSPENDED),
            (
                "6 a suspension is left by a person only",
                old.state is not AccountState.SUSPENDED
                or new.state is AccountState.SUSPENDED
                or what == "a person reinstates",
            ),
            (
                "7 a free account is not refused",
                what != "no account"
                or not before.calm
                or before.lately > 0
                or self._held(before) >= ACCOUNT.calls.daily_limit,
            ),
            (
                "8 a reset begins anew",
                not resets or (new.used, new.spent, new.window) == (0, False, window_of(MOMENTS[after.now])),
            ),
            (
                "8 books of a day to come are said to be so",
                new.window <= MOMENTS[after.now]
                or "was the clock wrong" in status_of(ACCOUNT, new, MOMENTS[after.now]).reason,
            ),
            ("1 the books count every claim", new.spent or new.used == held),
        )
        return next((name for name, holds in rules if not holds), None)

    def _held(self, world: World) -> int:
        is_of_today = self._current(world.books, world.now).window == (world.books.window if world.books else None)
        return len(world.granted - world.returned) if is_of_today else 0


def _put(world: World, books: AccountSnapshot) -> World:
    """Put *books* into the store; those of a new window have no claims yet."""
    books = _kept(books)
    if world.books is None or books.window == world.books.window:
        return _changed(world, books, world.workers)
    calm = books.state is AccountState.AVAILABLE and world.left[0] > 0
    return attrs.evolve(world, books=books, granted=frozenset(), returned=frozenset(), calm=calm)


def _with_workers(world: World, others: tuple[Worker, ...], worker: Worker) -> World:
    return _changed(world, world.books, tuple(sorted((*others, worker), key=attrgetter("order"))))


def _changed(world: World, books: AccountSnapshot | None, workers: tuple[Worker, ...]) -> World:
    """Return the world with these books and workers; much quicker than ``attrs.evolve``."""
    return World(world.now, books, workers, world.left, world.granted, world.returned, world.lately, world.calm)


@cache
def _kept(books: AccountSnapshot) -> AccountSnapshot:
    """Return *books* as the store of a world has them."""
    return attrs.evolve(books, version=0)


@cache
def _worker(
    step: str,
    claim: Claim | None = None,
    outcome: FaultKind | None = None,
    again: bool = True,  # noqa: FBT001, FBT002
) -> Worker:
    """Return the one worker of its kind, so that states are compared quickly."""
    return Worker(step, claim, outcome, again)
