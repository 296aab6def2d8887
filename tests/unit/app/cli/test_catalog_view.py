"""How the catalog looks: whole lines in a pipe, and no line longer than a terminal is wide."""

from __future__ import annotations

import json
import re

import pytest

from chartimg.adapters.catalog import shipped_catalog
from chartimg.app.cli.catalog_view import (
    rows_by_path,
    show_entries,
    show_entry,
    show_names,
    show_parameters,
    show_plans,
)
from chartimg.app.cli.sample import sample_study
from chartimg.domain.check.catalog import Entry, Parameter, ValueType
from command import lines

CATALOG = shipped_catalog()

Output = pytest.CaptureFixture[str]


def test_every_entry_is_one_whole_line_in_a_pipe(capsys: Output) -> None:
    """In a pipe each entry is one line with its name, its inputs and defaults, and the labels of names such as in_0."""
    show_entries(CATALOG.studies, "study")
    heading, _, *rows = lines(capsys.readouterr().out)

    assert ["study", "inputs and their defaults"] == re.split(" {3,}", heading)
    assert len(CATALOG.studies) == len(rows)
    for study, row in zip(CATALOG.studies, rows, strict=True):
        assert row.startswith(study.name)
        assert all(f"{each.name}={json.dumps(each.default)}" in row for each in study.inputs)
    assert any(row.split() == ["Advance/Decline", "in_0=10", "length"] for row in rows)


def test_required_inputs_are_marked(capsys: Output) -> None:
    """A required input has a star, and the last line explains it; a list without one has no such line."""
    show_entries(CATALOG.drawings, "drawing")
    shown = lines(capsys.readouterr().out)

    assert "Horizontal Line    price*, text" in shown
    assert "* is required" == shown[-1]
    show_entries(CATALOG.studies, "study")
    assert "* is required" not in lines(capsys.readouterr().out)


def test_what_has_no_inputs_is_listed_with_its_overrides(capsys: Output) -> None:
    """A chart style, which has no inputs, is listed with its overrides."""
    show_entries(CATALOG.styles, "style")

    assert any(line.startswith("hiLo") and "hiloStyle.color=" in line for line in lines(capsys.readouterr().out))


def test_an_entry_is_shown_wholly(capsys: Output) -> None:
    """An entry is shown with type, default, range or choices, and label of each input and override, and a sample."""
    macd = CATALOG.study_by_name["MACD"]
    show_entry(macd, "studies", sample_study(macd))
    shown = lines(capsys.readouterr().out)

    assert "MACD" == shown[0]
    assert ["in_0", "Integer", "12", "1 to 2000", "fast length"] in [re.split(" {3,}", line) for line in shown]
    assert all(any(line.startswith(row.name) for line in shown) for row in (*macd.inputs, *macd.overrides))
    assert all(choice in "\n".join(shown) for row in macd.inputs for choice in map(str, row.enum))
    assert sample_study(macd) == json.loads("\n".join(shown[shown.index("{") :]))


def test_columns_in_which_nothing_stands_are_left_out(capsys: Output) -> None:
    """An entry without inputs has no table of inputs, and a table without choices has no column for them."""
    show_entry(Entry("E", (), (Parameter("x", ValueType.COLOUR),)), "studies", {})
    shown = lines(capsys.readouterr().out)

    assert "override   type" in shown
    assert not any("input  " in line or "allowed" in line for line in shown)


@pytest.mark.parametrize(
    ("row", "allowed"),
    [
        (Parameter("x", ValueType.INTEGER, min=400), "400 or more"),
        (Parameter("x", ValueType.INTEGER, max=5), "5 or less"),
        (Parameter("x", ValueType.FLOAT, min=0.1, max=1.0), "0.1 to 1.0"),
        (Parameter("x", ValueType.INTEGER, enum=(16, 32)), "16, 32"),
    ],
)
def test_what_is_allowed_is_said_in_words(row: Parameter, allowed: str, capsys: Output) -> None:
    """Allowed values are described by both ends of a range, by one end, or by the choices."""
    show_parameters({"x": row})

    assert lines(capsys.readouterr().out)[-1].endswith(allowed)


def test_a_required_key_has_no_default(capsys: Output) -> None:
    """A required key has the word required in place of a default."""
    show_parameters(
        {"a.b": Parameter("b", ValueType.STRING, required=True), "c": Parameter("c", ValueType.STRING, default="d")}
    )

    assert [["a.b", "String", "required"], ["c", "String", '"d"']] == [
        line.split() for line in lines(capsys.readouterr().out)[2:]
    ]


def test_names_are_one_on_each_line_in_a_pipe(capsys: Output) -> None:
    """In a pipe each name is one line, with its note if it has one."""
    show_names({"1m": "", "2m": "perhaps"})

    assert ["1m", "2m  (perhaps)"] == lines(capsys.readouterr().out)


@pytest.mark.usefixtures("terminal")
def test_names_are_in_columns_on_a_terminal(capsys: Output) -> None:
    """On a terminal all names are in columns, so there are fewer lines than names."""
    show_names(dict.fromkeys(CATALOG.timezones, ""))
    shown = lines(capsys.readouterr().out)

    assert set(CATALOG.timezones) == set(" ".join(shown).split())
    assert len(shown) < len(CATALOG.timezones)


def test_plans_are_rows_of_numbers(capsys: Output) -> None:
    """Each plan is a row with the limits of a chart and of calls."""
    show_plans(CATALOG.plans)
    rows = lines(capsys.readouterr().out)[-5:]

    assert ["BASIC", "800x600", "3", "1", "3", "50", "CHART-IMG", "14"] == rows[0].split()
    assert ["MEGA", "1920x1600", "10", "15", "25", "1,000", "none", "60"] == rows[2].split()
    assert rows[4].split()[-3:] == ["your", "own", "120"]


@pytest.mark.usefixtures("terminal")
@pytest.mark.gate
def test_nothing_is_wider_than_a_terminal(capsys: Output) -> None:
    """Every table fits a terminal of 80 columns, and no cell is cut: long cells are folded."""
    for study in CATALOG.studies:
        show_entry(study, "studies", sample_study(study))
    show_entries(CATALOG.drawings, "drawing")
    show_parameters(rows_by_path(CATALOG.parameters))
    show_plans(CATALOG.plans)
    shown = lines(capsys.readouterr().out)

    assert max(map(len, shown)) <= 80
    assert not any("…" in line for line in shown)


@pytest.mark.usefixtures("terminal")
def test_no_word_is_broken_on_a_terminal(capsys: Output) -> None:
    """Cells are folded at spaces, commas and the signs of a path, so that each word stays on one line."""
    tables = [rows_by_path(CATALOG.parameters)]
    tables += [rows_by_path(rows) for entry in CATALOG.drawings for rows in (entry.inputs, entry.overrides)]
    for rows in tables:
        show_parameters(rows)
        shown = {part for line in lines(capsys.readouterr().out) for part in re.split(r"[ ,.:/=]+", line)}
        texts = [f"{path} {row.default} {' '.join(map(str, row.enum))} {row.label}" for path, row in rows.items()]

        words = {word for text in texts for word in re.findall(r"[A-Za-z]{2,}", text.replace("True", ""))} - {
            "None",
            "False",
        }
        assert all(any(word in part for part in shown) for word in words)


@pytest.mark.usefixtures("terminal")
def test_what_can_not_be_folded_is_still_shown(capsys: Output) -> None:
    """A word longer than the terminal is broken, and all its letters are shown."""
    show_parameters({"x": Parameter("x", ValueType.STRING, label="a" * 100)})

    assert 100 == sum(
        line.count("aa") * 2 + line.replace("aa", "").count("a") for line in lines(capsys.readouterr().out)[2:]
    )


def test_rows_in_rows_have_paths() -> None:
    """Rows inside a row have paths, with brackets if they are in an array."""
    inner = Parameter("c", ValueType.STRING)
    rows = rows_by_path(
        [Parameter("a", ValueType.OBJECT, fields=(inner,)), Parameter("b", ValueType.OBJECTS, fields=(inner,))]
    )

    assert ["a", "a.c", "b", "b[].c"] == list(rows)


def test_nothing_in_a_catalog_steers_the_terminal(capsys: Output) -> None:
    """Escapes and markup in a host's catalog are shown as text."""
    evil = "[red]\x1b[31m\u202e"
    row = Parameter(evil, ValueType.STRING, enum=(evil,), default=evil, label=evil, min=1)
    show_entries([Entry(evil, (row,))], "study")
    show_entry(Entry(evil, (row,), (row,)), "studies", {evil: evil})
    show_names({evil: ""})
    shown = capsys.readouterr().out

    assert shown.replace("\n", "").isprintable()
    assert r"[red]\x1b[31m\u202e" in shown
