"""Write the diagram of ``docs/accounts.md`` anew from the table of transitions: ``python docs/state_diagram.py``."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from chartimg.domain.account import TRANSITIONS, AccountState

PAGE = Path(__file__).with_name("accounts.md")
BEGIN, END = "<!-- made by docs/state_diagram.py -->\n", "<!-- end -->\n"


def diagram() -> str:
    """Draw every row of the table, those between the same two states on one arrow."""
    arrows: defaultdict[tuple[AccountState, AccountState], list[str]] = defaultdict(list)
    for (state, event), after in TRANSITIONS.items():
        arrows[state, after].append(event.lower().replace("_", " "))
    lines = [f"    {state} --> {after}: {', '.join(events)}" for (state, after), events in arrows.items()]
    return "\n".join(("```mermaid", "stateDiagram-v2", f"    [*] --> {AccountState.AVAILABLE}", *lines, "```", ""))


def page(text: str) -> str:
    """Give the page with the diagram as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{diagram()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
