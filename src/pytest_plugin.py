"""For hosts' tests: ``pytest_plugins = ["chartimg.pytest_plugin"]`` in a ``conftest.py`` gives the fixtures below."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .testing import Emulator, emulator

__all__ = ["chartimg_emulator"]


@pytest.fixture
def chartimg_emulator() -> Iterator[Emulator]:
    """A CHART-IMG of the test's own, with the account ``demo`` and a free port (see :func:`chartimg.testing.emulator`)."""
    with emulator() as running:
        yield running
