"""Print the lowest declared version of each run-time dependency, extras included, as pip constraints."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]

for requirements in (
    PROJECT["dependencies"],
    *(each for extra, each in PROJECT["optional-dependencies"].items() if extra not in {"dev", "docs"}),
):
    for requirement in requirements:
        print(re.sub(r"\[.*?\]", "", requirement).replace(">=", "=="))  # a constraint takes no extras
