"""The suggestions for wrong names, intervals and time zones."""

from __future__ import annotations

import re
from random import Random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.templates import load_templates
from chartimg.domain.check.suggestion import (
    Unknown,
    hint,
    likely_interval,
    likely_name,
    likely_timezone,
    names_called,
    timezone_called,
    with_suggestions,
)
from chartimg.domain.finding import Finding, Severity
from rows import for_each

CATALOG = shipped_catalog()
STUDIES = list(CATALOG.study_by_name)
DRAWINGS = list(CATALOG.drawing_by_name)
ZONES = CATALOG.timezones
TEMPLATES = sorted(load_templates())


def swapped(text: str, place: int) -> str:
    """Return *text* with two neighbouring letters swapped."""
    return text[:place] + text[place : place + 2][::-1] + text[place + 2 :]


@for_each(
    ("wrong", "right"),
    [
        ("RSI", "Relative Strength Index"),
        ("rsi", "Relative Strength Index"),
        ("macd", "MACD"),
        ("ATR", "Average True Range"),
        ("BB", "Bollinger Bands"),
        ("MA", "Moving Average"),
        ("SMA", "Moving Average"),
        ("Moving Average (Simple)", "Moving Average"),
        ("EMA", "Moving Average Exponential"),
        ("Exponential Moving Average", "Moving Average Exponential"),
        ("Weighted Moving Average", "Moving Average Weighted"),
        ("WMA", "Moving Average Weighted"),
        ("SMMA", "Smoothed Moving Average"),
        ("KAMA", "Moving Average Adaptive"),
        ("DEMA", "Double EMA"),
        ("TEMA", "Triple EMA"),
        ("Stoch", "Stochastic"),
        ("Stoch RSI", "Stochastic RSI"),
        ("StochRSI", "Stochastic RSI"),
        ("ADX", "Average Directional Index"),
        ("PSAR", "Parabolic SAR"),
        ("SAR", "Parabolic SAR"),
        ("DMI", "Directional Movement"),
        ("vwap", "VWAP"),
        ("Volume Weighted Average Price", "VWAP"),
        ("alligator", "Williams Alligator"),
        ("C.K.S.", "Chande Kroll Stop"),
        ("Relative Strenght Index", "Relative Strength Index"),
        ("relative-strength-index", "Relative Strength Index"),
        ("Elders Force Index", "Elder's Force Index"),
        ("Bolinger Bands", "Bollinger Bands"),
        ("Stochastics", "Stochastic"),
        ("Moving Averages", "Moving Average"),
        ("MovingAverge Expnential", "Moving Average Exponential"),
        ("True tSrength Index", None),
        ("Chande Momentum scillator", None),
        ("Williams %Rs", "Williams %R"),
        ("Volatility Close-to-Cloes", "Volatility Close-to-Close"),
        ("Detrended", "Detrended Price Oscillator"),
        ("Legoux", "Arnaud Legoux Moving Average"),
        ("Volatility", None),
        ("Triangular Moving Average", None),
        ("TWAP", None),
        ("TSI", None),
        ("RVI", None),
        ("A/D", None),
        ("qqqqqqqq", None),
        ("", None),
        ("x", None),
        ("?", None),
        ("R" * 65, None),
    ],
)
def test_a_study_is_found_by_what_people_write(wrong: str, right: str | None) -> None:
    """Abbreviations, other orders, slips and beginnings lead to a study; ambiguous and unknown names lead to none."""
    assert right == likely_name(wrong, STUDIES, CATALOG.study_by_alias)


@for_each(
    ("wrong", "right"),
    [
        ("hline", "Horizontal Line"),
        ("trendline", "Trend Line"),
        ("fib", "Fib Retracement"),
        ("Fibonacci Retracement", "Fib Retracement"),
        ("line", None),
    ],
)
def test_a_drawing_is_found_by_what_people_write(wrong: str, right: str | None) -> None:
    """Drawings follow the same rules, with their own aliases."""
    assert right == likely_name(wrong, DRAWINGS, CATALOG.drawing_by_alias)


@for_each(
    ("wrong", "names", "right"),
    [
        ("A-B", ["A-B", "AB"], "A-B"),
        ("a b", ["A-B", "AB"], None),
        ("level12", ["level1", "level2"], None),
        ("linewidth", ["Plot.linewidth", "Plot.color"], "Plot.linewidth"),
        ("strength", ["Strenght", "strengths"], "strengths"),
        ("colours", ["colour1", "colourx", "coloury"], None),
        ("-", ["-", "%"], "-"),
        ("?", ["-", "%"], None),
        ("?", ["-"], None),
        ("alpha beta gamma", ["alpha bcdef gamma"], None),
        ("x", ["%"], None),
    ],
)
def test_a_name_that_fits_several_others_fits_none(wrong: str, names: list[str], right: str | None) -> None:
    """A tie gives no suggestion, another number is another thing, and an existing name means itself."""
    assert right == likely_name(wrong, names)


def test_an_alias_counts_only_for_a_name_there_is() -> None:
    """An alias is tried after the names themselves and before their initials."""
    aliases = {"sma": ("Simple",), "old": ("Gone",), "two": ("Simple", "Smoothed Moving Average")}
    names = ["Simple", "Smoothed Moving Average", "Old"]

    assert ["Simple", "Old", None] == [likely_name(text, names, aliases) for text in ("SMA", "old", "two")]
    assert likely_name("old", names[:2], aliases) is None
    assert [] == names_called("sma", ["Other"])
    assert [["Simple"], ["Simple", "Smoothed Moving Average"], []] == [
        list(names_called(text, names, aliases)) for text in ("s.m.a.", "two", "Simpel")
    ]


@given(st.sampled_from(STUDIES), st.randoms(use_true_random=False))
def test_no_alias_comes_before_a_name(name: str, random: Random) -> None:
    """A name in any case, spacing and order of words is found, although others have aliases."""
    words = name.split()
    random.shuffle(words)

    assert name == likely_name(name.swapcase().replace(" ", "_"), STUDIES, CATALOG.study_by_alias)
    assert name in names_called(" ".join(words), STUDIES, CATALOG.study_by_alias)


@given(st.sampled_from([name for name in STUDIES if len(name) > 9]), st.data())
def test_a_slip_gives_no_other_name(name: str, data: st.DataObject) -> None:
    """Two swapped letters of a long name give that name or none."""
    wrong = swapped(name, data.draw(st.integers(1, len(name) - 2)))

    assert likely_name(wrong, STUDIES) in {name, None}


@given(st.sampled_from(TEMPLATES), st.sampled_from("bklnxz"), st.data())
def test_one_wrong_letter_of_an_id_is_a_slip(template: str, letter: str, data: st.DataObject) -> None:
    """An id with one wrong letter, or two swapped ones, in a word of three letters or more leads to that id."""
    spans = [word.span() for word in re.finditer("[a-z]{3,}", template)]
    place = data.draw(st.sampled_from([place for start, end in spans for place in range(start + 1, end)]))
    wrong = [template[:place] + letter + template[place + 1 :]]
    wrong += [swapped(template, place) for _, end in spans if template[place : place + 2].isalpha()]

    assert {template} == {likely_name(each, TEMPLATES) for each in wrong}


@for_each(
    ("wrong", "right"),
    [
        ("1H", "1h"),
        ("60", "1h"),
        ("60m", "1h"),
        ("60min", "1h"),
        ("240", "4h"),
        ("D", "1D"),
        ("1d", "1D"),
        ("24h", "1D"),
        ("7D", "1W"),
        ("w", "1W"),
        ("1mo", "1M"),
        ("12M", "1Y"),
        ("5", "5m"),
        ("9h", None),
        ("1hour", "1h"),
        ("1 hour", "1h"),
        ("4 Hours", "4h"),
        ("hour", "1h"),
        ("H1", "1h"),
        ("H4", "4h"),
        ("D1", "1D"),
        ("W1", "1W"),
        ("MN1", "1M"),
        ("M5", "5m"),
        ("M1", "1m"),
        ("M", "1M"),
        ("m", "1m"),
        ("daily", "1D"),
        ("weekly", "1W"),
        ("monthly", "1M"),
        ("1min", "1m"),
        ("15 mins", "15m"),
        ("minute", "1m"),
        ("1hr", "1h"),
        ("hourly", "1h"),
        ("1 day", "1D"),
        ("1wk", "1W"),
        ("week", "1W"),
        ("1 mon", "1M"),
        ("2 months", None),
        ("month", "1M"),
        ("1yr", "1Y"),
        ("year", "1Y"),
        ("yearly", "1Y"),
        ("1y", "1Y"),
        ("5ms", None),
        ("5s", None),
        ("soon", None),
        ("1.5h", None),
        ("43200", "1M"),
        ("43201", None),
        ("²", None),
        ("9" * 70, None),
    ],
)
def test_an_interval_is_found_by_its_length(wrong: str, right: str | None) -> None:
    """An interval in any notation has one length, and minutes are not months."""
    assert right == likely_interval(wrong, CATALOG.intervals)
    assert likely_interval("5 ticks", ["10 ticks"]) is None


@for_each(
    ("wrong", "right"),
    [
        ("UTC", "Etc/UTC"),
        ("gmt", "Etc/UTC"),
        ("Z", "Etc/UTC"),
        ("UTC+0", "Etc/UTC"),
        ("utc+1", None),
        ("UTC1", None),
        ("EST", "America/New_York"),
        ("EDT", "America/New_York"),
        ("ET", "America/New_York"),
        ("US/Eastern", "America/New_York"),
        ("PST", "America/Los_Angeles"),
        ("CST", "America/Chicago"),
        ("IST", "Asia/Kolkata"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Asia/Saigon", "Asia/Ho_Chi_Minh"),
        ("Europe/Kiev", "Europe/Bucharest"),
        ("Asia/Istanbul", "Europe/Istanbul"),
        ("america/new_york", "America/New_York"),
        ("america/new york", "America/New_York"),
        ("America/New_York", "America/New_York"),
        ("New York", "America/New_York"),
        ("NewYork", "America/New_York"),
        ("york", "America/New_York"),
        ("tokyo", "Asia/Tokyo"),
        ("Tokio", "Asia/Tokyo"),
        ("Europe/Belin", "Europe/Berlin"),
        ("Europe/Kyjiw", None),
        ("nowhere at all", None),
        ("somewhere/new york", "America/New_York"),
        ("Europe/", None),
        ("/", None),
        ("", None),
        ("x" * 65, None),
    ],
)
def test_a_time_zone_is_found_by_case_city_or_a_slip(wrong: str, right: str | None) -> None:
    """Abbreviations and former names lead to a zone, and UTC in all its names to Etc/UTC."""
    assert right == likely_timezone(wrong, ZONES)


def test_a_zone_is_suggested_only_where_it_is() -> None:
    """A zone that is missing from a list is not suggested, and a city of two zones leads to none."""
    assert likely_timezone("UTC", ["Asia/Tokyo"]) is None
    assert likely_timezone("Europe/Kiev", ["Europe/Rome"]) is None
    assert likely_timezone("Paris", ["Europe/Paris", "America/Paris"]) is None
    assert likely_timezone("Pariss", ["Europe/Paris", "America/Paris"]) is None
    assert timezone_called("europe/paris", ["Europe/Paris", "Europe-Paris"]) is None


@given(wrong=st.text(max_size=80))
def test_a_suggestion_exists(wrong: str) -> None:
    """Any text gives a name of the list, or none."""
    assert likely_name(wrong, STUDIES, CATALOG.study_by_alias) in {None, *STUDIES}
    assert set(names_called(wrong, STUDIES, CATALOG.study_by_alias)) <= set(STUDIES)
    assert likely_interval(wrong, CATALOG.intervals) in {None, *CATALOG.intervals}
    assert likely_timezone(wrong, ZONES) in {None, *ZONES}


@given(st.sampled_from(ZONES), st.sampled_from(CATALOG.intervals))
def test_an_existing_zone_or_interval_means_itself(zone: str, interval: str) -> None:
    """A right name gives no other suggestion."""
    assert zone == timezone_called(zone, ZONES) == likely_timezone(zone, ZONES)
    assert zone == timezone_called(zone.rpartition("/")[2].replace("_", " "), ZONES)
    assert interval == likely_interval(interval, CATALOG.intervals)


@for_each(
    ("aliases", "zone"),
    [
        ("UCT Zulu Universal Greenwich GMT+0 UTC0000 Etc/GMT Etc/GMT0 Etc/Zulu Etc/UCT", "Etc/UTC"),
        ("EDT EST5EDT Eastern US/Eastern NYC America/Detroit", "America/New_York"),
        ("CDT CT CST6CDT Central US/Central", "America/Chicago"),
        ("MST MDT MT MST7MDT Denver America/Denver", "US/Mountain"),
        ("US/Arizona Arizona", "America/Phoenix"),
        ("PDT PT PST8PDT Pacific US/Pacific San_Francisco", "America/Los_Angeles"),
        ("AKST AKDT US/Alaska Alaska America/Anchorage", "America/Juneau"),
        ("Canada/Eastern Montreal America/Montreal", "America/Toronto"),
        ("Canada/Pacific", "America/Vancouver"),
        ("BRT Brazil/East Brasilia", "America/Sao_Paulo"),
        ("ART", "America/Argentina/Buenos_Aires"),
        ("HST US/Hawaii Hawaii", "Pacific/Honolulu"),
        ("NZST NZDT NZ", "Pacific/Auckland"),
        ("SAST", "Africa/Johannesburg"),
        ("WAT", "Africa/Lagos"),
        ("IST Calcutta Asia/Calcutta India Mumbai Delhi New_Delhi", "Asia/Kolkata"),
        ("Saigon Ho_Chi_Minh_City", "Asia/Ho_Chi_Minh"),
        ("Ashgabat Asia/Ashgabat", "Asia/Ashkhabad"),
        ("Tel_Aviv Asia/Tel_Aviv Israel", "Asia/Jerusalem"),
        ("PRC Beijing Asia/Beijing China", "Asia/Shanghai"),
        ("JST Japan", "Asia/Tokyo"),
        ("KST ROK Korea", "Asia/Seoul"),
        ("HKT", "Asia/Hong_Kong"),
        ("SGT", "Asia/Singapore"),
        ("ICT", "Asia/Bangkok"),
        ("WIB", "Asia/Jakarta"),
        ("PKT", "Asia/Karachi"),
        ("PHT", "Asia/Manila"),
        ("GST", "Asia/Dubai"),
        ("AEST AEDT Melbourne Australia/Melbourne", "Australia/Sydney"),
        ("Canberra Australia/Canberra", "Australia/ACT"),
        ("AWST", "Australia/Perth"),
        ("ACST ACDT", "Australia/Adelaide"),
        ("BST GB UK", "Europe/London"),
        ("WET West", "Europe/Lisbon"),
        ("CET CEST MET Frankfurt Vienna Europe/Vienna", "Europe/Berlin"),
        ("Prague Europe/Prague", "Europe/Bratislava"),
        ("EET EEST", "Europe/Helsinki"),
        ("Kiev Kyiv Europe/Kyiv Sofia Europe/Sofia", "Europe/Bucharest"),
        ("TRT Turkey", "Europe/Istanbul"),
        ("MSK", "Europe/Moscow"),
    ],
)
def test_each_zone_has_its_aliases(aliases: str, zone: str) -> None:
    """An alias leads to its zone, in any case and punctuation."""
    assert {zone} == {timezone_called(alias.lower(), ZONES) for alias in aliases.split()}


@for_each(
    ("wrong", "names", "right"),
    [
        ("abcdefgxyz", ["abcdefghij"], "abcdefghij"),  # 0.7 of 1 alike
        ("abcdefwxyz", ["abcdefghij"], None),
        ("abcdefghi jx", ["abcdefghixj"], "abcdefghixj"),  # 0.9 of 1 alike, in other words
        ("abcdefgh ijk", ["abcdefghxyz"], None),
        ("abcd", ["abcdefghijklmn", "xyz"], "abcdefghijklmn"),
        ("abc", ["abcdefghijklmn", "xyz"], None),
        ("a" * 64, ["A" * 64], "A" * 64),
        ("a" * 65, ["A" * 65], None),
        ("x", ["Xa"], None),
        ("price_psar_adl_v1", ["price_psar_adi_v1", "price_ma1226_vol_v1"], "price_psar_adi_v1"),
        ("Double aid", ["Double adi", "Triple adi"], "Double adi"),
        ("Double abc", ["Double adi", "Triple adi"], None),
        ("Double bdi", ["Double adi", "Triple adi"], None),
        ("xy", ["Xenon Yield"], "Xenon Yield"),
        ("Xenon", ["Krypton Xenon"], "Krypton Xenon"),
        ("plain Xenon", ["Krypton Xenon"], None),
        ("abd", ["abc"], None),  # one letter of three
        ("acb", ["abc"], None),
    ],
)
def test_a_name_must_be_alike_enough(wrong: str, names: list[str], right: str | None) -> None:
    """A name at the threshold of likeness is suggested, and a name just below it is not."""
    assert right == likely_name(wrong, names)


def test_the_first_16_unknown_names_get_a_suggestion() -> None:
    """A name without a suggestion has another end of its message, or none."""

    def unknown(number: int, likely: str | None) -> Unknown:
        return Unknown(str(number), Severity.WARNING, "unknown", lambda: likely, "" if number % 2 else "use b")

    found = with_suggestions([Finding("x", Severity.ERROR, "wrong"), *(unknown(each, "a") for each in range(17))])
    (without,) = with_suggestions([unknown(1, None)])

    assert ["wrong", *['unknown; did you mean "a"?'] * 16, "unknown; use b"] == [each.message for each in found]
    assert [None, *["a"] * 16, None] == [each.suggestion for each in found]
    assert ("1", Severity.WARNING, "unknown", None) == attrs.astuple(without)
    assert "unknown" == with_suggestions([Unknown("1", Severity.ERROR, "unknown", lambda: None)])[0].message
    assert ["did you mean a?", "else"] == [hint("a", "else"), hint(None, "else")]


def test_an_exact_zone_is_meant_even_beside_its_mirror() -> None:
    """A zone that is in the list is called by its own name, also if another differs from it by a sign alone."""
    assert "Etc/GMT+1" == timezone_called("Etc/GMT+1", ["Etc/GMT-1", "Etc/GMT+1"])


@pytest.mark.parametrize(("wrong", "likely"), [("abcde fghij", "abcdefghix"), ("abcde fghyz", None)])
def test_words_joined_otherwise_are_a_slip_from_nine_tenths_on(wrong: str, likely: str | None) -> None:
    """Names with words joined otherwise are alike if nine tenths of their letters are."""
    assert likely == likely_name(wrong, ["abcdefghix"])
