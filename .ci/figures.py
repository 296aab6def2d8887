"""Print how the code of each room measures, and fail where its words do not: ``python .ci/figures.py``.

The words are `which whose whatever nobody nothing none what`: a sentence that hangs on one of them does not name the
thing. Each room may have at most MAX_WORDS of them per 1,000 words of its docstrings. The value ``None`` and a member
``NONE`` are names, not words.
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

SRC: Final = Path(__file__).resolve().parents[1] / "src"
MAX_WORDS: Final = 10
MAX_LINES: Final = 300
_WORD: Final = re.compile(r"[A-Za-z']+")
_HANGING: Final = {"which", "whose", "whatever", "nobody", "nothing", "none", "what"}
_NAMES: Final = {"None", "NONE"}
_CODE: Final = re.compile(r"``.*?``|^ {4,}\S.*$|::.*", re.MULTILINE)
_HEADINGS: Final = ("room", "files", "lines", "longest", "fn med/p95/max", "docs %", "comments %", "noqa", "words/1000")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """One file, read once."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def lines(self) -> list[str]:
        """Its lines."""
        return self.text.splitlines()


def room(path: Path) -> str:
    """Return the room of a module: its folder, or the top of the package."""
    return "/".join(path.relative_to(SRC).parts[:-1]) or "chartimg"


def docstrings(module: Module) -> Iterator[str]:
    """List the docstrings of a module, those under attributes too, without the code in them."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield _CODE.sub("", node.value.value)


def words(modules: Iterable[Module]) -> tuple[int, int]:
    """Count the hanging words and all words of the docstrings."""
    found = [word for module in modules for text in docstrings(module) for word in _WORD.findall(text)]
    return sum(word.lower() in _HANGING and word not in _NAMES for word in found), len(found)


def row(name: str, modules: list[Module]) -> tuple[str, ...]:
    """Measure one room."""
    sizes = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, Function)
    ) or [0]
    lines = [line for module in modules for line in module.lines if line.strip()]
    documented = sum(len(text.splitlines()) for module in modules for text in docstrings(module))
    hanging, spoken = words(modules)
    return (
        name,
        str(len(modules)),
        str(sum(len(module.lines) for module in modules)),
        str(max(len(module.lines) for module in modules)),
        f"{statistics.median(sizes):g}/{sizes[int(0.95 * (len(sizes) - 1))]}/{sizes[-1]}",
        f"{100 * documented / len(lines):.0f}",
        f"{100 * sum(line.lstrip().startswith('#') for line in lines) / len(lines):.1f}",
        str(sum("noqa" in line for line in lines)),
        f"{1000 * hanging / max(spoken, 1):.1f}",
    )


def main() -> int:
    """Print the table; return 1 if a room's words hang too often, or a long module gives no reason for its length."""
    rooms: defaultdict[str, list[Module]] = defaultdict(list)
    for path in sorted(SRC.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        rooms[room(path)].append(Module(path, text, ast.parse(text)))
    everything = [module for modules in rooms.values() for module in modules]
    table = [_HEADINGS, *(row(name, modules) for name, modules in rooms.items()), row("all", everything)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
    wrong = [
        f"{cells[0]}: more than {MAX_WORDS} hanging words per 1,000"
        for cells in table[1:]
        if float(cells[-1]) > MAX_WORDS
    ]
    wrong += [
        f"{module.path.relative_to(SRC)}: {len(module.lines)} lines; split it, or say why in its docstring: 'One file because …'"
        for module in everything
        if len(module.lines) > MAX_LINES and "one file because" not in (ast.get_docstring(module.tree) or "").lower()
    ]
    print(*wrong, sep="\n", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
