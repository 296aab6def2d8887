"""Names in the notation of other tools."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.notation import likely_key, likely_range, plain_name
from chartimg.domain.check.suggestion import likely_name
from rows import for_each

CATALOG = shipped_catalog()
STUDIES = [*CATALOG.study_by_name]
KEYS = [*CATALOG.parameter_by_name]
NUMBERS = st.lists(st.integers(0, 999).map(str) | st.just("0.5"), min_size=1, max_size=4)


@for_each(
    ("text", "name", "numbered"),
    [
        ("RSI@tv-basicstudies", "RSI", False),
        ("MASimple@tv-basicstudies", "MASimple", False),
        ("MACD@tv-basicstudies-1", "MACD", False),
        ("EMA:200", "EMA", True),
        ("MACD:12,26,9", "MACD", True),
        ("ema(20)", "ema", True),
        ("Bollinger Bands (20, 2)", "Bollinger Bands", True),
        ("SMA 50", "SMA", True),
        ("EMA20", "EMA", True),
        ("Moving Average (Simple)", "Moving Average (Simple)", False),
        ("Williams %R", "Williams %R", False),
        ("T3", "T3", False),
        ("20", "20", False),
        ("RSI@home", "RSI@home", False),
        ("", "", False),
        ("E" * 61 + ":20", "E" * 61, True),  # 64 characters
        ("E" * 62 + ":20", "E" * 62 + ":20", False),
    ],
)
def test_a_study_of_another_tool_has_a_plain_name(text: str, name: str, *, numbered: bool) -> None:
    """The marks of widgets and the numbers of inputs are taken away; words in parentheses belong to the name."""
    assert (name, numbered) == plain_name(text)


@given(st.sampled_from(STUDIES), NUMBERS)
def test_a_study_with_numbers_leads_to_that_study(name: str, numbers: list[str]) -> None:
    """A documented name with numbers, or with the mark of a widget, leads to that name; alone it is itself."""
    written = ",".join(numbers)

    assert (name, False) == plain_name(name)
    for text in (f"{name}:{written}", f"{name}({written})", f"{name}@tv-basicstudies"):
        assert name == likely_name(plain_name(text)[0], STUDIES, CATALOG.study_by_alias)


@for_each(
    ("wrong", "keys", "right"),
    [
        ("indicators", KEYS, "studies"),
        ("inputs", ["name", "input", "override"], "input"),
        ("overrides", KEYS, "override"),
        ("timeframe", KEYS, "interval"),
        ("shiftLeft", ["moveLeft", "moveRight"], "moveLeft"),
        ("indicators", ["symbol"], None),
        ("resolution", KEYS, None),
    ],
)
def test_a_key_is_found_by_its_name_among_people(wrong: str, keys: list[str], right: str | None) -> None:
    """Keys of other tools lead to a key that exists here."""
    assert right == likely_key(wrong, keys)


@for_each(
    ("right", "names"),
    [
        ("studies", "indicators indicator study"),
        ("drawings", "shapes drawing"),
        ("input", "params parameters"),
        ("style", "chartType"),
        ("theme", "colorTheme"),
        ("symbol", "ticker"),
        ("interval", "timeframe"),
        ("timezone", "tz"),
        ("moveLeft", "shiftLeft"),
        ("moveRight", "shiftRight"),
    ],
)
def test_each_name_among_people_leads_to_its_key(right: str, names: str) -> None:
    """A name of a key in other tools, or a former one, means one key of the provider."""
    assert [right] * len(names.split()) == [likely_key(name, [right]) for name in names.split()]


@for_each(
    ("wrong", "right"),
    [
        ("12M", "1Y"),
        ("60M", "5Y"),
        ("1y", "1Y"),
        ("ytd", "YTD"),
        ("max", "ALL"),
        ("1W", None),
        ("2D", None),
        ("", None),
    ],
)
def test_a_range_is_found_by_its_length(wrong: str, right: str | None) -> None:
    """A range of the same length or the same name is found; a week is not five days."""
    assert right == likely_range(wrong, [str(each) for each in CATALOG.parameter_by_name["range"].enum])
