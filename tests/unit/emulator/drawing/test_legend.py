"""The legend fits its room, and counts the rows that do not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chartimg.emulator.drawing.canvas import Canvas
from chartimg.emulator.drawing.legend import LegendRow, Value, cut, header, write
from chartimg.emulator.drawing.theme import THEMES

THEME = THEMES["dark"]
VALUES = [Value("64,588.42", THEME.up, letter) for letter in "OHLC"]


@given(count=st.integers(0, 60), rows=st.integers(0, 20))
def test_entries_that_do_not_fit_are_counted(count: int, rows: int) -> None:
    """The last of the rows counts the entries that are left out."""
    entries = [LegendRow(str(number)) for number in range(count)]
    kept = cut(entries, rows)

    assert len(kept) <= rows
    if count > rows > 0:
        assert [*entries[: rows - 1], LegendRow(f"+{count - rows + 1} more")] == kept
    elif rows:
        assert entries == kept


@given(ticker=st.text(min_size=1, max_size=80), room=st.integers(200, 900))
def test_a_title_of_any_length_has_room(ticker: str, room: int) -> None:
    """A long symbol is shortened, and interval and exchange stay."""
    canvas = Canvas(30, 20, THEME.background)
    title = header(canvas, (ticker, "1h", "BINANCE"), VALUES, room)[0].title

    assert canvas.measure(title, 14) <= max(room, canvas.measure(" · 1h · BINANCE", 14) + 0.3 * room) + 1
    assert title.endswith(" · 1h · BINANCE")


def test_a_narrow_picture_has_its_prices_below_the_title() -> None:
    """Title and prices share a line if it has room, and a formula has no exchange."""
    canvas = Canvas(30, 20, THEME.background)

    assert [LegendRow("BTCUSDT · 1h · BINANCE", VALUES, 14)] == header(
        canvas, ("BTCUSDT", "1h", "BINANCE"), VALUES, 700
    )
    assert [LegendRow("A+B · 1h", (), 14), LegendRow("", VALUES)] == header(canvas, ("A+B", "1h", ""), VALUES, 200)


def test_nothing_is_written_beyond_the_room() -> None:
    """A long title and its values end at the edge of the plot."""
    canvases, room = [Canvas(400, 100, THEME.background) for _ in range(2)], 150
    for canvas in canvases:
        write(canvas, THEME, [LegendRow("a study with a long name", VALUES * 9), LegendRow("x" * 90)], 0, room)
    canvases[0].box(10 + room + 4, 0, 400, 100, THEME.background)

    assert canvases[0].encoded("png") == canvases[1].encoded("png")
