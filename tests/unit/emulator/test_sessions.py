"""TradingView sessions on the provider's side."""

from __future__ import annotations

import pytest

from chartimg import ConfigError
from chartimg.emulator.sessions import ID_HEADER, SIGN_HEADER, Access, EmulatedSession, Sessions, read_sessions
from rows import for_each

KNOWN = EmulatedSession("id-1", "sign-1", layouts=("mine",))
GONE = EmulatedSession("id-2", "sign-2", connected=False, layouts=("theirs",))
SESSIONS = Sessions((KNOWN, GONE))


@for_each(
    ("pair", "layout", "access"),
    [
        (None, "", Access.ALLOWED),
        (None, "shared", Access.ALLOWED),
        (None, "mine", Access.PRIVATE_LAYOUT),
        (("id-1", "sign-1"), "", Access.ALLOWED),
        (("id-1", "sign-1"), "mine", Access.ALLOWED),
        (("id-1", "sign-1"), "shared", Access.ALLOWED),
        (("id-1", "sign-1"), "theirs", Access.PRIVATE_LAYOUT),
        (("id-2", "sign-2"), "", Access.DISCONNECTED),
        (("id-2", "sign-2"), "theirs", Access.DISCONNECTED),
        (("id-1", "sign-2"), "", Access.UNKNOWN_SESSION),
        (("id-1", None), "", Access.UNKNOWN_SESSION),
        ((None, "sign-1"), "", Access.UNKNOWN_SESSION),
    ],
)
def test_a_session_decides(pair: tuple[str | None, str | None] | None, layout: str, access: Access) -> None:
    """Both headers belong to a connected session, and a private layout belongs to its own session."""
    names = zip((ID_HEADER, SIGN_HEADER), pair or (None, None), strict=True)

    assert access is SESSIONS.access({name: value for name, value in names if value is not None}, layout)


def test_sessions_are_read_and_never_shown() -> None:
    """Sessions come from JSON; their representation and their errors have no secret."""
    text = '[{"sessionId": "canary-1", "sessionIdSign": "canary-2", "connected": false, "layouts": ["a"]}]'
    read = read_sessions(text, where="here")

    assert (EmulatedSession("canary-1", "canary-2", connected=False, layouts=("a",)),) == read
    assert "canary" not in repr(read)
    with pytest.raises(ConfigError) as caught:
        read_sessions(text.replace("false", "5"), where="here")
    assert "canary" not in str(caught.value)
    with pytest.raises(ConfigError, match="each needs its own id"):
        Sessions((KNOWN, KNOWN))
