"""The outcome of one exchange with the provider, or with the fixtures: a reply or a failure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

import attrs

from ..argument import require, typed
from ..faults import FaultKind
from ..finding import Finding
from .png import Picture, inspect

if TYPE_CHECKING:
    from pathlib import Path
else:
    Path = object  # the domain knows no files, so any value is taken

__all__ = ["OK", "Reply", "TransportFailure"]

OK: Final = 200
"""The status of a reply with a picture."""


def _lower_case(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return header names in lower case; HTTP ignores case (RFC 9110, section 5.1)."""
    if not isinstance(headers, Mapping):
        return headers  # type: ignore[unreachable]  # by a host without a type checker; refused then
    parts = (*headers, *headers.values())
    if {*map(type, parts)} - {str}:
        for part in parts:
            require("a name or value of headers", part, str)
    return {name.lower(): value for name, value in headers.items()}


@attrs.frozen(field_transformer=typed)
class Reply:
    """A whole HTTP reply, or the fixture of one.

    Attributes:
        status: the HTTP status.
        headers: by name; names become lower case.
        body: the whole body as bytes.
        fixture_path: the file the reply was read from; None for a reply from the network.
        warnings: remarks of the transport: the fixture is stale, or could not be recorded.
        taken_at: the moment (UTC) when it was recorded, if the fixture tells.
        with_session: the request carried a TradingView session, so a refusal may be the session's.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict, converter=_lower_case, repr=False)
    body: bytes = attrs.field(default=b"", repr=lambda body: f"<{len(body)} bytes>")
    fixture_path: Path | None = None
    warnings: tuple[Finding, ...] = ()
    taken_at: datetime | None = None
    with_session: bool = attrs.field(default=False, repr=False)

    @cached_property
    def picture(self) -> Picture | str:
        """The picture in the body, or the reason why the body is not a whole PNG. The body is inspected once."""
        return inspect(self.body)


@attrs.frozen(field_transformer=typed)
class TransportFailure:
    """No reply: *kind* is NOT_SENT, NETWORK, UNEXPECTED_REPLY, INVALID_REQUEST, BAD_IMAGE or FIXTURE_MISSING.

    Attributes:
        kind: NOT_SENT only if the request can't have reached the provider.
        message: one line for a person, never a key.
        details: the same for a program.
        fixture_path: the file concerned, if there is one.
    """

    kind: FaultKind
    message: str
    details: tuple[Mapping[str, object], ...] = ()
    fixture_path: Path | None = None
