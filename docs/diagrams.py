"""Draw the diagrams of the pages anew, each from the table it shows: ``python docs/diagrams.py``.

``docs/accounts.md`` shows the states of an account. ``docs/design.md`` shows the layers that import-linter holds, and the states of
the service.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from chartimg.domain.account import TRANSITIONS, AccountState
from chartimg.domain.outage import TRANSITIONS as OUTAGE
from chartimg.domain.outage import Service

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)

HERE: Final = Path(__file__).parent
BEGIN, END = "<!-- made by docs/diagrams.py -->\n", "<!-- end -->\n"


def states() -> str:
    """Draw the states of an account."""
    return _states(AccountState.AVAILABLE, TRANSITIONS)


def outage() -> str:
    """Draw the states of the service."""
    return _states(Service.UP, OUTAGE)


def _states(first: StrEnum, table: Mapping[tuple[S, E], S]) -> str:
    """Draw every row of a table of transitions; rows between the same two states share an arrow."""
    arrows: defaultdict[tuple[StrEnum, StrEnum], list[str]] = defaultdict(list)
    for (state, event), after in table.items():
        arrows[state, after].append(event.lower().replace("_", " "))
    lines = [f"    {state} --> {after}: {', '.join(events)}" for (state, after), events in arrows.items()]
    return "\n".join(("```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *lines, "```", ""))


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


DIAGRAMS: Final[Mapping[str, Sequence[Callable[[], str]]]] = {"accounts.md": (states,), "design.md": (layers, outage)}


def page(text: str, diagrams: Sequence[str]) -> str:
    """Return the page with each of *diagrams* in its place, in order."""
    before, found, rest = text.partition(BEGIN)
    if not (found and diagrams):
        return text
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{diagrams[0]}{END}{page(after, diagrams[1:])}"


if __name__ == "__main__":
    for name, draws in DIAGRAMS.items():
        file = HERE / name
        file.write_text(page(file.read_text(encoding="utf-8"), [draw() for draw in draws]), encoding="utf-8")
