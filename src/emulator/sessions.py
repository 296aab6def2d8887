"""TradingView sessions on the provider's side: known, unknown, disconnected; and the private layouts that each may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum, auto
from typing import Final

import attrs

from ..codec import load
from ..domain.argument import typed
from ..domain.errors import ConfigError

__all__ = ["DEMO_SESSION", "ID_HEADER", "SIGN_HEADER", "Access", "EmulatedSession", "Sessions", "read_sessions"]

ID_HEADER: Final = "tradingview-session-id"
SIGN_HEADER: Final = "tradingview-session-id-sign"


@attrs.frozen(field_transformer=typed)
class EmulatedSession:
    """A session of a TradingView account.

    Attributes:
        session_id: the cookie ``sessionid``; never shown.
        session_id_sign: the cookie ``sessionid_sign``; never shown.
        connected: whether it is still signed in.
        layouts: ids of private layouts, which no other session may see.

    Raises:
        ConfigError: a value is of a wrong type.
    """

    session_id: str = attrs.field(repr=False)
    session_id_sign: str = attrs.field(repr=False)
    connected: bool = True
    layouts: tuple[str, ...] = ()


DEMO_SESSION: Final = EmulatedSession("demo-session", "demo-sign", layouts=("private",))
"""The default session. It is not a secret; its layout ``private`` is not shared."""


class Access(StrEnum):
    """The decision about the session of a request, and the layout that it asks for."""

    ALLOWED = auto()
    UNKNOWN_SESSION = auto()
    DISCONNECTED = auto()
    PRIVATE_LAYOUT = auto()


class Sessions:
    """The known sessions."""

    def __init__(self, known: Sequence[EmulatedSession] = ()) -> None:
        self._known = {(each.session_id, each.session_id_sign): each for each in known}
        self._private = {layout for each in known for layout in each.layouts}
        if len(self._known) < len(known):
            raise ConfigError("two of the emulator's sessions are the same; each needs its own id")

    def access(self, headers: Mapping[str, str], layout: str) -> Access:
        """Return the decision about a request with *headers*; *layout* is empty for a chart.

        A request needs both headers or none. Without them, each layout but a private one is shared.
        """
        session: EmulatedSession | None = None
        if ID_HEADER in headers or SIGN_HEADER in headers:
            session = self._known.get((headers.get(ID_HEADER, ""), headers.get(SIGN_HEADER, "")))
            if session is None:
                return Access.UNKNOWN_SESSION
            if not session.connected:
                return Access.DISCONNECTED
        if layout in self._private and (session is None or layout not in session.layouts):
            return Access.PRIVATE_LAYOUT
        return Access.ALLOWED


def read_sessions(text: str, *, where: str) -> tuple[EmulatedSession, ...]:
    """Return the sessions of a JSON text, ``[{"sessionId": …, "sessionIdSign": …, "layouts": […]}]``.

    Raises:
        ConfigError: one line for each mistake, never a session.
    """
    return load(text, tuple[EmulatedSession, ...], where=where)
