"""Log lines that say the same again and again, as without a free file descriptor: one a minute is written."""

from __future__ import annotations

import logging
from typing import Final

__all__ = ["Repeated"]

_SECONDS: Final = 60.0
_MAX_TEXTS: Final = 1_000
_EVENT: Final = "chartimg"  # the attribute of records that are events of a client; each of those is written


class Repeated(logging.Filter):
    """Passes the first of equal lines, and one a minute of those that follow, with the number held back."""

    def __init__(self) -> None:
        super().__init__()
        self._texts: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether *record* is to be written."""
        if hasattr(record, _EVENT):
            return True
        first_line = str(record.msg).partition("\n")[0]
        text = record.name, first_line
        last, held_back = self._texts.get(text, (-_SECONDS, 0))
        if record.created - last < _SECONDS:
            self._texts[text] = last, held_back + 1
            return False
        if text not in self._texts and len(self._texts) >= _MAX_TEXTS:
            self._texts.clear()
        self._texts[text] = record.created, 0
        if held_back:
            record.msg = f"{record.msg} ({held_back:,} more like it since the last one)"
        return True
