"""The chart templates that are there as soon as chartimg is installed, one JSON file each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["SHIPPED"]

SHIPPED: Final = Path(__file__).parent
"""Their folder."""
