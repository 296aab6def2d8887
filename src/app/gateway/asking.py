"""The chart that a caller asks for, from the provider's own body or from a path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from ...codec import parse
from ...domain.chart import ChartRequest
from ...domain.chart.template import ChartTemplate

__all__ = ["BodyRefusedError", "named_after_template", "read_body"]

_DEFAULTS: Final[Mapping[str, object]] = {"symbol": "BINANCE:BTCUSDT", "interval": "1D"}
"""The provider's own defaults (API page, "Advanced Chart", parameters)."""


class BodyRefusedError(Exception):
    """The body is not a JSON object."""


def read_body(body: bytes) -> ChartRequest:
    """Return the chart of a posted body; it is named after the digest of the body.

    Raises:
        BodyRefusedError: the body is not a JSON object in UTF-8.
    """
    try:
        posted = parse(body.decode()) if body.strip() else {}
    except ValueError:
        raise BodyRefusedError from None
    if not isinstance(posted, dict):
        raise BodyRefusedError
    fields = {**_DEFAULTS, **posted}
    symbol, interval = fields.pop("symbol"), fields.pop("interval")
    request = ChartRequest(symbol, interval, "body", fields)
    return request if request.problems else attrs.evolve(request, chart_template_id=f"body-{request.body_digest[:12]}")


def named_after_template(request: ChartRequest, templates: Mapping[str, ChartTemplate]) -> ChartRequest:
    """Return *request* under the id of the template that would post the same body, if there is one.

    So a caller of another language finds the fixtures that were recorded for the template.
    """
    if request.problems:
        return request
    for template_id in templates:
        named = templates[template_id].fill(attrs.evolve(request, chart_template_id=template_id, payload={}))
        if named.body_digest == request.body_digest:
            return named
    return request
