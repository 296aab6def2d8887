"""Events as log lines: through the standard library's logger ``chartimg``, rendered with structlog.

Neither structlog nor logging is configured here. Without a handler of the host's no line is printed. If the level is off,
no line is rendered and structlog is not imported.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from ..domain import events
from ..domain.events import Event

if TYPE_CHECKING:
    from structlog.processors import KeyValueRenderer

__all__ = ["LOG_NAMES", "LogListener"]

LOG_NAMES: Final[Mapping[type[Event], tuple[str, int]]] = MappingProxyType(
    {
        events.FetchStarted: ("chart_api_fetch_start", logging.DEBUG),
        events.FetchFinished: ("chart_api_fetch_finished", logging.DEBUG),
        events.PictureKept: ("chart_api_picture_kept", logging.INFO),
        events.RequestDoubtful: ("chart_api_request_doubtful", logging.WARNING),
        events.RequestRefused: ("chart_api_request_refused", logging.ERROR),
        events.CallStarted: ("chart_api_call_start", logging.DEBUG),
        events.CallFinished: ("chart_api_call_finished", logging.INFO),
        events.RetryScheduled: ("chart_api_retry_scheduled", logging.INFO),
        events.AccountDoubtful: ("chart_api_account_doubtful", logging.WARNING),
        events.AccountThrottled: ("chart_api_account_throttled", logging.WARNING),
        events.AccountExhausted: ("chart_api_account_exhausted", logging.WARNING),
        events.AccountSuspended: ("chart_api_account_suspended", logging.ERROR),
        events.AccountReinstated: ("chart_api_account_reinstated", logging.INFO),
        events.BooksAhead: ("chart_api_books_ahead", logging.ERROR),
        events.PlanLimitLearned: ("chart_api_plan_limit_learned", logging.WARNING),
        events.LimitExceeded: ("chart_api_limit_exceeded", logging.ERROR),
        events.MockMissing: ("chart_api_mock_missing", logging.WARNING),
        events.FixtureRecorded: ("chart_api_fixture_recorded", logging.INFO),
        events.FixtureNotRecorded: ("chart_api_fixture_not_recorded", logging.ERROR),
        events.FixtureStale: ("chart_api_fixture_stale", logging.WARNING),
        events.PictureDoubtful: ("chart_api_picture_doubtful", logging.WARNING),
        events.CacheFailed: ("chart_api_cache_failed", logging.WARNING),
        events.ServiceDown: ("chart_api_service_down", logging.ERROR),
        events.ServiceUp: ("chart_api_service_up", logging.INFO),
        events.StoreFailed: ("chart_api_store_failed", logging.ERROR),
        events.StoreLostWrites: ("chart_api_store_lost_writes", logging.ERROR),
    }
)

_LOGGER: Final = logging.getLogger("chartimg")
_LOGGER.addHandler(logging.NullHandler())


class LogListener:
    """Writes each event as one line; its fields are also in the record, as ``record.chartimg``."""

    def hears(self, kind: type[Event]) -> bool:
        """Return whether the level of the logger allows events of this *kind*."""
        return _LOGGER.isEnabledFor(LOG_NAMES[kind][1])

    def notify(self, event: Event) -> None:
        """Log *event* if the level of the logger allows."""
        name, level = LOG_NAMES[type(event)]
        if _LOGGER.isEnabledFor(level):
            fields = attrs.asdict(event, recurse=False, value_serializer=_plain)
            if (fetch_id := fields.pop("fetch_id")) is not None:
                fields["fetch_id"] = fetch_id
            line = _renderer()(None, "", dict(fields))
            _LOGGER.log(level, "%s %s", name, line, extra={"chartimg": {"event": name, **fields}})


def _plain(_: object, __: object, value: object) -> object:
    """Return a value for a log: seconds to the millisecond, moments in ISO 8601, findings as text."""
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
def _renderer() -> KeyValueRenderer:
    """Import structlog for the first line."""
    from structlog.processors import KeyValueRenderer

    return KeyValueRenderer()
