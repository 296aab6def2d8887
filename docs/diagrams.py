"""Draw the diagrams of the pages anew, each from the table it shows: ``python docs/diagrams.py``.

``docs/accounts.md`` shows the states of an account, ``docs/design.md`` the layers that import-linter holds.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from chartimg.domain.account import TRANSITIONS, AccountState

HERE: Final = Path(__file__).parent
BEGIN, END = "<!-- made by docs/diagrams.py -->\n", "<!-- end -->\n"


def states() -> str:
    """Draw every row of the table of transitions; rows between the same two states share an arrow."""
    arrows: defaultdict[tuple[AccountState, AccountState], list[str]] = defaultdict(list)
    for (state, event), after in TRANSITIONS.items():
        arrows[state, after].append(event.lower().replace("_", " "))
    lines = [f"    {state} --> {after}: {', '.join(events)}" for (state, after), events in arrows.items()]
    return "\n".join(("```mermaid", "stateDiagram-v2", f"    [*] --> {AccountState.AVAILABLE}", *lines, "```", ""))


def layers() -> str:
    """Draw each contract of layers as a column; a layer may import those below it."""
    contracts = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    columns = [each for each in contracts["contracts"] if each["type"] == "layers"]
    lines = [line for number, contract in enumerate(columns) for line in _column(number, contract)]
    return "\n".join(("```mermaid", "flowchart LR", *lines, "```", ""))


def _column(number: int, contract: Mapping[str, object]) -> Iterator[str]:
    """Draw one contract from its highest layer to its lowest."""
    rows = contract["layers"]
    assert isinstance(rows, list)
    yield f'    subgraph c{number}["{contract["name"]}"]'
    yield "        direction TB"
    for place, row in enumerate(rows):
        yield f'        c{number}l{place}["{row}"]'
    yield f"        {' --> '.join(f'c{number}l{place}' for place in range(len(rows)))}"
    yield "    end"


DIAGRAMS: Final[Mapping[str, Callable[[], str]]] = {"accounts.md": states, "design.md": layers}


def page(text: str, diagram: str) -> str:
    """Return the page with *diagram* in its place."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{diagram}{END}{after}"


if __name__ == "__main__":
    for name, draw in DIAGRAMS.items():
        file = HERE / name
        file.write_text(page(file.read_text(encoding="utf-8"), draw()), encoding="utf-8")
