"""Summaries of templates with any content."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.app.bootstrap import check
from chartimg.app.cli.request_file import RequestFile, read_request_file
from chartimg.app.cli.template_summary import sum_up_template
from chartimg.domain.chart.template import ChartTemplate
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.plan import PlanName

CATALOG = shipped_catalog()
LISTED = st.none() | st.lists(st.none() | st.just({"name": "Volume"}) | st.dictionaries(st.text(), st.integers()))
ENTRIES = st.lists(st.sampled_from(CATALOG.studies).map(lambda study: {"name": study.name}), max_size=55)


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
