"""One way to a picture."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ..domain.chart import Request
from ..domain.ports import CacheLock, RecordedTransport, RefusalLog, Transport
from .cache import CachedAnswers
from .pool import Pool

__all__ = ["Route"]


@attrs.frozen
class Route:
    """One way to a picture.

    Attributes:
        transport: answers requests.
        pool: pays for the calls; None if they are free.
        cut_off: ends the calls under way, if the client opened the transport.
        cache: pictures that were fetched on this route before.
        lock: takes the lock that one process holds while it fetches a chart, at once; None if another one holds it. Only a route
            that records has one.
        refusals: keeps the final refusals of calls, for people.
        recorded: whether all answers are recorded ones; they stand even if the check refuses the request.
    """

    transport: Transport
    pool: Pool | None = None
    cache: CachedAnswers | None = attrs.field(default=None, kw_only=True)
    lock: Callable[[Request], CacheLock | None] | None = attrs.field(default=None, kw_only=True)
    cut_off: Callable[[], object] = attrs.field(default=tuple, kw_only=True)
    refusals: RefusalLog | None = attrs.field(default=None, kw_only=True)
    recorded: bool = attrs.field(kw_only=True)

    @recorded.default
    def _is_recorded(self) -> bool:
        return isinstance(self.transport, RecordedTransport) and self.transport.recorded
