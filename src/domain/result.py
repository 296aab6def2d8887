"""The result of a chart request."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Literal, NoReturn, Self, TypeAlias

import attrs

from .chart.endpoint import Answer
from .errors import ChartUnavailable
from .faults import ChartApiError, FaultKind
from .finding import Finding
from .reply import Reply, TransportFailure

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Attempt",
    "ChartApiFailure",
    "ChartApiResult",
    "ChartApiSuccess",
    "Circumstances",
    "FetchResult",
    "JsonSuccess",
    "Source",
    "Success",
    "pictured",
    "refused",
    "result_of",
]


@attrs.frozen
class Attempt:
    """One call that was made.

    Attributes:
        account_id: the account that paid for it.
        started_at: the moment it was sent (UTC).
        duration: seconds until its outcome was known.
        http_status: the status of its reply; None without a reply.
        kind: the kind of its error; None if it returned the picture.
    """

    account_id: str
    started_at: datetime
    duration: float
    http_status: int | None
    kind: FaultKind | None


class Source(StrEnum):
    """Where the answer to a request came from."""

    HTTP = "HTTP"
    FIXTURE = "FIXTURE"
    CACHE = "CACHE"
    SHARED = "SHARED"


@attrs.frozen(kw_only=True)
class Circumstances:
    """The circumstances of a result.

    Attributes:
        http_status: the status of the last reply, also of a replayed one; None without a reply.
        source: where the answer came from: a call (HTTP), a recorded file (FIXTURE), a picture that was kept (CACHE), or
            another fetch of the same chart at the same moment (SHARED). None if nothing answered.
        fixture_path: the file of a replayed answer; if it is missing, the path of its place.
        account_id: the account of the last call; None without a call.
        attempts: every call that was made for this request, in order.
        taken_at: the moment (UTC) when the picture was taken; None without a picture, or if its file does not say.
        warnings: findings about the request, the picture or its fixture that did not stop it.
        fetch_id: the name of this fetch in events and logs; equal results may have different names.
    """

    http_status: int | None = None
    source: Source | None = None
    fixture_path: Path | None = None
    account_id: str | None = None
    attempts: tuple[Attempt, ...] = ()
    taken_at: datetime | None = None
    warnings: tuple[Finding, ...] = ()
    fetch_id: str = attrs.field(default="", eq=False)

    def with_warnings(self, warnings: Sequence[Finding]) -> Self:
        """Return the result with further *warnings* before its own. One that it has already is not added."""
        new = tuple(each for each in warnings if each not in self.warnings)
        return attrs.evolve(self, warnings=(*new, *self.warnings)) if new else self

    @property
    def from_fixture(self) -> bool:
        """Whether the answer was replayed from a file."""
        return self.source is Source.FIXTURE


@attrs.frozen(kw_only=True)
class ChartApiSuccess(Circumstances):
    """A picture.

    Attributes:
        png_bytes: the picture, a whole PNG.
        ok: True.
        error: None.
    """

    png_bytes: bytes = attrs.field(repr=lambda png: f"<{len(png)} bytes>")
    ok: Literal[True] = attrs.field(default=True, init=False, repr=False)
    error: None = attrs.field(default=None, init=False, repr=False)

    def __bool__(self) -> Literal[True]:
        """Return True: there is a picture."""
        return True

    def unwrap(self) -> bytes:
        """Return the picture."""
        return self.png_bytes

    @property
    def size(self) -> int:
        """The bytes of the picture."""
        return len(self.png_bytes)

    def as_data_url(self) -> str:
        """Return the picture as a ``data:`` URL, as vision models and web pages take it."""
        return f"data:image/png;base64,{base64.b64encode(self.png_bytes).decode()}"


@attrs.frozen(kw_only=True)
class JsonSuccess(Circumstances):
    """An answer that is no picture, as it came; the clients hand on what is in it.

    Attributes:
        body: the JSON.
        ok: True.
        error: None.
    """

    body: bytes = attrs.field(repr=lambda body: f"<{len(body)} bytes>")
    ok: Literal[True] = attrs.field(default=True, init=False, repr=False)
    error: None = attrs.field(default=None, init=False, repr=False)

    @property
    def size(self) -> int:
        """The bytes of the answer."""
        return len(self.body)


@attrs.frozen(kw_only=True)
class ChartApiFailure(Circumstances):
    """The reason why there is no picture.

    Attributes:
        error: the reason.
        ok: False.
        png_bytes: None.
    """

    error: ChartApiError
    ok: Literal[False] = attrs.field(default=False, init=False, repr=False)
    png_bytes: None = attrs.field(default=None, init=False, repr=False)

    def __bool__(self) -> Literal[False]:
        """Return False: there is no picture."""
        return False

    def unwrap(self) -> NoReturn:
        """Raise the error.

        Raises:
            ChartUnavailable: always; it carries the error and this result.
        """
        raise ChartUnavailable(self.error, self)

    def as_data_url(self) -> NoReturn:
        """Raise the error, like :meth:`unwrap`."""
        self.unwrap()


ChartApiResult: TypeAlias = ChartApiSuccess | ChartApiFailure
"""A picture, or the reason for its absence; ``if result.ok:`` tells them apart, for type checkers, too."""

Success: TypeAlias = ChartApiSuccess | JsonSuccess
"""The answer of any endpoint."""

FetchResult: TypeAlias = Success | ChartApiFailure
"""The result of a fetch of any endpoint."""


def pictured(result: FetchResult) -> ChartApiResult:
    """Return the *result* of a request for a picture."""
    assert not isinstance(result, JsonSuccess)  # noqa: S101 (only a request for JSON has one)
    return result


def result_of(
    outcome: Reply | TransportFailure,
    error: ChartApiError | None,
    *,
    taken_at: datetime | None = None,
    account_id: str | None = None,
    attempts: tuple[Attempt, ...] = (),
    fetch_id: str = "",
    answer: Answer = Answer.PICTURE,
) -> FetchResult:
    """Return the result of an exchange from its *outcome* and the *error* that it means.

    *taken_at* (UTC) is the moment of the reply; that of a replay is in the reply. *answer* is what the endpoint answers.
    """
    status, warnings = (outcome.status, outcome.warnings) if isinstance(outcome, Reply) else (None, ())
    source: Source | None = Source.HTTP
    if outcome.fixture_path is not None:
        source = None if error is not None and error.kind is FaultKind.FIXTURE_MISSING else Source.FIXTURE
    if error is None:
        assert isinstance(outcome, Reply)  # noqa: S101 (each failure has an error)
        body = outcome.body
        is_picture = answer is Answer.PICTURE
        success = partial(ChartApiSuccess, png_bytes=body) if is_picture else partial(JsonSuccess, body=body)
        return success(
            http_status=status,
            source=source,
            fixture_path=outcome.fixture_path,
            account_id=account_id,
            attempts=attempts,
            taken_at=taken_at if outcome.fixture_path is None else outcome.taken_at,
            warnings=warnings,
            fetch_id=fetch_id,
        )
    return ChartApiFailure(
        error=error,
        http_status=status,
        source=source,
        fixture_path=outcome.fixture_path,
        account_id=account_id,
        attempts=attempts,
        warnings=warnings,
        fetch_id=fetch_id,
    )


def refused(findings: Sequence[Finding], fetch_id: str = "") -> ChartApiFailure:
    """Return the result of a request that was found wrong before any call."""
    return ChartApiFailure(error=ChartApiError.invalid(findings), fetch_id=fetch_id)
