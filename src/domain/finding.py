"""A remark on a chart request or its picture, with its place."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import attrs

from .argument import typed

__all__ = ["Finding", "Severity"]


class Severity(StrEnum):
    """How sure a finding is to cost a call."""

    ERROR = "ERROR"
    """The provider will refuse the request, and charge for it."""
    WARNING = "WARNING"
    """It may be wrong."""


@attrs.frozen(field_transformer=typed)
class Finding:
    """A likely mistake, its place, and its correction.

    Attributes:
        path: the place in the body, ``studies[1].input.length``; empty for the whole.
        severity: ERROR or WARNING.
        message: one line: the mistake, and its correction.
        suggestion: the text to write instead, if one is likely.
    """

    path: str
    severity: Severity
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.severity}: {self.message}" if self.path else f"{self.severity}: {self.message}"

    @property
    def text(self) -> str:
        """The message after its place."""
        return f"{self.path}: {self.message}" if self.path else self.message

    @property
    def detail(self) -> Mapping[str, object]:
        """The finding as one of ``ChartApiError.details``, in the provider's own form, with ``param`` and ``msg``."""
        detail = {"param": self.path, "msg": self.message, "severity": self.severity.value}
        return detail if self.suggestion is None else {**detail, "suggestion": self.suggestion}
