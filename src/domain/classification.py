"""The meaning of a reply: one pure function over the rules of the provider.

The rules are those of the API page ("Errors", "Rate Limit"), and of the gateway in front of the API: its header
``x-amzn-ErrorType`` tells two kinds of 429 apart. A 429 that names neither is treated as a spent quota: retrying a spent
account wastes calls, pausing a throttled one only time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from .argument import require
from .chart import Request
from .chart.endpoint import Answer
from .faults import ChartApiError, FaultKind
from .plan import UNKNOWN, ChartLimits
from .reply import OK, Reply, TransportFailure
from .reply.error_text import ErrorText, read_error_text
from .reply.http_date import read_http_date
from .reply.png import Picture

__all__ = ["classify", "refused_paths", "refuses_body", "refuses_symbol", "retry_after_seconds"]

_THROTTLE_TYPE: Final = "toomanyrequestsexception"
_QUOTA_TYPE: Final = "limitexceededexception"
_RATE_WORDS: Final = re.compile(
    r"\brates?\b|(?<![a-z])rate[_ -]?limit|throttl|too many requests|per second|slow down", re.IGNORECASE
)
_QUOTA_WORDS: Final = re.compile(r"quota|\busage\b|\bdaily\b|per day|\bmonthly\b|limit exceeded", re.IGNORECASE)
_CONFLICT: Final = 409
_OF_THE_CALLER: Final = frozenset({401, 403, 407})
"""Statuses about the key, the session or the way to the provider. Another body could be refused alike."""
_SPOKEN_OF: Final = (("invalid symbol", "symbol"), ("invalid interval", "interval"))
_SESSION_REFUSALS: Final = frozenset({(403, "layout forbidden"), (_CONFLICT, "session disconnected")})
_MAX_THROTTLE_SECONDS: Final = 60.0  # a longer Retry-After does not mean a throttle
_MAX_PAUSE_SECONDS: Final = 86_400.0  # the quota's window
_SECONDS: Final = re.compile(r"[0-9]{1,300}(\.[0-9]{1,9})?")


def classify(
    outcome: Reply | TransportFailure, *, now: datetime, request: Request | None = None
) -> ChartApiError | None:
    """Return the error that *outcome* means, or None for an answer to *request*. Total for any bytes.

    An answer is a whole valid picture, but for a request whose endpoint answers with JSON. *now* (UTC) turns a ``Retry-After`` that
    is a date into seconds.

    Raises:
        ConfigError: a transport of the host's own has returned neither a reply nor a failure.
    """
    if isinstance(outcome, TransportFailure):
        return ChartApiError.of(outcome.kind, outcome.message, details=outcome.details)
    require("the outcome of a transport", outcome, Reply | TransportFailure)  # by a host
    if outcome.status == OK and request is not None and request.endpoint.answer is not Answer.PICTURE:
        return _json_error(outcome, request)
    if outcome.status == OK and isinstance(outcome.picture, Picture):
        return None
    text = read_error_text(outcome.body)
    retry_after = retry_after_seconds(outcome.headers, now)
    kind = _kind(outcome, text.message, retry_after)
    return ChartApiError.of(
        kind,
        _message(outcome, kind, text),
        http_status=outcome.status,
        retry_after=retry_after,
        details=text.details,
    )


def _json_error(reply: Reply, request: Request) -> ChartApiError | None:
    """Return the error of a reply with status 200 to a request for JSON."""
    problem = request.problem_of(reply.body)
    if problem is None:
        return None
    message = f"HTTP 200 without {request.endpoint.answer.value}: {problem} (body length {len(reply.body):,})"
    return ChartApiError.of(FaultKind.UNEXPECTED_REPLY, message, http_status=reply.status)


def refuses_symbol(error: ChartApiError) -> bool:
    """Return whether the provider has refused the symbol of a request for good, so that any other chart of it would fail, too."""
    return error.kind is FaultKind.INVALID_REQUEST and "symbol" in refused_paths(error)


def refuses_body(error: ChartApiError) -> bool:
    """Return whether the provider, or a plan, has refused a body for good: sent again as it is, it would fail again."""
    if error.kind is FaultKind.PLAN_LIMIT:
        return True
    return error.kind is FaultKind.INVALID_REQUEST and error.http_status not in _OF_THE_CALLER


def refused_paths(error: ChartApiError) -> tuple[str, ...]:
    """Return the places in the body that a refusal speaks of (API page, "Errors"); empty if it names none.

    A list of field errors names them. ``Invalid Symbol``, ``Invalid Interval`` and the limit of a plan mean one.
    """
    named = [param for each in error.details if isinstance(param := each.get("param"), str) and param]
    said = error.message.casefold()
    if error.kind is FaultKind.PLAN_LIMIT:
        limit = ChartLimits.stated_in(error.message) or UNKNOWN
        sides = (("width", limit.max_width), ("height", limit.max_height), ("studies", limit.max_parameters))
        named += [name for name, most in sides if most is not None]
        named += ["watermark"] if limit.custom_watermark is False else []
    else:
        named += [path for text, path in _SPOKEN_OF if text in said]
    return tuple(dict.fromkeys(named))


def _kind(reply: Reply, text: str, retry_after: float | None) -> FaultKind:
    """Find the row of the table, from the most to the least particular."""
    whole = text.casefold().rstrip(".! ")
    if whole == "limit exceeded":
        return FaultKind.QUOTA_EXCEEDED
    match reply.status // 100, reply.status:
        case 2, 200:
            return FaultKind.BAD_IMAGE
        case 4, 429:
            throttled = whole == "too many requests" or _is_throttle(reply, text, retry_after)
            return FaultKind.THROTTLED if throttled else FaultKind.QUOTA_EXCEEDED
        case 4, (403 | 409) if (reply.status, whole) in _SESSION_REFUSALS:
            return FaultKind.SESSION_REJECTED
        case 4, 403 if whole == "forbidden":
            return FaultKind.SESSION_REJECTED if reply.with_session else FaultKind.CREDENTIAL_REJECTED
        case 4, 403 if whole.startswith("exceed max usage"):
            return FaultKind.PLAN_LIMIT
        case (4, 408) | (5, _):
            return FaultKind.SERVICE_UNAVAILABLE
        case 4, _:
            return FaultKind.INVALID_REQUEST
        case _:
            return FaultKind.UNEXPECTED_REPLY


def _is_throttle(reply: Reply, text: str, retry_after: float | None) -> bool:
    """Return whether a 429 is of a rate and not of a spent day: by its type, its words, or a short pause."""
    error_type = reply.headers.get("x-amzn-errortype", "").partition(":")[0].strip().casefold()
    if error_type in {_THROTTLE_TYPE, _QUOTA_TYPE}:
        return error_type == _THROTTLE_TYPE
    if _RATE_WORDS.search(text):
        return True
    return retry_after is not None and retry_after <= _MAX_THROTTLE_SECONDS and not _QUOTA_WORDS.search(text)


def _message(reply: Reply, kind: FaultKind, text: ErrorText) -> str:
    match kind, reply.status // 100:
        case FaultKind.BAD_IMAGE, _:
            return f"HTTP 200 without a whole PNG: {reply.picture} (body length {len(reply.body):,})"
        case FaultKind.SESSION_REJECTED, _:
            return f"HTTP {reply.status}: {text.message}; {_session_remedy(text.message, reply)}"
        case FaultKind.UNEXPECTED_REPLY, 3:
            return f"HTTP {reply.status}: redirects are not followed; check CHARTS_API_BASE_URL"
        case _:
            return f"HTTP {reply.status}: {text.message}" if text.message else f"HTTP {reply.status}"


def _session_remedy(message: str, reply: Reply) -> str:
    """Return what to do about a session or a layout that was refused."""
    if "layout" in message.casefold() and not reply.with_session:
        return "share the layout at TradingView, or give the session of its owner in CHARTS_TRADINGVIEW_SESSION_JSON"
    if "layout" in message.casefold():
        return "the TradingView session may not see this layout; use that of its owner, or share the layout"
    if reply.status == _CONFLICT:
        return "sign in to TradingView again, and renew the two cookies in CHARTS_TRADINGVIEW_SESSION_JSON"
    return "check the two cookies in CHARTS_TRADINGVIEW_SESSION_JSON, and then the key of the account"


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read ``Retry-After`` (RFC 9110, section 10.2.3) as seconds, at most a day; None without a legal value.

    A date is measured against the reply's own ``Date``, and without one against *now*: this machine's clock may be wrong.
    """
    if "retry-after" not in headers:
        return None
    value = headers["retry-after"].strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), _MAX_PAUSE_SECONDS)
    moment = read_http_date(value, now)
    if moment is None:
        return None
    sent = read_http_date(headers.get("date", "").strip(), now) or now
    return min(max((moment - sent).total_seconds(), 0.0), _MAX_PAUSE_SECONDS)
