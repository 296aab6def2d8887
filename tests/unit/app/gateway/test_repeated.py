"""Equal log lines are bounded, and none is lost from the count."""

from __future__ import annotations

import logging

from chartimg.app.gateway.repeated import Repeated


def written(repeated: Repeated, name: str, text: str, at: float) -> str | None:
    """Return the text that is written of a line at a moment, None if it is held back."""
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, text, None, None)
    record.created = at
    return record.getMessage() if repeated.filter(record) else None


def test_one_of_equal_lines_is_written_a_minute() -> None:
    """Of many equal lines the first is written, and a minute later one with the number of those held back."""
    repeated = Repeated()
    lines = [written(repeated, "asyncio", "out of system resource\nsocket: 6", at / 10) for at in range(601)]

    assert "out of system resource\nsocket: 6" == lines[0]
    assert [None] * 599 == lines[1:600]
    assert "out of system resource\nsocket: 6 (599 more like it since the last one)" == lines[600]


def test_other_lines_and_events_are_written() -> None:
    """Lines with another beginning or of another logger, and each event of a client, are written."""
    repeated = Repeated()
    event = logging.makeLogRecord({"name": "chartimg", "msg": "a", "chartimg": {"event": "a"}})

    assert ["a", "b"] == [written(repeated, "asyncio", text, 0.0) for text in ("a", "b")]
    assert ["a", None] == [written(repeated, "chartimg", "a", 0.0) for _ in range(2)]
    assert [True, True] == [repeated.filter(event) for _ in range(2)]


def test_the_texts_that_are_remembered_are_bounded() -> None:
    """Ever other lines are all written, and the oldest are forgotten."""
    repeated = Repeated()
    lines = [written(repeated, "asyncio", str(number), 0.0) for number in range(2_500)]

    assert [str(number) for number in range(2_500)] == lines
    assert "0" == written(repeated, "asyncio", "0", 1.0)
