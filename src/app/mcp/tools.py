"""The five tools, with the names, arguments and descriptions that a model reads.

Their docstrings are prompts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Final

import attrs
from mcp.server.mcpserver import Image
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from ...domain.account.status import AccountStatus
from ...domain.chart import ChartRequest
from ...domain.check.check import check_body
from ...domain.errors import ConfigError
from ...domain.faults import FaultKind
from ...domain.fixture import FixtureKind
from ...domain.plan import Plan
from ...domain.result import ChartApiFailure
from .. import bootstrap
from ..async_bootstrap import AsyncChartClient
from ..config import WorkerConfig, rules_of
from ..search import matching_names
from . import words
from .budget import SessionPool

__all__ = ["ChartTools"]

_WIDTH: Final = 800
_HEIGHT: Final = 600
_MAX_SECONDS: Final = 50.0  # hosts of models give up on a tool after a minute
_MAX_RECORDED: Final = 40  # charts that an error of mock mode lists

Symbol = Annotated[str, Field(description="Exchange and ticker, such as BINANCE:BTCUSDT or NASDAQ:AAPL.")]
Interval = Annotated[str, Field(description="Length of a candle: 1m, 5m, 15m, 1h, 4h, 1D, 1W, 1M. Case matters.")]
TemplateId = Annotated[str | None, Field(description="The look, an id of templates(). Not together with studies.")]
Studies = Annotated[
    list[str | dict[str, object]] | None,
    Field(
        description='Studies by exact name of find_study(), or with inputs: {"name": "Relative Strength Index", '
        '"input": {"length": 14}}. Not together with template.'
    ),
]
Width = Annotated[int, Field(description="Pixels. More than 800 needs a larger plan.")]
Height = Annotated[int, Field(description="Pixels. More than 600 needs a larger plan.")]
Body = Annotated[dict[str, object], Field(description="A whole body of CHART-IMG: symbol, interval, studies, theme, …")]
Text = Annotated[str, Field(description="A name or a part of one, such as RSI or moving average; empty lists all.")]


class ChartTools:
    """The tools over one client. The public methods are the tools; an exception's text is for the model.

    Args:
        client: fetches the charts.
        config: the settings of the client.
        pool: the accounts that pay, with the budget of the session; None in mock mode.
    """

    def __init__(self, client: AsyncChartClient, config: WorkerConfig, pool: SessionPool | None) -> None:
        self._client = client
        self._config = config
        self._pool = pool
        self._rules = rules_of(config.catalog)
        self._templates = bootstrap.templates({"CHARTS_TEMPLATES_DIR": str(config.templates_dir or "")})

    async def chart(
        self,
        symbol: Symbol,
        interval: Interval,
        template: TemplateId = None,
        studies: Studies = None,
        width: Width = _WIDTH,
        height: Height = _HEIGHT,
    ) -> list[str | Image]:
        """Draw a TradingView chart, and return the picture with a line about it.

        A new picture costs a unit of a small daily quota. A picture drawn since the last candle closed is free. Call it once
        for each chart you need. Without template and studies the chart shows the price alone.
        """
        request = self._request(symbol, interval, template, studies, {"width": width, "height": height})
        deadline = min(_MAX_SECONDS, self._config.policy.deadline)
        result = await self._client.fetch(request, deadline=deadline, fresh="candle")
        if not result.ok:
            raise ToolError(await self._reason(result))
        left = words.units_left(await self._statuses(), None if self._pool is None else self._pool.session_left)
        chart = f"{request.symbol} {request.timeframe}"
        return [words.pictured(chart, result, left), Image(data=result.png_bytes, format="png")]

    async def check(self, body: Body) -> str:
        """Check the body of a chart by the provider's rules, without a call. Costs no unit."""
        symbol = body.get("symbol")
        known = self._client.routes.lists.about
        lists = await asyncio.to_thread(known, symbol if isinstance(symbol, str) else None)  # it may ask the cache
        return words.checked(check_body(body, self._rules, self._plan(), lists=lists))

    async def find_study(self, text: Text) -> str:
        """Find the exact names of studies (indicators), with their inputs and defaults. Costs no unit."""
        by_name = self._rules.study_by_name
        names = matching_names("study", by_name, text, self._rules.study_by_alias)
        return words.studies_found([by_name[name] for name in names])

    async def templates(self) -> str:
        """List the looks that chart() can draw: id, description, size and studies. Costs no unit."""
        return "\n".join(words.template_line(each, self._templates) for each in self._templates)

    async def quota(self) -> str:
        """Show the units that are left: of the day, of this session and of each account. Costs no unit."""
        statuses = await self._statuses()
        if statuses is None or self._pool is None:
            return words.units_left(None, None)
        return words.units(statuses, self._pool.session_left, self._pool.budget)

    def _request(
        self,
        symbol: str,
        interval: str,
        template: str | None,
        studies: list[str | dict[str, object]] | None,
        size: Mapping[str, object],
    ) -> ChartRequest:
        """Return the request for a chart.

        Raises:
            ConfigError: the template is unknown, or there are studies, too.
        """
        if template is None:
            named = [{"name": each} if isinstance(each, str) else each for each in studies or ()]
            request = ChartRequest(symbol, interval, "body", {**size, "studies": named} if named else size)
            digest = "" if request.problems else f"-{request.body_digest[:12]}"
            return attrs.evolve(request, chart_template_id=f"body{digest}")
        if studies:
            raise ConfigError("a template has studies of its own; leave out template or studies")
        # Not in the template's pattern: a model means AAPL, and BINANCE:AAPL would cost a unit. The check refuses a bare symbol.
        return attrs.evolve(self._client.request(symbol, interval, template=template, **size), symbol=symbol)

    async def _reason(self, failure: ChartApiFailure) -> str:
        """Return the words for a failure."""
        if failure.error.kind is FaultKind.FIXTURE_MISSING:
            return f"{words.failed(failure.error)} {await asyncio.to_thread(self._recorded)}"
        pool = self._pool
        if failure.error.kind is FaultKind.NO_ACCOUNT and pool is not None and pool.session_left == 0:
            return words.spent(pool.budget)
        return words.failed(failure.error)

    def _recorded(self) -> str:
        """List the charts that mock mode has."""
        entries = bootstrap.take_fixture_inventory(self._config, self._config.fixtures_dir)
        charts = [each.chart for each in entries if each.kind is FixtureKind.PICTURE][:_MAX_RECORDED]
        return (
            f"Recorded are (symbol, interval, template): {'; '.join(charts)}."
            if charts
            else "The folder of fixtures is empty."
        )

    async def _statuses(self) -> tuple[AccountStatus, ...] | None:
        return None if self._pool is None else await asyncio.to_thread(self._pool.status)

    def _plan(self) -> Plan | None:
        """Return the largest plan of the accounts; None if the plan of one is unknown."""
        names = {None if each.plan is None else str(each.plan) for each in self._config.accounts}
        known = [plan for plan in self._rules.plans if str(plan.name) in names]
        return known[-1] if known and None not in names else None
