"""A pytest plugin: ``pytest_plugins = ["chartimg.pytest_plugin"]`` in a ``conftest.py`` brings ``chartimg_emulator``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .testing import Emulator, emulator

__all__ = ["chartimg_emulator"]


@pytest.fixture
def chartimg_emulator() -> Iterator[Emulator]:
    """Run an emulator with the account ``demo`` on a free port (see :func:`chartimg.testing.emulator`)."""
    with emulator() as running:
        yield running
