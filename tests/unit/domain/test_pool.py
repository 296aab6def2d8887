"""The line of accounts, against a model that looks at all of them every time."""

from __future__ import annotations

from collections.abc import Callable, Sized
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from chartimg.domain.account import Account
from chartimg.domain.ledger import Claim, fresh
from chartimg.domain.pool import AccountLine, Granted, NoneLeft, WaitUntil, rank_of

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def at(second: int) -> datetime:
    """Give a moment near noon."""
    return NOON + timedelta(seconds=second)


@attrs.define
class Model:
    """Keeps the moment of each place, and looks at all of them."""

    moments: list[datetime | None]

    def put(self, place: int, moment: datetime | None) -> None:
        """Keep the moment."""
        self.moments[place] = moment

    def first(self, now: datetime, allowed: Callable[[int], bool]) -> tuple[int, datetime] | None:
        """Give the first place that is ready, or else the one that is ready soonest."""
        candidates = [
            (max(moment, now), place, moment)
            for place, moment in enumerate(self.moments)
            if moment is not None and allowed(place)
        ]
        if not candidates:
            return None
        _, place, moment = min(candidates)
        return place, moment


COUNT = 5
places = st.integers(0, COUNT - 1)
moments = st.none() | st.integers(-30, 30)
puts = st.tuples(places, moments)
looks = st.frozensets(places, max_size=COUNT)
forward = st.integers(0, 20)
any_way = st.integers(-40, 20)

Act = tuple[int, tuple[int, int | None] | frozenset[int]]


def agree(acts: list[Act]) -> None:
    """Let the clock run by each act's seconds, line up or look (without some places), and compare."""
    line, model, now = AccountLine(COUNT), Model([None] * COUNT), NOON
    for seconds, act in acts:
        now += timedelta(seconds=seconds)
        if isinstance(act, frozenset):
            without = act

            def allowed(place: int, without: frozenset[int] = without) -> bool:
                """Leave out the places of this look."""
                return place not in without

            expected = model.first(now, allowed)
            event("nobody" if expected is None else "ready" if expected[1] <= now else "later")
            assert expected == (line.first(now, allowed) if without else line.first(now))
        else:
            place, second = act
            moment = None if second is None else at(second)
            line.put(place, moment)
            model.put(place, moment)


@given(acts=st.lists(st.tuples(forward, puts | looks), max_size=40))
def test_the_line_gives_what_a_look_at_everybody_gives(
    acts: list[Act],
) -> None:
    """While time goes forward the choice is the first who is ready, or else the one who will be soonest."""
    agree(acts)


@given(acts=st.lists(st.tuples(any_way, puts | st.just(frozenset[int]())), max_size=40))
def test_the_line_is_right_when_the_clock_steps_back(
    acts: list[Act],
) -> None:
    """Whoever was ready and, the clock having stepped back, is not yet, waits again."""
    agree(acts)


@given(acts=st.lists(st.tuples(any_way, puts | looks), max_size=40))
@example(
    [
        (0, (0, 1)),
        (0, (1, 20)),
        (0, (2, 5)),
        (30, frozenset()),
        (-20, frozenset({0})),
    ]
)
def test_the_line_is_right_for_a_choice_of_places_when_the_clock_steps_back(
    acts: list[Act],
) -> None:
    """A look that leaves out places finds the best of the others, whatever the clock has done in between."""
    agree(acts)


def test_nobody_in_line_is_nobody_to_call() -> None:
    """A line without accounts, or with none lined up, gives None."""
    assert AccountLine(0).first(NOON) is None
    assert AccountLine(3).first(NOON) is None


def test_who_is_ready_goes_in_configured_order() -> None:
    """Of two who can be called now the first in order goes, though the other has been ready for longer."""
    line = AccountLine(2)
    line.put(0, at(-1))
    line.put(1, at(-9))

    assert (0, at(-1)) == line.first(NOON)


def test_who_is_not_ready_goes_by_time_and_then_by_order() -> None:
    """Of those who must be waited for the soonest goes; configured order breaks ties."""
    line = AccountLine(3)
    for place, second in enumerate((9, 5, 5)):
        line.put(place, at(second))

    assert (1, at(5)) == line.first(NOON)


def test_taking_out_takes_out() -> None:
    """A place that was put to None is not given, ready or not."""
    line = AccountLine(2)
    for second in (-1, 9):
        line.put(0, at(second))
        line.first(NOON)
        line.put(0, None)

        assert line.first(NOON) is None


def test_a_look_takes_nobody_out_of_the_line() -> None:
    """Looking twice gives the same answer twice, whoever was left out of the first look."""
    line = AccountLine(3)
    for place, second in enumerate((-1, -1, 9)):
        line.put(place, at(second))

    assert (2, at(9)) == line.first(NOON, lambda place: place == 2)
    assert line.first(NOON, lambda _: False) is None
    assert (0, at(-1)) == line.first(NOON)


@given(
    count=st.integers(1, 20),
    lined_up=st.lists(st.tuples(st.integers(0, 19), st.integers(-30, 30)), min_size=1, max_size=20),
    look=st.sampled_from([1, 7, 1000]),
    step=st.integers(-10, 10),
)
def test_the_line_stays_as_short_as_its_accounts(
    count: int, lined_up: list[tuple[int, int]], look: int, step: int
) -> None:
    """However often accounts are lined up anew and looked at, what is kept is bounded by their number."""
    line = AccountLine(count)
    longest = 0
    for number in range(400):
        place, second = lined_up[number % len(lined_up)]
        line.put(place % count, at(second + number * step))
        if number % look == 0:
            line.first(at(number * step), lambda place: place % 2 == 0)
        longest = max(longest, sum(len(kept) for kept in vars(line).values() if isinstance(kept, Sized)))

    assert longest <= 5 * count + 100


@pytest.mark.parametrize("outcome", [Granted(Claim("a", 1, NOON, 0, NOON)), WaitUntil(NOON), NoneLeft(None)], ids=repr)
def test_outcomes_are_values(outcome: Granted | WaitUntil | NoneLeft) -> None:
    """What a claim can yield is frozen, compares by value and is never taken for nothing."""
    assert attrs.evolve(outcome) == outcome
    assert bool(outcome) is True
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        outcome.anything = 1  # type: ignore[union-attr]


def test_configured_order_holds_within_a_step_of_the_day() -> None:
    """An account that is a step ahead waits for the others; a step is eight units, a burst, or a sixteenth of the day."""
    line = AccountLine(2)
    line.put(0, at(0), rank=1)
    line.put(1, at(0), rank=0)
    behind = line.first(at(1))
    line.put(1, at(0), rank=1)
    level = line.first(at(1))

    assert ((1, at(0)), (0, at(0))) == (behind, level)


@pytest.mark.parametrize(
    ("limit", "burst", "used", "rank"),
    [
        (44, 3, 7, 0),
        (44, 3, 8, 1),
        (44, 3, 43, 5),
        (44, 3, 44, 0),
        (44, 20, 19, 0),
        (44, 20, 20, 1),
        (1600, 3, 99, 0),
        (1600, 3, 100, 1),
    ],
)
def test_a_rank_counts_the_steps_of_a_day_that_are_spent(limit: int, burst: int, used: int, rank: int) -> None:
    """A day that is over counts as the one to come."""
    account = Account("a", "key", limit, None, 1.0, burst)

    assert rank == rank_of(attrs.evolve(fresh(account, NOON), used=used), account)
