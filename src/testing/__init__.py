"""Tools for the tests of an application: a clock, a transport, a listener, a picture and a whole emulated provider.

    clock = VirtualClock()
    transport = ScriptedTransport([Reply(503), Reply(200, body=picture())], clock=clock, duration=2.0)
    result = fetch_with_retries(transport=transport, request=request, accounts=[account], clock=clock)

    assert result.ok
    assert len(transport.calls) == 2

None of these waits, listens on a port or touches a file. For real HTTP there is an emulator (extra ``emulator``):

    with emulator() as provider, provider.client() as client:
        result = client.fetch(request)

    assert provider.ledger().accounts["demo"].total.charged == 1

``pytest_plugins = ["chartimg.pytest_plugin"]`` brings fixtures of pytest: ``chartimg_script``, ``chartimg_emulator``, ``chartimg_keys``.

:class:`AccountStoreContract` tests an account store of your own, and :class:`PictureCacheContract` a cache of pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.reply import Reply, TransportFailure
from .clock import VirtualClock
from .emulation import emulator
from .event_log import EventLog
from .png import picture
from .transport import Answer, Call, Outcome, ScriptedTransport

if TYPE_CHECKING:
    from ..emulator.accounts import EmulatedAccount
    from ..emulator.scenario import Fault, Rule
    from ..emulator.sessions import EmulatedSession
    from .account_store import AccountStoreContract
    from .emulated import Emulator
    from .picture_cache import PictureCacheContract

__all__ = [
    "AccountStoreContract",
    "Answer",
    "Call",
    "EmulatedAccount",
    "EmulatedSession",
    "Emulator",
    "EventLog",
    "Fault",
    "Outcome",
    "PictureCacheContract",
    "Reply",
    "Rule",
    "ScriptedTransport",
    "TransportFailure",
    "VirtualClock",
    "emulator",
    "picture",
]

_LATER = {
    "AccountStoreContract": ".account_store",
    "EmulatedAccount": "..emulator.accounts",
    "EmulatedSession": "..emulator.sessions",
    "Emulator": ".emulated",
    "Fault": "..emulator.scenario",
    "PictureCacheContract": ".picture_cache",
    "Rule": "..emulator.scenario",
}


def __getattr__(name: str) -> object:
    """Import names of the emulator and the contract suite on first use; the other names need no extra."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_LATER[name], __package__), name)
    return value


def __dir__() -> list[str]:
    """List all names, imported yet or not."""
    return sorted({*globals(), *_LATER})
