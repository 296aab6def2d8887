"""How a finding reads."""

from __future__ import annotations

from chartimg.domain.finding import Finding, Severity


def test_a_finding_reads_like_a_linter_s() -> None:
    """Place, severity, text; without a place the text alone follows the severity."""
    assert "studies[0].name: WARNING: odd" == str(Finding("studies[0].name", Severity.WARNING, "odd"))
    assert "ERROR: odd" == str(Finding("", Severity.ERROR, "odd"))


def test_the_detail_has_the_provider_s_own_names() -> None:
    """Whoever reads the details of a 422 reads these, too; a suggestion is there when there is one."""
    detail = {"param": "width", "msg": "odd", "severity": "ERROR"}

    assert detail == Finding("width", Severity.ERROR, "odd").detail
    assert {**detail, "suggestion": "800"} == Finding("width", Severity.ERROR, "odd", "800").detail
