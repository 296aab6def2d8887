"""Where the tests find what they look at."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SRC: Final = ROOT / "src"
DOCS: Final = ROOT / "docs"
FIXTURES: Final = ROOT / "fixtures/chart-api/chart-img/advanced-chart-v2"
