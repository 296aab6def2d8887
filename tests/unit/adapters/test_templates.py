"""Chart templates in a folder: those that ship load, and every mistake is one clear line."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.templates import SHIPPED, load_templates
from chartimg.domain.chart.template import ChartTemplate
from chartimg.domain.errors import ConfigError

GOOD: dict[str, object] = {
    "id": "look_v1",
    "description": "Price",
    "chartImgSymbolTemplate": "BINANCE:{symbol}",
    "request": {"theme": "dark", "studies": [{"name": "Volume"}]},
}


def write(folder: Path, text: str, name: str = "look_v1") -> Path:
    """Put a template file into *folder*."""
    path = folder / f"{name}.json"
    path.write_text(text)
    return path


def problems(folder: Path) -> tuple[str, ...]:
    """Return the mistakes in the templates of *folder*, each on one line."""
    with pytest.raises(ConfigError) as refusal:
        dict(load_templates(folder))
    assert "\n".join(refusal.value.problems) == str(refusal.value)
    assert len(refusal.value.problems) == len(str(refusal.value).splitlines())
    return refusal.value.problems


def test_the_five_that_ship_load() -> None:
    """The five templates that ship are sorted by id, and each makes a correct request."""
    templates = load_templates()

    assert [
        "price_ma1226_bb_macd1226_v1",
        "price_ma1226_vol_v1",
        "price_psar_adi_v1",
        "price_rsi14_stochrsi_v1",
        "price_vpvr_obv_v1",
    ] == list(templates)
    assert templates == load_templates(SHIPPED)
    for name, template in templates.items():
        request = template.request("BTCUSDT", "1h")
        assert name == template.id == request.chart_template_id
        assert template.description.strip()
        assert ("BINANCE:BTCUSDT", ()) == (request.symbol, request.problems)
        assert request.payload["studies"]


def test_a_template_is_read_as_it_stands(tmp_path: Path) -> None:
    """Each field is read from its place, and files with another suffix are ignored."""
    write(tmp_path, json.dumps(GOOD))
    (tmp_path / "README.md").write_text("not a template")
    (tmp_path / "old.json.bak").write_text("{")

    assert {
        "look_v1": ChartTemplate(
            "look_v1", "Price", "BINANCE:{symbol}", {"theme": "dark", "studies": [{"name": "Volume"}]}
        )
    } == load_templates(str(tmp_path))


def test_templates_are_sorted_by_id(tmp_path: Path) -> None:
    """Templates are sorted by id, also if one id begins with another."""
    for name in ("b", "a-1", "a", "a_1", "a.1", "B"):
        write(tmp_path, json.dumps({**GOOD, "id": name}), name)

    assert sorted(["b", "a-1", "a", "a_1", "a.1", "B"]) == list(load_templates(tmp_path))


BAD: dict[str, tuple[str, str]] = {
    "empty": ("", "is not JSON: .* at line 1, column 1"),
    "not JSON": ('{\n  "id": }', "is not JSON: .* at line 2, column 9"),
    "too deep": ("[" * 100_000, "is not JSON that can be read"),
    "too long a number": ("1" * 5000, "is not JSON that can be read"),
    "a list": ("[]", ": must be an object"),
    "null": ("null", ": must be an object"),
    "no id": (json.dumps({k: v for k, v in GOOD.items() if k != "id"}), r"at \$\.id: is missing"),
    "no description": (
        json.dumps({k: v for k, v in GOOD.items() if k != "description"}),
        r"at \$\.description: is missing",
    ),
    "no pattern": (
        json.dumps({k: v for k, v in GOOD.items() if k != "chartImgSymbolTemplate"}),
        r"at \$\.chartImgSymbolTemplate: is missing",
    ),
    "an unknown field": (json.dumps({**GOOD, "requests": {}}), "has the unknown field requests"),
    "a field by our own name": (json.dumps({**GOOD, "payload": {}}), "has the unknown field payload"),
    "an id that is a number": (json.dumps({**GOOD, "id": 1}), r"at \$\.id: must be text"),
    "a description that is null": (json.dumps({**GOOD, "description": None}), r"at \$\.description: must be text"),
    "a pattern that is a list": (
        json.dumps({**GOOD, "chartImgSymbolTemplate": ["{symbol}"]}),
        r"at \$\.chartImgSymbolTemplate: must be text",
    ),
    "a request that is text": (json.dumps({**GOOD, "request": "{}"}), r"at \$\.request: must be an object"),
    "another id": (json.dumps({**GOOD, "id": "look_v2"}), r"at \$\.id: 'look_v2' differs from the file's name"),
    "an id in another case": (
        json.dumps({**GOOD, "id": "LOOK_v1"}),
        r"at \$\.id: 'LOOK_v1' differs from the file's name",
    ),
    "a pattern without a place": (
        json.dumps({**GOOD, "chartImgSymbolTemplate": "BINANCE:BTCUSDT"}),
        r"at \$\.chartImgSymbolTemplate: 'BINANCE:BTCUSDT' has no \{symbol\}; write it like \"BINANCE:\{symbol\}\"",
    ),
    "an empty pattern": (json.dumps({**GOOD, "chartImgSymbolTemplate": ""}), r"has no \{symbol\}"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_bad_template_is_one_line_with_file_and_place(text: str, said: str, tmp_path: Path) -> None:
    """A mistake in a template is one line with the file, the place and a correct value."""
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=said):
        load_templates(tmp_path)["look_v1"]
    (problem,) = problems(tmp_path)

    assert f"template {path}" in problem


def test_a_directory_in_place_of_a_file_is_one_line(tmp_path: Path) -> None:
    """A directory named like a template is one line that names it."""
    (tmp_path / "look_v1.json").mkdir()
    (problem,) = problems(tmp_path)

    assert f"template {tmp_path / 'look_v1.json'} can't be read" in problem


def test_all_mistakes_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    """One error lists all mistakes of a template."""
    write(tmp_path, json.dumps({"id": 1, "description": 2, "x": 3, "request": []}))
    found = problems(tmp_path)

    assert 5 == len(found)
    for place in ("$.id", "$.description", "$.chartImgSymbolTemplate", "$.request", "unknown field x"):
        assert 1 == sum(place in problem for problem in found)


@given(st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
def test_the_first_folder_wins_and_a_broken_file_spoils_itself_alone(
    own: set[str], others: set[str], broken: set[str]
) -> None:
    """Every id of both folders is known; it is the first folder's if that has it, and only a broken file can't be used."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        for folder, ids in ((first, own), (second, others)):
            for each in ids:
                spoilt = each in broken and folder == first
                write(Path(folder), "{" if spoilt else json.dumps({**GOOD, "id": each, "description": folder}), each)
        known = load_templates(first, second)

        assert [*sorted(own), *sorted(others - own)] == list(known)
        assert len(own | others) == len(known)
        assert "z" not in known
        for each in known:
            assert each in known
            if each in own & broken:
                with pytest.raises(ConfigError, match="is not JSON"):
                    known[each]
            else:
                assert (first if each in own else second) == known[each].description


def test_a_template_is_read_once_and_when_it_is_asked_for(tmp_path: Path) -> None:
    """A file is read when its template is first asked for, and not again."""
    path = write(tmp_path, "{")
    known = load_templates(tmp_path)
    assert ["look_v1"] == list(known)
    path.write_text(json.dumps(GOOD))
    first = known["look_v1"]
    path.unlink()

    assert first is known["look_v1"]


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_folder_that_can_not_be_read_is_one_line(name: str, tmp_path: Path) -> None:
    """A folder that is missing, or is a file, is one line that names it."""
    (tmp_path / "file").write_bytes(b"")
    (problem,) = problems(tmp_path / name)

    assert f"templates folder {tmp_path / name} can't be read" in problem


def test_an_empty_folder_has_no_templates(tmp_path: Path) -> None:
    """A folder without a JSON file is an empty mapping, so that the templates that ship can be laid under it."""
    (tmp_path / "README.md").write_text("nothing here")

    assert {} == load_templates(tmp_path)
    assert list(load_templates()) == list(load_templates(tmp_path, SHIPPED))
