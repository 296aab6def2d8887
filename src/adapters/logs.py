"""Events as log lines: through the standard library's logger ``chartimg``, rendered with structlog.

Nothing is configured: neither structlog nor logging. Without a handler of the host's nothing is printed, and while the
level is off nothing is rendered, nor structlog imported.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import attrs

from ..domain import events
from ..domain.events import Event

__all__ = ["LOG_NAMES", "LogListener"]

LOG_NAMES: Final[Mapping[type[Event], tuple[str, int]]] = MappingProxyType(
    {
        events.RequestDoubtful: ("chart_api_request_doubtful", logging.WARNING),
        events.RequestRefused: ("chart_api_request_refused", logging.ERROR),
        events.CallStarted: ("chart_api_call_start", logging.DEBUG),
        events.CallFinished: ("chart_api_call_finished", logging.INFO),
        events.RetryScheduled: ("chart_api_retry_scheduled", logging.INFO),
        events.AccountThrottled: ("chart_api_account_throttled", logging.WARNING),
        events.AccountExhausted: ("chart_api_account_exhausted", logging.WARNING),
        events.AccountSuspended: ("chart_api_account_suspended", logging.ERROR),
        events.AccountReinstated: ("chart_api_account_reinstated", logging.INFO),
        events.PlanLimitLearned: ("chart_api_plan_limit_learned", logging.WARNING),
        events.LimitExceeded: ("chart_api_limit_exceeded", logging.ERROR),
        events.MockMissing: ("chart_api_mock_missing", logging.WARNING),
        events.FixtureRecorded: ("chart_api_fixture_recorded", logging.INFO),
        events.FixtureNotRecorded: ("chart_api_fixture_not_recorded", logging.ERROR),
        events.FixtureStale: ("chart_api_fixture_stale", logging.WARNING),
        events.PictureDoubtful: ("chart_api_picture_doubtful", logging.WARNING),
        events.StoreFailed: ("chart_api_store_failed", logging.ERROR),
        events.StoreLostWrites: ("chart_api_store_lost_writes", logging.ERROR),
    }
)

_LOGGER: Final = logging.getLogger("chartimg")
_LOGGER.addHandler(logging.NullHandler())


class LogListener:
    """Writes each event as one line; its fields are also in the record, as ``record.chartimg``."""

    def notify(self, event: Event) -> None:
        """Log *event*, if anyone listens at its level."""
        name, level = LOG_NAMES[type(event)]
        if _LOGGER.isEnabledFor(level):
            fields = attrs.asdict(event, recurse=False, value_serializer=_plain)
            _emit()(level, name, fields)


def _plain(_: object, __: object, value: object) -> object:
    """Write a value for a log: seconds to the millisecond, moments in ISO 8601, findings as they read."""
    match value:
        case float():
            return round(value, 3)
        case datetime():
            return value.isoformat()
        case tuple():
            return [str(each) for each in value]
        case StrEnum():
            return value.value
        case _:
            return value


@cache
def _emit() -> Callable[[int, str, Mapping[str, object]], object]:
    """Build the renderer when the first line is written; nothing of structlog's own configuration is used."""
    import structlog

    logger = structlog.wrap_logger(
        _LOGGER,
        processors=[_render(structlog.processors.KeyValueRenderer())],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        cache_logger_on_first_use=False,
    )
    return lambda level, name, fields: logger.log(level, name, **fields)


def _render(
    line: Callable[[Any, str, MutableMapping[str, Any]], str],
) -> Callable[[Any, str, MutableMapping[str, Any]], tuple[tuple[str, ...], dict[str, object]]]:
    """Hand the line, which begins with the event's name, and, for handlers that want them, the fields to the standard library's logger."""

    def render(logger: Any, method: str, event: MutableMapping[str, Any]) -> tuple[tuple[str, ...], dict[str, object]]:
        fields = dict(event)
        name = event.pop("event")
        return ("%s %s", name, line(logger, method, event)), {"extra": {"chartimg": fields}}

    return render
