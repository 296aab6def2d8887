"""The legend: everything fits, and what doesn't is counted."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from chartimg.emulator.drawing.canvas import Canvas
from chartimg.emulator.drawing.legend import LegendRow, Value, cut, header, write
from chartimg.emulator.drawing.theme import THEMES

THEME = THEMES["dark"]
VALUES = [Value("64,588.42", THEME.up, letter) for letter in "OHLC"]


@given(count=st.integers(0, 60), rows=st.integers(0, 20))
def test_entries_that_do_not_fit_are_counted(count: int, rows: int) -> None:
    """What is named and what is counted are all there are, in no more rows than there is room for."""
    entries = [LegendRow(str(number)) for number in range(count)]
    kept = cut(entries, rows)

    assert len(kept) <= rows
    if count > rows > 0:
        assert [*entries[: rows - 1], LegendRow(f"+{count - rows + 1} more")] == kept
    elif rows:
        assert entries == kept


@given(ticker=st.text(min_size=1, max_size=80), room=st.integers(200, 900))
@settings(max_examples=40, deadline=None)
def test_a_title_of_any_length_has_room(ticker: str, room: int) -> None:
    """The symbol is shortened, interval and exchange stay."""
    canvas = Canvas(30, 20, THEME.background)
    title = header(canvas, (ticker, "1h", "BINANCE"), VALUES, room)[0].title

    assert canvas.measure(title, 14) <= max(room, canvas.measure(" · 1h · BINANCE", 14) + 0.3 * room) + 1
    assert title.endswith(" · 1h · BINANCE")


def test_a_narrow_picture_has_its_prices_beneath_the_title() -> None:
    """A wide one has all in one line; a formula has no exchange."""
    canvas = Canvas(30, 20, THEME.background)

    assert [LegendRow("BTCUSDT · 1h · BINANCE", VALUES, 14)] == header(
        canvas, ("BTCUSDT", "1h", "BINANCE"), VALUES, 700
    )
    assert [LegendRow("A+B · 1h", (), 14), LegendRow("", VALUES)] == header(canvas, ("A+B", "1h", ""), VALUES, 200)


def test_nothing_is_written_beyond_the_room() -> None:
    """A long title and its values end where the plot does."""
    canvas, room = Canvas(400, 100, THEME.background), 150
    write(canvas, THEME, [LegendRow("a study with a long name", VALUES * 9), LegendRow("x" * 90)], 0, room)
    narrow = Canvas(400, 100, THEME.background)
    write(narrow, THEME, [LegendRow("a study with a long name", VALUES * 9), LegendRow("x" * 90)], 0, room)
    narrow.box(10 + room + 4, 0, 400, 100, THEME.background)

    assert narrow.encoded("png") == canvas.encoded("png")
