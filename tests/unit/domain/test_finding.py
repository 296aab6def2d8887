"""How a finding reads."""

from __future__ import annotations

from chartimg.domain.finding import Finding, Severity


def test_a_finding_reads_like_a_linter_s() -> None:
    """A finding reads as place, severity and message; without a place it begins with the severity."""
    placed, whole = Finding("studies[0].name", Severity.WARNING, "odd"), Finding("", Severity.ERROR, "odd")

    assert ("studies[0].name: WARNING: odd", "studies[0].name: odd") == (str(placed), placed.text)
    assert ("ERROR: odd", "odd") == (str(whole), whole.text)


def test_the_detail_has_the_provider_s_own_names() -> None:
    """The detail of a finding has the names of a detail of a 422, and a suggestion only if there is one."""
    detail = {"param": "width", "msg": "odd", "severity": "ERROR"}

    assert detail == Finding("width", Severity.ERROR, "odd").detail
    assert {**detail, "suggestion": "800"} == Finding("width", Severity.ERROR, "odd", "800").detail
