"""How templates look in a list, and the summary of each."""

from __future__ import annotations

import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.app.bootstrap import check
from chartimg.app.cli.request_file import RequestFile, read_request_file
from chartimg.app.cli.templates_view import TemplateSummary, show_templates, sum_up_template
from chartimg.domain.chart.template import ChartTemplate
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.plan import PlanName
from command import lines

CATALOG = shipped_catalog()
LISTED = st.none() | st.lists(st.none() | st.just({"name": "Volume"}) | st.dictionaries(st.text(), st.integers()))
ENTRIES = st.lists(st.sampled_from(CATALOG.studies).map(lambda study: {"name": study.name}), max_size=55)
SUMMARY = TemplateSummary(
    "a_template", "A" + " long" * 20, "BINANCE:{symbol}", 800, 600, ("MACD", "Volume"), ("Text",), PlanName.PRO, ()
)
BROKEN = TemplateSummary("broken", None, None, None, None, (), (), None, (Finding("", Severity.ERROR, "is empty"),))

Output = pytest.CaptureFixture[str]


def test_templates_are_rows(capsys: Output) -> None:
    """Each template has a row; one that can't be loaded has a row that says so, with the number of its findings."""
    unserved = attrs.evolve(SUMMARY, id="unserved", plan=None)
    show_templates([SUMMARY, BROKEN, unserved])
    first, second, third = (re.split(" {3,}", line) for line in lines(capsys.readouterr().out)[-3:])

    assert ["a_template", SUMMARY.description, "BINANCE:{symbol}", "800x600", "MACD, Volume, Text", "PRO"] == first
    assert ["broken", "can't be loaded", "1"] == second
    assert "none" == third[-1]


@pytest.mark.usefixtures("terminal")
def test_a_list_fits_a_terminal(capsys: Output) -> None:
    """On 80 columns the description and the symbol are left out, and no cell is cut."""
    show_templates([SUMMARY, BROKEN])
    shown = lines(capsys.readouterr().out)

    assert max(map(len, shown)) <= 80
    assert not any("…" in line for line in shown)
    assert any(line.startswith("a_template   800x600   MACD, Volume, Text") for line in shown)
    assert any(line.startswith("broken") and "can't be loaded" in line for line in shown)


def test_a_template_does_not_steer_the_terminal(capsys: Output) -> None:
    """Escapes and markup in the texts of a template are shown as text."""
    evil = "[red]\x1b[31m\u202e"
    show_templates([attrs.evolve(SUMMARY, id=evil, description=evil, symbol_pattern=evil, studies=(evil,))])
    shown = capsys.readouterr().out

    assert shown.replace("\n", "").isprintable()
    assert 4 == shown.count(r"[red]\x1b[31m\u202e")


def template(payload: dict[str, object]) -> RequestFile:
    """Return the file of a template with *payload*, without findings."""
    return RequestFile({}, ChartTemplate("t", "d", "BINANCE:{symbol}", payload), ())


@given(st.integers(1, 2_100), st.integers(1, 2_000), ENTRIES, st.sampled_from([{}, {"watermark": "mine"}]))
def test_the_plan_is_the_smallest_that_serves_it(
    width: int, height: int, studies: list[dict[str, str]], watermark: dict[str, str]
) -> None:
    """The plan of a summary is the smallest one that passes the check, or None."""
    payload: dict[str, object] = {"width": max(width, 400), "height": max(height, 300), "studies": studies, **watermark}
    enough = [plan for plan in PlanName if not check({"symbol": "BINANCE:BTCUSDT", **payload}, plan)]

    assert next(iter(enough), None) == sum_up_template("t", template(payload), CATALOG).plan


@given(LISTED, LISTED)
def test_any_list_of_studies_is_summed_up(studies: list[object] | None, drawings: list[object] | None) -> None:
    """An entry that is not a study has no name in the summary."""
    summary = sum_up_template("t", template({"studies": studies, "drawings": drawings}), CATALOG)

    for listed, names in ((studies, summary.studies), (drawings, summary.drawings)):
        assert [type(each) for each in listed or [] if each is not None] == [dict] * len(names)
        assert (listed or []).count({"name": "Volume"}) == names.count("Volume")


def test_everything_of_a_template_has_its_place() -> None:
    """A summary has description, size with defaults, names of studies and drawings, plan, and findings."""
    payload: dict[str, object] = {"width": 1_000, "studies": [{"name": "MACD"}], "drawings": [{"name": "Text"}]}
    finding = Finding("request", Severity.WARNING, "perhaps")
    summary = sum_up_template("t", attrs.evolve(template(payload), findings=(finding,)), CATALOG)

    assert ("t", "d", "BINANCE:{symbol}", 1_000, 600, ("MACD",), ("Text",), "PRO", (finding,)) == attrs.astuple(
        summary, recurse=False
    )
    assert summary.loads


def test_what_can_not_be_loaded_has_its_id_and_its_findings() -> None:
    """A template that can't be loaded has the id of its file, its findings, and no plan."""
    file = read_request_file(b"{", CATALOG)
    summary = sum_up_template("broken", file, CATALOG)

    assert ("broken", file.findings, False, None) == (summary.id, summary.findings, summary.loads, summary.plan)
