"""The order of the charts of an export."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chartimg.app.export.order import ChartOrder


@given(
    symbols=st.lists(st.sampled_from("ABCDE"), max_size=14),
    refused=st.frozensets(st.sampled_from("ABCDE")),
    data=st.data(),
)
def test_a_symbol_is_on_trial_until_its_first_chart_has_ended(
    symbols: list[str], refused: frozenset[str], data: st.DataObject
) -> None:
    """Each chart is taken once or skipped with its symbol, the first one of a symbol alone, each time the first that may go."""
    kept = data.draw(st.frozensets(st.sampled_from(range(len(symbols)))) if symbols else st.just(frozenset[int]()))
    order, tried = ChartOrder(symbols, kept), {symbols[chart] for chart in kept}
    left, under_way, skipped = [each for each in range(len(symbols)) if each not in kept], list[int](), list[int]()
    while left or under_way:
        assert len(left) == len(order)
        on_trial = {symbols[each] for each in under_way} - tried
        free = [each for each in left if symbols[each] not in on_trial]
        if free and (not under_way or data.draw(st.booleans())):
            assert free[0] == order.take()
            left.remove(free[0])
            under_way.append(free[0])
            continue
        assert free or order.take() is None
        ended = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
        is_refused = symbols[ended] in refused
        others = order.end(ended, is_refused=is_refused)
        assert tuple(each for each in left if is_refused and symbols[each] == symbols[ended]) == others
        left = [each for each in left if each not in others]
        skipped += others
        tried |= set() if is_refused else {symbols[ended]}
    assert order.take() is None


def test_a_refused_symbol_costs_one_call_however_many_charts_it_has() -> None:
    """If the first chart of a symbol is refused, no other chart of it is taken."""
    order = ChartOrder("AAAABB")
    assert (0, 4, None) == (order.take(), order.take(), order.take())
    assert (1, 2, 3) == order.end(0, is_refused=True)
    assert () == order.end(4, is_refused=False)
    assert (5, None, 0) == (order.take(), order.take(), len(order))


def test_a_symbol_that_was_known_may_be_refused_all_the_same() -> None:
    """If a symbol of a kept chart is refused, its charts that could go next are not taken."""
    order = ChartOrder("AAAB", frozenset({0}))
    assert 1 == order.take()
    assert (2,) == order.end(1, is_refused=True)
    assert (3, None) == (order.take(), order.take())
