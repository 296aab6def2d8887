"""The names of pictures and lists."""

from __future__ import annotations

from chartimg.domain.chart import ChartKey, LayoutKey, ListKey, PictureKey
from rows import for_each


@for_each(
    ("key", "text", "parts", "symbol_place"),
    [
        (ChartKey("A:B", "1h", "t"), "A:B 1h t", ("A:B", "1h", "t"), 0),
        (LayoutKey("abc"), "layout abc", ("abc",), 1),
        (LayoutKey("abc", "A:B"), "layout abc A:B", ("abc", "A:B"), 1),
        (LayoutKey("abc", None, "1h"), "layout abc 1h", ("abc", "", "1h"), 1),
        (ListKey(), "exchanges", ("exchanges",), None),
        (ListKey("NASDAQ"), "symbols NASDAQ", ("symbols", "NASDAQ"), None),
    ],
)
def test_a_key_is_a_text_and_the_parts_of_a_file_name(
    key: PictureKey, text: str, parts: tuple[str, ...], symbol_place: int | None
) -> None:
    """People read the text, and files have the parts, one of which is the symbol."""
    assert (text, parts, symbol_place) == (str(key), key.parts, key.symbol_place)


@for_each("key", [ListKey(), ListKey("NASDAQ"), ListKey("EXCHANGES")])
def test_a_key_of_a_list_is_made_from_what_is_listed(key: ListKey) -> None:
    """A meta file has one text for it."""
    assert key == ListKey.of(key.listed)


def test_each_key_has_the_parts_of_all_as_attributes() -> None:
    """A meta file asks any key for each of them."""
    names = ("symbol", "timeframe", "chart_template_id", "layout_id", "listed")
    stated = [
        [name for name in names if getattr(key, name) is not None]
        for key in (ChartKey("A:B", "1h", "t"), LayoutKey("abc"), ListKey("NASDAQ"))
    ]

    assert [["symbol", "timeframe", "chart_template_id"], ["layout_id"], ["listed"]] == stated


def test_a_key_of_a_wrong_type_shows_the_type() -> None:
    """Such a request is reported, too, and a value of any length is not shown."""
    assert "<int> 1h <list>" == str(ChartKey(5, "1h", ["t"]))  # type: ignore[arg-type]
