"""The modes of a client: the source of its charts, and the consequence of its check."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from ..domain.argument import text_of
from ..domain.check.suggestion import hint, likely_name
from ..domain.errors import ConfigError

__all__ = ["ApiMode", "CheckMode", "mode_named"]

M = TypeVar("M", bound=StrEnum)


class ApiMode(StrEnum):
    """The source of charts (``CHARTS_API_MODE``)."""

    REAL = "real"
    """The provider."""
    MOCK = "mock"
    """The fixtures; no call is made."""
    RECORD = "record"
    """The fixtures, then the provider; new replies become fixtures."""


class CheckMode(StrEnum):
    """The consequence of an ERROR that the check finds in a request (``CHARTS_CHECK``)."""

    ERROR = "error"
    """The request fails, and no call is made."""
    WARN = "warn"
    """The call is made, and the findings become warnings of the result."""
    OFF = "off"
    """Requests are not checked."""


def mode_named(kind: type[M], name: str, *, where: str) -> M:
    """Return the mode with the value *name*; *where* is the argument or variable that holds it.

    Raises:
        ConfigError: no mode has that value.
    """
    try:
        return kind(name)
    except ValueError:
        meant = likely_name(name, kind) if isinstance(name, str) else None
        message = f"{where} must be one of {', '.join(kind)}, not {text_of(name)}"
        raise ConfigError(f"{message}; {hint(meant, '')}" if meant else message) from None
