"""Something to tell about a chart request or its picture, with its place."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import attrs

__all__ = ["Finding", "Severity"]


class Severity(StrEnum):
    """How sure a finding is to cost a call."""

    ERROR = "ERROR"
    """The provider will refuse the request, and charge for it."""
    WARNING = "WARNING"
    """It may be wrong."""


@attrs.frozen
class Finding:
    """What is wrong, where, and what would be right.

    Attributes:
        path: the place in the body, ``studies[1].input.length``; empty for the whole.
        severity: ERROR or WARNING.
        message: what is wrong, and what would be right, in one line.
        suggestion: what to write instead, where one thing comes to mind.
    """

    path: str
    severity: Severity
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.severity}: {self.message}" if self.path else f"{self.severity}: {self.message}"

    @property
    def detail(self) -> Mapping[str, object]:
        """Give it in the form of ``ChartApiError.details``, the provider's own: ``param`` and ``msg``."""
        detail = {"param": self.path, "msg": self.message, "severity": self.severity.value}
        return detail if self.suggestion is None else {**detail, "suggestion": self.suggestion}
