"""What the tests of the views share."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Make standard output and error, as *capsys* has replaced them, a terminal of 80 columns."""
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    for name, value in (("COLUMNS", "80"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
