"""The answers to callers: the provider's own statuses and bodies, with the library's own facts in headers."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from starlette.responses import JSONResponse, Response

from ...domain.faults import ChartApiError, FaultKind
from ...domain.result import ChartApiFailure, ChartApiSuccess, Circumstances
from ...domain.stored import StoredChart

__all__ = ["address", "failure", "message", "picture"]

_STATUS: Final[Mapping[FaultKind, int]] = {
    FaultKind.BAD_IMAGE: 502,
    FaultKind.UNEXPECTED_REPLY: 502,
    FaultKind.NOT_SENT: 502,
    FaultKind.NETWORK: 504,
    FaultKind.FIXTURE_MISSING: 404,
    FaultKind.NO_ACCOUNT: 429,
    FaultKind.QUOTA_EXCEEDED: 429,
    FaultKind.THROTTLED: 429,
    FaultKind.INVALID_BEFORE_CALL: 422,
}
"""The status for a kind that has no reply of the provider to pass on."""
_WORDS: Final[Mapping[FaultKind, str]] = {
    FaultKind.NO_ACCOUNT: "Limit Exceeded",
    FaultKind.QUOTA_EXCEEDED: "Limit Exceeded",
    FaultKind.THROTTLED: "Too Many Requests",
}
"""The message of a kind that the provider answers itself (API page, "Errors", 429)."""
_DEFAULT_STATUS: Final = 503
_STATUS_LINE: Final = re.compile(r"^HTTP \d{3}: ")
"""The beginning of an error's message before the words of the provider."""


def picture(
    result: ChartApiSuccess, now: datetime, *, units_left: int | None = None, if_none_match: str | None = None
) -> Response:
    """Return the picture of *result*, or 304 if the caller has it."""
    tag = f'"{hashlib.sha256(result.png_bytes).hexdigest()[:32]}"'
    headers = {**_added(result, units_left), "etag": tag, "cache-control": "no-cache"}
    if result.taken_at is not None:
        headers["age"] = str(max(0, int((now - result.taken_at).total_seconds())))
    if if_none_match is not None and _matches(tag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(result.png_bytes, media_type="image/png", headers=headers)


def address(result: StoredChart, *, units_left: int | None = None) -> Response:
    """Return the address of a stored picture in the provider's shape (API page, "Shared Layout To Storage")."""
    size = {} if result.size is None else {"size": result.size}
    expire = {} if result.expires_at is None else {"expire": _as_provider(result.expires_at)}
    return JSONResponse({"url": result.url, "etag": result.etag, **size, **expire}, headers=_added(result, units_left))


def failure(result: ChartApiFailure, now: datetime, *, units_left: int | None = None) -> Response:
    """Return the error of *result* in the provider's shape."""
    error = result.error
    status = _STATUS.get(error.kind) or result.http_status or _DEFAULT_STATUS
    headers = _added(result, units_left)
    headers["x-chartimg-kind"] = str(error.kind)
    if (seconds := _seconds_until(error, now)) is not None:
        headers["retry-after"] = str(seconds)
    if error.kind is FaultKind.INVALID_BEFORE_CALL:
        return JSONResponse([_finding(each) for each in error.details], status, headers)
    if error.kind is FaultKind.INVALID_REQUEST and error.details:
        return JSONResponse(list(error.details), status, headers)
    if (
        error.kind is FaultKind.NO_ACCOUNT and error.available_at is None
    ):  # a person has to reinstate one; nothing is spent
        return message(_DEFAULT_STATUS, error.message, headers)
    words, remedy = _WORDS.get(error.kind) or _STATUS_LINE.sub("", error.message), {}
    if error.kind is FaultKind.SESSION_REJECTED:
        words, _, what = words.partition("; ")
        remedy = {"remedy": what} if what else {}
    return JSONResponse({"message": words, **remedy}, status, headers)


def message(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a *text* in the provider's shape."""
    return JSONResponse({"message": text}, status, headers)


def _added(result: Circumstances, units_left: int | None) -> dict[str, str]:
    """Return the headers that the library adds."""
    found = {
        "x-chartimg-source": result.source,
        "x-chartimg-account": result.account_id,
        "x-chartimg-fetch-id": result.fetch_id,
        "x-chartimg-units-left": units_left,
        "x-chartimg-warnings": len(result.warnings) or None,
    }
    return {name: str(value).encode("ascii", "replace").decode() for name, value in found.items() if value is not None}


def _as_provider(moment: datetime) -> str:
    """Return a moment as the provider writes it, in UTC to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds_until(error: ChartApiError, now: datetime) -> int | None:
    if error.available_at is not None:
        return max(1, math.ceil((error.available_at - now).total_seconds()))
    return None if error.retry_after is None else max(1, math.ceil(error.retry_after))


def _finding(detail: Mapping[str, object]) -> Mapping[str, object]:
    """Return a finding in the shape of the provider's own (API page, "Errors", 422), with its further details."""
    return {"msg": detail.get("msg"), "param": detail.get("param"), "location": "body", **detail}


def _matches(tag: str, if_none_match: str) -> bool:
    named = (each.strip().removeprefix("W/") for each in if_none_match.split(","))
    return any(each in {tag, "*"} for each in named)
