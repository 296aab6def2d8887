"""What a reply means: one pure function over the rules of the provider.

The rules are those of the API page ("Errors", "Rate Limit") and of the gateway in front of it, whose
``x-amzn-ErrorType`` header tells its two kinds of 429 apart. Where a 429 says nothing of either, the day is taken for
spent: to ask a spent account again costs a call each time, to rest a throttled one costs patience.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from .faults import ChartApiError, FaultKind
from .reply import Reply, TransportFailure
from .reply.error_text import ErrorText, read_error_text
from .reply.png import inspect

__all__ = ["classify", "retry_after_seconds"]

_THROTTLE_TYPE: Final = "toomanyrequestsexception"
_QUOTA_TYPE: Final = "limitexceededexception"
_RATE_WORDS: Final = re.compile(
    r"\brates?\b|(?<![a-z])rate[_ -]?limit|throttl|too many requests|per second|slow down", re.IGNORECASE
)
_QUOTA_WORDS: Final = re.compile(r"quota|\busage\b|\bdaily\b|per day|\bmonthly\b|limit exceeded", re.IGNORECASE)
_SHORT_PAUSE: Final = 60.0  # seconds; a longer Retry-After speaks of no throttle
_LONGEST_PAUSE: Final = 86_400.0  # seconds; the quota's window
_HTTP_DATE: Final = re.compile(r"[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_OK: Final = 200
_FORBIDDEN: Final = 403
_TIMEOUT: Final = 408
_TOO_MANY: Final = 429


def classify(outcome: Reply | TransportFailure, *, now: datetime) -> ChartApiError | None:
    """Give what *outcome* means: None for a whole valid picture, else the error. Total: any bytes, never raises.

    *now* (UTC) turns a ``Retry-After`` that is a date into seconds.
    """
    if isinstance(outcome, TransportFailure):
        return ChartApiError.of(outcome.kind, outcome.message, details=outcome.details)
    if outcome.status == _OK and outcome.picture_verified:
        return None
    verdict = inspect(outcome.body) if outcome.status == _OK else ""
    if not isinstance(verdict, str):
        return None
    text = read_error_text(outcome.body)
    retry_after = retry_after_seconds(outcome.headers, now)
    kind = _kind(outcome, text, retry_after)
    return ChartApiError.of(
        kind,
        _sentence(outcome, kind, text, verdict),
        http_status=outcome.status,
        retry_after=retry_after,
        details=text.details,
    )


def _kind(reply: Reply, text: ErrorText, retry_after: float | None) -> FaultKind:
    """Find the row of the table, from the most to the least particular."""
    said = text.message.casefold().rstrip(".! ")
    if said == "limit exceeded":
        return FaultKind.QUOTA_EXCEEDED
    match reply.status:
        case 200:
            return FaultKind.BAD_IMAGE
        case 429:
            return _kind_of_429(reply, text, retry_after)
        case 403 if said == "forbidden":
            return FaultKind.CREDENTIAL_REJECTED
        case 403 if said.startswith("exceed max usage"):
            return FaultKind.PLAN_LIMIT
        case status if status == _TIMEOUT or 500 <= status <= 599:  # noqa: PLR2004
            return FaultKind.SERVICE_UNAVAILABLE
        case status if 400 <= status <= 499:  # noqa: PLR2004
            return FaultKind.INVALID_REQUEST
        case _:
            return FaultKind.UNEXPECTED_REPLY


def _kind_of_429(reply: Reply, text: ErrorText, retry_after: float | None) -> FaultKind:
    """Tell a throttle from a spent day."""
    error_type = reply.headers.get("x-amzn-errortype", "").partition(":")[0].strip().casefold()
    speaks_of_quota = bool(_QUOTA_WORDS.search(text.message))
    throttled = (
        text.message.casefold().rstrip(".! ") == "too many requests"
        or error_type == _THROTTLE_TYPE
        or (error_type != _QUOTA_TYPE and bool(_RATE_WORDS.search(text.message)))
        or (
            error_type != _QUOTA_TYPE
            and not speaks_of_quota
            and retry_after is not None
            and retry_after <= _SHORT_PAUSE
        )
    )
    return FaultKind.THROTTLED if throttled else FaultKind.QUOTA_EXCEEDED


def _sentence(reply: Reply, kind: FaultKind, text: ErrorText, png_problem: str) -> str:
    """Say what happened in one line."""
    said = f": {text.message}" if text.message else ""
    match kind:
        case FaultKind.BAD_IMAGE:
            return f"HTTP 200 without a whole PNG, {png_problem} ({len(reply.body)} bytes)"
        case FaultKind.UNEXPECTED_REPLY if 300 <= reply.status <= 399:  # noqa: PLR2004
            return f"HTTP {reply.status}: a redirect, which is never followed; check CHARTS_API_BASE_URL"
        case _:
            return f"HTTP {reply.status}{said}"


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read ``Retry-After`` (RFC 9110, section 10.2.3) as seconds from *now*, at most a day; None when it says nothing."""
    value = headers.get("retry-after", "").strip()
    if date := _HTTP_DATE.fullmatch(value):
        seconds = _seconds_until(date, now)
    else:
        try:
            seconds = float(value)
        except ValueError:
            return None
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), _LONGEST_PAUSE)


def _seconds_until(date: re.Match[str], now: datetime) -> float | None:
    """Read an HTTP date; None when there is no such day."""
    day, month, *rest = date.groups()
    try:
        year, hour, minute, second = map(int, rest)
        moment = datetime(year, _MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return (moment - now).total_seconds()
