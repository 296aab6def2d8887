"""A request that the provider refused for good: what was asked for, and what was said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, Self

import attrs

from .chart import ChartKey, LayoutKey, Request
from .faults import ChartApiError
from .reply.secret import scrub_body, scrub_text

__all__ = ["Refusal", "merged"]

_MAX_BODY_BYTES: Final = 16 * 1024
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@attrs.frozen
class Refusal:
    """A final refusal, without any secret.

    Attributes:
        symbol: the symbol; None for that of a layout.
        interval: the interval; None for that of a layout.
        template: the id of the chart template; None for a layout.
        http_status: the status of the reply.
        message: the provider's message, in one line.
        paths: the places in the body that it speaks of, ``studies[0].name``; empty if it names none.
        refused_at: the moment (UTC) of the reply; None if it is not known.
        body_sha256: the digest of the body; None if it is not known.
        body: the body that was refused; None if it is not known, or longer than 16 KiB.
        fixture: the name of the file that replays it; None without one.
        layout_id: the id of the layout, for a picture of one.
    """

    symbol: str | None
    interval: str | None
    template: str | None
    http_status: int | None
    message: str
    paths: tuple[str, ...] = ()
    refused_at: datetime | None = None
    body_sha256: str | None = None
    body: Mapping[str, object] | None = None
    fixture: str | None = None
    layout_id: str | None = None

    @classmethod
    def of(
        cls, request: Request, error: ChartApiError, paths: tuple[str, ...], *, now: datetime, secrets: Iterable[str]
    ) -> Self:
        """Return the refusal of *request* with *error*, which speaks of *paths*. The *secrets* are masked in it."""
        key, known = request.key, tuple(secrets)
        names = (
            scrub_text(part, known) if part else part
            for part in (key.symbol, key.timeframe, key.chart_template_id, key.layout_id)
        )
        symbol, interval, template, layout_id = names
        return cls(
            symbol,
            interval,
            template,
            error.http_status,
            scrub_text(error.message, known),
            tuple(scrub_text(path, known) for path in paths),
            now,
            request.body_digest,
            scrub_body(request.body, known) if len(request.encoded) <= _MAX_BODY_BYTES else None,
            layout_id=layout_id,
        )

    @property
    def chart(self) -> str:
        """The chart for people; of a fixture without a meta file, the name of the file."""
        if self.layout_id is not None:
            return str(LayoutKey(self.layout_id, self.symbol, self.interval))
        if self.symbol is None or self.interval is None or self.template is None:
            return self.fixture or ""
        return str(ChartKey(self.symbol, self.interval, self.template))


def merged(of_calls: Iterable[Refusal], of_fixtures: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """Return all refusals, from the newest to the oldest; those without a moment come last.

    Refusals of one body with one message are one: the newest, with its body and its fixture, if one of them has it.
    """
    known: dict[tuple[object, ...], Refusal] = {}
    for each in (*of_fixtures, *of_calls):
        name = each.chart, each.body_sha256, each.http_status, each.message
        before = known.pop(name, each)
        newest = max(before, each, key=_moment)
        known[name] = attrs.evolve(newest, body=each.body or before.body, fixture=before.fixture or each.fixture)
    return tuple(sorted(known.values(), key=_moment, reverse=True))


def _moment(refusal: Refusal) -> datetime:
    return refusal.refused_at or _NEVER
