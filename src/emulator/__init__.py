"""The provider's side of the wire: a server on loopback that answers as CHART-IMG does (extra ``emulator``).

- ``accounts``: the keys it knows; ``quota``: how often each may call, and the tallies of its calls.
- ``rules``: a body is accepted or refused; ``scenario``: faults and delays by script.
- ``provider``: the answer to a request, without sockets; ``server``: HTTP; ``running``: the thread, and its handle.
- ``drawing``: the pictures.

It reads the client's catalog and plans and decides with code of its own, so that each side can test the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .accounts import EmulatedAccount
from .provider import Provider
from .quota import Tallies
from .scenario import Fault, Rule, Scenario

if TYPE_CHECKING:
    from .running import Emulator

__all__ = ["EmulatedAccount", "Emulator", "Fault", "Provider", "Rule", "Scenario", "Tallies"]


def __getattr__(name: str) -> object:
    """Import the server on first use; the other names need no extra."""
    if name != "Emulator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .running import Emulator

    return Emulator
