"""What the documentation shows is true: its examples run, its links lead somewhere, its tables are complete."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chartimg.adapters.logs import LOG_NAMES
from chartimg.emulator.scenario import Fault, read_scenario
from places import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def examples() -> Iterator[object]:
    """Find every Python example."""
    for page in PAGES:
        blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        for number, block in enumerate(blocks, start=1):
            yield pytest.param(block, id=f"{page.name} {number}")


@pytest.mark.parametrize("example", list(examples()))
def test_every_example_runs(example: str, tmp_path: Path) -> None:
    """Each Python block of the documentation runs by itself, in mock mode on the shipped fixtures, without a warning."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "CHARTS_API_MODE": "mock",
        "CHARTS_FIXTURES_DIR": str(ROOT / "fixtures/chart-api/chart-img/advanced-chart-v2"),
    }
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    command = [sys.executable, "-W", "error", "-c", example]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("name", "arrow"),
    [("accounts.md", "    AVAILABLE --> THROTTLED: throttle\n"), ("design.md", "        direction TB\n")],
)
def test_every_diagram_is_that_of_its_table(name: str, arrow: str, tmp_path: Path) -> None:
    """The script that draws a page's diagram changes nothing on it, and restores a line that is missing."""
    docs = tmp_path / "docs"
    shutil.copytree(ROOT / "docs", docs)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    text = (docs / name).read_text(encoding="utf-8")
    assert arrow in text
    for stale in (text, text.replace(arrow, "", 1)):
        (docs / name).write_text(stale, encoding="utf-8")
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, docs / "diagrams.py"], env=environ, check=True)

        assert text == (docs / name).read_text(encoding="utf-8")


def test_the_scenario_of_the_documentation_can_be_played() -> None:
    """It is read as the command reads one, and every fault there is has its name on the page."""
    text = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```json\n(.*?)^```", text, re.DOTALL | re.MULTILINE)

    assert 3 == len(read_scenario(example, where="the page").rules)
    assert [] == [fault for fault in Fault if f"`{fault}`" not in text]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    """Each relative link and picture of a page exists."""
    text = page.read_text(encoding="utf-8")
    targets = [*re.findall(r"\]\((?!https?://|#)([^)#]+)", text), *re.findall(r'(?:src|srcset)="([^"]+)"', text)]

    assert [] == [target for target in targets if not (page.parent / target).exists()]


def test_every_log_event_is_documented() -> None:
    """The table of docs/logs.md has a row, with its level, for each event."""
    levels = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR"}
    text = (ROOT / "docs/logs.md").read_text(encoding="utf-8")

    assert [] == [name for name, level in LOG_NAMES.values() if f"| `{name}` | {levels[level]} |" not in text]


def test_every_file_of_the_questions_exists() -> None:
    """The table of questions in CONTRIBUTING.md and that of the emulator in docs/design.md name existing files."""
    asked = re.findall(
        r"^\|[^|]+\| `([\w/]+(?:\.py|/))`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    design = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    emulated = re.findall(r"^\|[^|]+\| `(\w+(?:\.py|/))` \|$", design, re.MULTILINE)

    assert len(asked) >= 30
    assert [] == [file for file in asked if not (ROOT / "src" / file).exists()]
    assert len(emulated) >= 8
    assert [] == [file for file in emulated if not (ROOT / "src/emulator" / file).exists()]
