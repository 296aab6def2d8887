"""Draw the diagrams of the pages anew, each from the table it shows: ``python docs/diagrams.py``.

``docs/accounts.md`` shows the states of an account. ``docs/design.md`` shows the layers that import-linter holds, the actions of a
fetch, and the states of the service.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from chartimg.domain.account import TRANSITIONS, AccountState
from chartimg.domain.fetch import TRANSITIONS as FETCH
from chartimg.domain.outage import TRANSITIONS as OUTAGE
from chartimg.domain.outage import Service

HERE: Final = Path(__file__).parent
BEGIN, END = "<!-- made by docs/diagrams.py -->\n", "<!-- end -->\n"


def states() -> str:
    """Draw the states of an account."""
    return _machine(
        AccountState.AVAILABLE, ((*row, after) for row, after in TRANSITIONS.items())
    )


def outage() -> str:
    """Draw the states of the service."""
    return _machine(Service.UP, ((*row, after) for row, after in OUTAGE.items()))


def fetch() -> str:
    """Draw the actions of a fetch, and the feedback that leads from one to the next."""
    rows = (
        (action.__name__, _words(feedback), after)
        for (action, feedback), row in FETCH.items()
        for after in row
    )
    return _machine(
        "TakeClaim", ((action, words, after.__name__) for action, words, after in rows)
    )


def _words(kind: type) -> str:
    """Return the words of a name: ``NONE_LEFT`` of ``NoneLeft``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__)


def _machine(first: str, rows: Iterable[tuple[str, str, str]]) -> str:
    """Draw every row of a table of transitions, from a state by an event to a state; rows between the same two states share an arrow."""
    arrows: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for state, event, after in rows:
        arrows[state, after].append(event.lower().replace("_", " "))
    lines = [
        f"    {state} --> {after}: {', '.join(events)}"
        for (state, after), events in arrows.items()
    ]
    return "\n".join(
        ("```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *lines, "```", "")
    )


def layers() -> str:
    """Draw each contract of layers as a column; a layer may import those below it."""
    contracts = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))[
        "tool"
    ]["importlinter"]
    columns = [each for each in contracts["contracts"] if each["type"] == "layers"]
    lines = [
        line for number, contract in enumerate(columns) for line in _column(number, contract)
    ]
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


DIAGRAMS: Final[Mapping[str, Sequence[Callable[[], str]]]] = {
    "accounts.md": (states,),
    "design.md": (layers, fetch, outage),
}


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
        file.write_text(
            page(file.read_text(encoding="utf-8"), [draw() for draw in draws]),
            encoding="utf-8",
        )
