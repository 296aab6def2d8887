"""The result of a chart request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from .argument import require, typed
from .errors import ChartUnavailable
from .faults import ChartApiError, FaultKind
from .finding import Finding
from .reply import Reply, TransportFailure

if TYPE_CHECKING:
    from pathlib import Path
else:
    Path = object  # the domain touches no file

__all__ = ["Attempt", "ChartApiResult"]


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


@attrs.frozen(field_transformer=typed)
class ChartApiResult:
    """A picture, or the reason for its absence.

    Attributes:
        png_bytes: the picture; None on failure.
        error: the reason; None on success.
        http_status: the status of the last reply, also of a replayed one; None without a reply.
        from_fixture: whether the outcome was replayed from a file.
        fixture_path: that file; if it is missing, the path of its place.
        account_id: the account of the last call; None without a call.
        attempts: every call that was made for this request, in order.
        warnings: findings about the request, the picture or its fixture that did not stop it.
    """

    png_bytes: bytes | None = attrs.field(
        default=None, repr=lambda png: "None" if png is None else f"<{len(png)} bytes>"
    )
    error: ChartApiError | None = None
    http_status: int | None = None
    from_fixture: bool = False
    fixture_path: Path | None = None
    account_id: str | None = None
    attempts: tuple[Attempt, ...] = ()
    warnings: tuple[Finding, ...] = ()

    @classmethod
    def of(
        cls,
        outcome: Reply | TransportFailure,
        error: ChartApiError | None,
        account_id: str | None = None,
        attempts: tuple[Attempt, ...] = (),
    ) -> ChartApiResult:
        """Build the result of an exchange from its *outcome* and the *error* that it means."""
        require("outcome", outcome, Reply | TransportFailure)
        require("error", error, ChartApiError | None)
        reply = outcome if isinstance(outcome, Reply) else None
        return cls(
            png_bytes=reply.body if reply is not None and error is None else None,
            error=error,
            http_status=None if reply is None else reply.status,
            from_fixture=outcome.fixture_path is not None
            and (error is None or error.kind is not FaultKind.FIXTURE_MISSING),
            fixture_path=outcome.fixture_path,
            account_id=account_id,
            attempts=attempts,
            warnings=() if reply is None else reply.warnings,
        )

    @classmethod
    def refused(cls, findings: Sequence[Finding]) -> ChartApiResult:
        """Build the result of a request that was found wrong before any call."""
        return cls(error=ChartApiError.invalid(findings))

    @property
    def ok(self) -> bool:
        """Whether there is a picture."""
        return self.error is None

    def unwrap(self) -> bytes:
        """Return the picture.

        Raises:
            ChartUnavailable: there is no picture; its ``error`` has the reason.
        """
        if self.error is not None or self.png_bytes is None:
            empty = "the result holds neither a picture nor an error"
            raise ChartUnavailable(self.error or ChartApiError.of(FaultKind.UNEXPECTED_REPLY, empty))
        return self.png_bytes
