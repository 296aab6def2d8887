"""The commands ``chartimg catalog``: whole lists, names that a text may mean, and JSON that is a catalog again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chartimg.adapters.catalog import load_catalog, shipped_catalog
from chartimg.domain.check.catalog import Parameter
from chartimg.domain.errors import ConfigError
from command import invoke
from rows import for_each

CATALOG = shipped_catalog()
KINDS = ("studies", "drawings", "styles", "parameters", "intervals", "timezones", "exchanges", "plans")
STUDIES = [study.name for study in CATALOG.studies]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, with wrong values for all settings that must not matter."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHARTS_CATALOG", raising=False)
    for name in ("CHARTS_API_MODE", "CHART_IMG_ACCOUNTS_JSON", "CHARTS_CHECK", "CHARTS_TEMPLATES_DIR"):
        monkeypatch.setenv(name, "wrong")


def catalog(*arguments: str) -> str:
    """Run the command to exit code 0, and return its output."""
    result = invoke("catalog", *arguments)
    assert 0 == result.returncode
    return result.stdout


def first_words(*arguments: str) -> list[str]:
    """Return the first column of a list, without its heading."""
    return [line.split("   ")[0].strip() for line in catalog(*arguments).splitlines()[2:] if "   " in line]


@for_each("kind", KINDS)
def test_a_list_has_everything_there_is(kind: str) -> None:
    """Each name of the catalog begins a line of its list."""
    lines = catalog(kind).splitlines()
    entries = getattr(CATALOG, kind)
    names = [entry if isinstance(entry, str) else entry.name for entry in entries]

    assert [] == [name for name in names if not any(f"{line} ".startswith(f"{name} ") for line in lines)]


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_a_catalog(kind: str, tmp_path: Path) -> None:
    """The output of --json is a catalog file with all entries of its kind, and only those."""
    file = tmp_path / "catalog.json"
    file.write_text(catalog(kind, "--json"))

    assert getattr(CATALOG, kind) == getattr(load_catalog(file), kind)
    assert {kind, "unconfirmedIntervals", "unavailableExchanges"} >= json.loads(file.read_text()).keys()


@for_each("kind", KINDS)
def test_a_name_that_does_not_exist_is_a_mistake_of_usage(kind: str) -> None:
    """An unknown name is refused, with --json too."""
    for options in ((), ("--json",)):
        with pytest.raises(ConfigError, match=r"there is no .* 'none of these'; (the nearest is|did you mean) \w"):
            catalog(kind, "none of these", *options)


@for_each(
    ("kind", "wrong", "right"),
    [
        ("studies", "Volme", "Volume"),
        ("drawings", "Horizontle Line", "Horizontal Line"),
        ("styles", "candel", "candle"),
        ("parameters", "tehme", "theme"),
        ("intervals", "60", "1h"),
        ("timezones", "Europe/Lodnon", "Europe/London"),
        ("exchanges", "BINNANCE", "BINANCE"),
        ("plans", "bsaic", "BASIC"),
    ],
)
def test_a_slip_of_the_pen_is_answered_with_the_nearest_name(kind: str, wrong: str, right: str) -> None:
    """A misspelt name is answered with the nearest name of its kind."""
    with pytest.raises(ConfigError, match=rf"did you mean {right}\?"):
        catalog(kind, wrong)


def test_several_names_are_listed_and_one_is_shown_wholly() -> None:
    """Several names are a list with short inputs; one name has all its inputs and a sample for the body."""
    listed, shown = catalog("studies", "linear"), catalog("studies", "stochastic")

    assert ["Linear Regression Curve", "Linear Regression Slope"] == first_words("studies", "linear")
    assert "{" not in listed
    assert "Stochastic" == shown.splitlines()[0]
    assert "Stochastic" == json.loads(shown[shown.index("{") :])["name"]


def test_a_name_of_several_words_needs_no_quotes() -> None:
    """Several words are one name, and in a time zone the space between them is an underscore."""
    assert catalog("studies", "relative strength index") == catalog("studies", "relative", "strength", "index")
    assert "America/New_York\n" == catalog("timezones", "new", "york")


@pytest.mark.parametrize("kind", ["drawings", "styles"])
def test_each_drawing_and_each_style_is_shown(kind: str) -> None:
    """Each input and override has a line, and the sample has the name of the entry."""
    for entry in getattr(CATALOG, kind):
        shown = catalog(kind, entry.name)
        assert kind == "styles" or all(shown == catalog(kind, alias) for alias in entry.aliases)
        piece = json.loads(shown[shown.index("{\n") :])

        assert entry.name == piece.get("name", piece.get("style"))
        assert {row.name for row in (*entry.inputs, *entry.overrides)} <= {
            line.split(" ")[0] for line in shown.split("\n")
        }


def test_keys_in_overrides_are_shown_by_their_path() -> None:
    """The levels of a Fib Retracement have paths and defaults."""
    rows = [re.split(" {3,}", line.strip()) for line in catalog("drawings", "fib").splitlines()]

    for level in range(1, 12):
        assert {f"level{level}", *(f"level{level}.{key}" for key in ("visible", "coeff", "color"))} <= {
            row[0] for row in rows
        }
    assert ["level2.coeff", "Float", "0.236"] in rows


def test_keys_in_keys_are_listed_by_their_path() -> None:
    """Keys of overrides, of ranges, and of each study and drawing are listed by their path."""

    def count(rows: tuple[Parameter, ...]) -> int:
        return len(rows) + sum(count(row.fields) for row in rows)

    paths = first_words("parameters")

    assert {"override.priceRange.margin", "range.from", "studies[].name", "drawings[].zOrder"} <= set(paths)
    assert count(CATALOG.parameters) == len(paths)


def test_keys_are_found_by_a_part_of_their_path() -> None:
    """A part of a path finds the paths that hold it; in JSON it finds their whole top-level key."""
    assert ["override.priceRange", *(f"override.priceRange.{key}" for key in ("from", "to", "margin"))] == first_words(
        "parameters", "pricerange"
    )
    (whole,) = json.loads(catalog("parameters", "pricerange", "--json"))["parameters"]
    assert "override" == whole["name"]


def test_the_interval_that_is_doubtful_is_marked() -> None:
    """A doubtful interval has a note, and in JSON a list of its own."""
    assert "2m  (in the documentation's change log only)" in catalog("intervals").splitlines()
    assert ["2m"] == json.loads(catalog("intervals", "2", "--json"))["unconfirmedIntervals"]
    assert ["1m", "1M"] == catalog("intervals", "1m").split()


def test_lists_of_names_are_filtered_by_any_part() -> None:
    """A part of a name filters a list in any case."""
    assert ["TFX  (unavailable)"] == catalog("exchanges", "tfx").splitlines()
    assert {"exchanges": ["TFX"], "unavailableExchanges": ["TFX"]} == json.loads(catalog("exchanges", "tfx", "--json"))
    assert all("america/" in line.casefold() for line in catalog("timezones", "AMERICA/").splitlines())
    assert ["BINANCE", "BINANCEUS"] == catalog("exchanges", "binance").split()
    assert ["PRO"] == [line.split()[0] for line in catalog("plans", "pro").splitlines()[3:]]


@for_each(
    ("text", "zones"),
    [
        ("EST", ["America/New_York"]),
        ("gmt", ["Etc/UTC"]),
        ("ist", ["Asia/Kolkata", "Europe/Istanbul"]),
        ("york", ["America/New_York"]),
        ("ork", ["America/New_York"]),
        ("u", ["Etc/UTC", "US/Mountain"]),
        ("us/", ["US/Mountain"]),
    ],
)
def test_time_zones_are_found_by_abbreviation_and_by_beginnings_of_words(text: str, zones: list[str]) -> None:
    """A text finds zones by abbreviation and by beginnings of words, and inside a word only if that finds no zone."""
    assert zones == catalog("timezones", text).split()
    assert zones == json.loads(catalog("timezones", text, "--json"))["timezones"]


def test_what_the_host_adds_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study of CHARTS_CATALOG is shown, and listed after those that ship."""
    file = tmp_path / "mine.json"
    file.write_text(
        '{"studies": [{"name": "My Study", "inputs": [{"name": "depth", "type": "Integer", "default": 3}]}]}'
    )
    monkeypatch.setenv("CHARTS_CATALOG", str(file))

    assert "depth" in catalog("studies", "my study")
    assert [*STUDIES, "My Study"] == [study["name"] for study in json.loads(catalog("studies", "--json"))["studies"]]
