"""File names of charts are documented, safe and distinct."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath

from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.chart import ChartKey
from chartimg.domain.chart.file_name import DISTINCT_STEM, distinct_stem, slug, stem
from rows import for_each

texts = st.text(st.characters(), max_size=200) | st.sampled_from(["..", ".", "/", "\\", "a/../b", "\x00", "CON", "~"])
keys = st.builds(ChartKey, texts, texts, texts)
ordinary = st.from_regex(r"[A-Z0-9_]{1,9}:[A-Z0-9._!]{1,12}", fullmatch=True)


@given(
    symbol=ordinary,
    timeframe=st.sampled_from(["1m", "1h", "1D", "1M"]),
    template=st.from_regex(r"[a-z0-9_]{1,30}", fullmatch=True),
)
def test_ordinary_charts_have_the_documented_name(symbol: str, timeframe: str, template: str) -> None:
    """Two underscores part symbol, timeframe and template; the colon becomes one."""
    assert f"{symbol.replace(':', '_')}__{timeframe}__{template}" == stem(ChartKey(symbol, timeframe, template))


@given(key=keys)
def test_every_chart_has_a_name_that_any_file_system_bears(key: ChartKey) -> None:
    """A name is short ASCII without separators, a leading dot or reserved characters, and always the same."""
    for name in (stem(key), distinct_stem(key)):
        assert name.isascii()
        assert name.isprintable()
        assert len(name) <= 200
        assert not name.startswith(".")
        assert not set(name) & set('/\\<>:"|?* ')
    assert stem(key) == stem(ChartKey(key.symbol, key.timeframe, key.chart_template_id))


@given(one=keys, other=keys)
def test_distinct_names_differ_whatever_the_case(one: ChartKey, other: ChartKey) -> None:
    """Two charts never share a distinct name."""
    assert (one == other) == (distinct_stem(one).casefold() == distinct_stem(other).casefold())


def test_charts_that_share_a_name_have_one_of_their_own() -> None:
    """Charts with the same stem have different distinct names, also where case is ignored."""
    alike = [ChartKey("CME_MINI:NQ1!", "1m", "t"), ChartKey("CME:MINI_NQ1!", "1m", "t"), ChartKey("A:B", "1m", "t")]
    alike += [ChartKey("A:B", "1M", "t"), ChartKey("A:B__1m", "t", "x"), ChartKey("A:B", "1m__t", "x")]

    assert stem(alike[0]) == stem(alike[1])
    assert 6 == len({distinct_stem(key).casefold() for key in alike})


@for_each(
    ("symbol", "name"),
    [
        ("BMV:CEMEX/CPO", "BMV_CEMEX%2FCPO__1h__t"),
        ("(NASDAQ:MARA+NASDAQ:RIOT)/10", "(NASDAQ_MARA+NASDAQ_RIOT)%2F10__1h__t"),
        ("..", "%2E.__1h__t"),
        ("100%", "100%25__1h__t"),
        ("ü", "%C3%BC__1h__t"),
        ("\ud800", "%ED%A0%80__1h__t"),
    ],
)
def test_what_is_unsafe_is_escaped(symbol: str, name: str) -> None:
    """Each byte becomes a percent sign and two digits, also before a digest."""
    key = ChartKey(symbol, "1h", "t")

    assert (name, f"{name}~") == (stem(key), distinct_stem(key)[:-16])


@for_each(
    ("text", "short"),
    [("Limit Exceeded", "LIMIT_EXCEEDED"), ("", ""), ("...", ""), ("ü", ""), ("x" * 99, "X" * 40), ("a: b!", "A_B")],
)
def test_a_slug_is_what_is_left_of_a_sentence(text: str, short: str) -> None:
    """A slug has letters and digits in upper case with underscores between, at most 40 characters."""
    assert short == slug(text)


@given(key=keys)
def test_a_name_is_one_component_of_a_path_on_every_system(key: ChartKey) -> None:
    """A name stays in its folder, also where a backslash or a colon divides."""
    for name in (stem(key), distinct_stem(key)):
        assert (name,) == PurePosixPath(name).parts == PureWindowsPath(name).parts
        assert name not in {".", ".."}


@given(key=keys, other=keys)
def test_no_chart_has_the_distinct_name_of_another(key: ChartKey, other: ChartKey) -> None:
    """A distinct name is never the stem of another chart, and is told from a short stem by its form."""
    assert DISTINCT_STEM.fullmatch(distinct_stem(key))
    assert stem(key) == distinct_stem(key) or not DISTINCT_STEM.fullmatch(stem(key))
    assert key == other or distinct_stem(key).casefold() != stem(other).casefold()


@given(text=st.text())
def test_a_slug_fits_into_any_file_name(text: str) -> None:
    """A slug has at most 40 letters, digits and single underscores."""
    assert re.fullmatch(r"(?:[A-Z0-9]+(?:_[A-Z0-9]+)*)?", slug(text))
    assert len(slug(text)) <= 40


def test_a_name_over_120_characters_is_cut() -> None:
    """It keeps 80 characters and ends in a digest, as each distinct name does."""
    fits, longer = ChartKey("A" * 113, "1h", "t"), ChartKey("A" * 114, "1h", "t")

    assert f"{'A' * 113}__1h__t" == stem(fits)
    assert f"{'A' * 80}~f6ef8cf359ff01f4" == stem(longer) == distinct_stem(longer)
    assert "A_B__1h__t~31c398d8d4890d97" == distinct_stem(ChartKey("A:B", "1h", "t"))


def test_the_fields_of_a_chart_never_run_into_each_other() -> None:
    """A letter that moves to the next field changes the digest."""
    alike = [ChartKey("x" * 200, "yz", "t"), ChartKey("x" * 200 + "y", "z", "t"), ChartKey("x" * 200, "y", "zt")]

    assert 3 == len({stem(key) for key in alike})
