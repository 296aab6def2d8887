"""All that one exchange with the provider, or with the fixtures, can yield."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from ..faults import FaultKind

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Reply", "TransportFailure"]


_OK: Final = 200
_PNG: Final = b"\x89PNG\r\n\x1a\n"


class _LowerCase(Mapping[str, str]):
    """Headers named in one way, since HTTP tells none from the other (RFC 9110, section 5.1).

    They are renamed when they are first read: most replies are pictures, whose headers nobody reads.
    """

    __slots__ = ("_given", "_named")

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._given = dict(headers) if isinstance(headers, dict) else headers  # a dictionary may be the host's own
        self._named: dict[str, str] | None = None

    def _names(self) -> dict[str, str]:
        if self._named is None:
            self._named = {name.lower(): value for name, value in self._given.items()}
        return self._named

    def __getitem__(self, name: str) -> str:
        return self._names()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())


@attrs.frozen
class Reply:
    """A whole HTTP reply, or the fixture of one.

    Attributes:
        status: the HTTP status.
        headers: the headers; their names become lower case.
        body: the whole body as bytes.
        fixture_path: the file the reply was read from, or None when it came over the network.
        picture_verified: the transport has seen these very bytes pass :func:`chartimg.domain.reply.png.inspect`.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict, converter=_LowerCase, repr=False)
    body: bytes = attrs.field(default=b"", repr=lambda body: f"<{len(body)} bytes>")
    fixture_path: Path | None = None
    picture_verified: bool = attrs.field(default=False, repr=False)

    @property
    def begins_a_picture(self) -> bool:
        """Whether this is what a picture comes as: HTTP 200, and a body that begins like a PNG."""
        return self.status == _OK and self.body.startswith(_PNG)


@attrs.frozen
class TransportFailure:
    """No reply: *kind* is NOT_SENT, NETWORK, UNEXPECTED_REPLY, INVALID_REQUEST, BAD_IMAGE or FIXTURE_MISSING.

    Attributes:
        kind: what happened; NOT_SENT only when the request can't have reached the provider.
        message: one line for a person, never a key.
        details: more of the same for a program.
        fixture_path: the file concerned, if it is one.
    """

    kind: FaultKind
    message: str
    details: tuple[Mapping[str, object], ...] = ()
    fixture_path: Path | None = None
