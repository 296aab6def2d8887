"""How a list of templates looks."""

from __future__ import annotations

import re

import attrs
import pytest

from chartimg.app.cli.template_summary import TemplateSummary
from chartimg.app.cli.templates_view import show_templates
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.plan import PlanName
from command import lines

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
