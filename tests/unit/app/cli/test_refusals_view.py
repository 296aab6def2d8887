"""How the final refusals of the provider look."""

from __future__ import annotations

import pytest

from chartimg.app.cli.refusals_view import show_refusals
from chartimg.domain.refusal import Refusal
from samples import NOON

KNOWN = Refusal("NYSE:AAPL", "1h", "t", 422, "HTTP 422: Invalid Symbol", ("symbol", "x"), NOON, "0123456789abcdef")
BY_HAND = Refusal(None, None, None, None, "bad\n\x1b[31m", fixture="a__422.json")


def test_each_refusal_is_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """A row has the moment, the chart, the status, the place, the message, and the beginning of the digest."""
    show_refusals([KNOWN, BY_HAND])
    title, headings, _, *rows = capsys.readouterr().out.splitlines()

    assert ("2 final refusals", ["when", "chart", "status", "place", "message", "body"]) == (title, headings.split())
    assert "2026-01-05 12:00 NYSE:AAPL 1h t 422 symbol, x HTTP 422: Invalid Symbol 0123456789ab" == " ".join(
        rows[0].split()
    )
    assert ["a__422.json", r"bad\n\x1b[31m"] == rows[1].split()


@pytest.mark.usefixtures("terminal")
def test_a_narrow_terminal_has_no_room_for_digests(capsys: pytest.CaptureFixture[str]) -> None:
    """The digest is left out before the message gets several lines."""
    show_refusals([KNOWN])

    assert "body" not in capsys.readouterr().out.splitlines()[1]


def test_no_refusal_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A person learns that nothing is known."""
    show_refusals([])

    assert "no refusal is known\n" == capsys.readouterr().out
