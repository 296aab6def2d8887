"""Check the types of each Python sample of the documentation, and of each program of docs/examples, as hosts do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = re.compile(r"(<!-- pytest -->\n)?^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks/yield.md"]


def check(checker: str, *options: str) -> bool:
    """Run a type checker, and return whether it is content."""
    return subprocess.run([sys.executable, "-m", checker, *options], cwd=ROOT, check=False).returncode == 0


def main() -> int:
    """Write every sample into a folder of its own, and check them all with mypy in strict mode and with pyright."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for program in (ROOT / "docs/examples").glob("*.py"):
            shutil.copy(program, folder)
        for page in PAGES:
            for number, found in enumerate(SAMPLE.finditer(page.read_text(encoding="utf-8")), start=1):
                if not found[1]:  # a sample for pytest has fixtures without types
                    (folder / f"{page.stem.lower()}_{number}.py").write_text(found[2], encoding="utf-8")
        settings = {"extraPaths": [str(ROOT / "typings")]}
        (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
        is_strict = check("mypy", "--strict", scratch)
        return not (check("pyright", "--pythonpath", sys.executable, "--project", scratch) and is_strict)


if __name__ == "__main__":
    sys.exit(main())
