"""The units that one session may spend, read from ``CHARTS_MCP_BUDGET``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from ...domain.errors import ConfigError

__all__ = ["BUDGET", "read_budget"]

BUDGET: Final = "CHARTS_MCP_BUDGET"
_MAX_DIGITS: Final = 9


def read_budget(environ: Mapping[str, str] | None = None) -> int | None:
    """Read the budget; None, if the variable is not set, for all units that the accounts have.

    Raises:
        ConfigError: it is not a whole number.
    """
    text = (os.environ if environ is None else environ).get(BUDGET, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        raise ConfigError(f"{BUDGET} must be a whole number of units for one session, not {text!r:.60}")
    return int(text)
