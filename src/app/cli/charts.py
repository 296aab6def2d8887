"""The commands that fetch charts: ``fetch`` and ``export``."""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ...codec import dump
from ...domain.chart import ChartRequest
from ...domain.chart.template import ChartTemplate
from ...domain.errors import ConfigError
from ...domain.faults import ErrorCode
from ...domain.result import ChartApiResult
from ..bootstrap import ChartClient, open_templates
from ..config import WorkerConfig, rules_of
from ..export import Export
from ..manifest import STORE_UNAVAILABLE
from ..mode import ApiMode
from .charts_view import following, show_manifest
from .process import (
    COME_BACK,
    FAILED,
    STORE_GONE,
    Json,
    complain,
    refuse_unwritable,
    refuse_unwritable_file,
    terminable,
    write,
)

__all__ = ["export", "fetch"]


def fetch(
    symbol: Annotated[str, typer.Argument(help="BINANCE:BTCUSDT, or BTCUSDT for the template's exchange.")],
    timeframe: Annotated[str, typer.Argument(help="The interval, such as 1h; case matters.")],
    *,
    template: Annotated[str, typer.Option(help="The id of the chart template.")],
    out: Annotated[Path, typer.Option(help="The PNG file to write.")],
    as_json: Json = False,
) -> None:
    """Fetch one chart into a file."""
    config = WorkerConfig.from_env()
    request = _template(open_templates(config, asked=[template]), template).request(symbol, timeframe)
    _refuse_problems(request)
    refuse_unwritable_file(out)
    _refuse_missing_fixtures(config)
    with ChartClient(config) as client:
        result = client.fetch(request)
    if result.ok:
        write(out, result.unwrap())
    if as_json:
        typer.echo(dump(_report(request, result, out)), nl=False)
    elif result.error is None:
        source = f"fixture {result.fixture_path}" if result.from_fixture else f"account {result.account_id}"
        typer.echo(f"{request.key}: {out} ({len(result.unwrap()):,} bytes, from {source})")
    complain(*(f"{request.key}: {finding}" for finding in result.warnings))
    if result.error is not None:
        complain(f"{request.key}: {result.error.code} ({result.error.kind}): {result.error.message}")
        raise SystemExit(_exit_code([result.error.code]))


def export(
    *,
    symbols: Annotated[list[str], typer.Option(help="Symbols, with commas between or given again.")],
    timeframes: Annotated[list[str], typer.Option(help="Intervals, such as 1h,4h.")],
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    templates: Annotated[list[str] | None, typer.Option(help="Template ids; all when left out.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Charts in flight at once.")] = 4,
    as_json: Json = False,
) -> None:
    """Fetch a grid of charts, symbols x timeframes x templates, into a folder with a manifest.json."""
    config = WorkerConfig.from_env()
    asked = _split("--templates", templates) if templates else None
    known = open_templates(config, asked=asked)
    chosen = [_template(known, each) for each in (known if asked is None else asked)]
    requests = [
        template.request(symbol, timeframe).with_timezone(config.default_timezone)
        for symbol in _split("--symbols", symbols)
        for timeframe in _split("--timeframes", timeframes)
        for template in chosen
    ]
    for request in requests:
        _refuse_problems(request)
    refuse_unwritable(out)
    _refuse_missing_fixtures(config)
    client = ChartClient(config)
    with following(len(set(requests))) as told, terminable():
        rules = partial(rules_of, config.catalog)
        work = Export(client.fetch, requests, out, jobs=jobs, on_end=told, listener=client.listener, rules=rules)
        try:
            manifest = work.run()
        except OSError as error:
            raise ConfigError(f"--out: {error.filename} can't be written: {error.strerror}") from None
    if as_json:
        typer.echo(dump(manifest), nl=False)
    else:
        show_manifest(manifest, out)
    code = _exit_code([failure.code for failure in manifest.failures])
    if not work.abandoned:  # what is still under way may end as it likes
        client.close()
    raise SystemExit(code)


def _template(templates: Mapping[str, ChartTemplate], template_id: str) -> ChartTemplate:
    """Find a template, or say which ones there are."""
    if template_id in templates:
        return templates[template_id]
    near = difflib.get_close_matches(template_id, templates, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(templates)}"
    raise ConfigError(f"there is no template {template_id!r}; {hint}")


def _split(option: str, values: list[str]) -> list[str]:
    """Read a list that is given with commas, several times, or both; each part once."""
    parts = [part.strip() for value in values for part in value.split(",")]
    if "" in parts:
        raise ConfigError(f"{option} has an empty part: {','.join(values)!r}")
    return list(dict.fromkeys(parts))


def _refuse_missing_fixtures(config: WorkerConfig) -> None:
    """Tell a folder that isn't there once, and not for each chart that can't be in it."""
    if config.mode is ApiMode.MOCK and not os.path.isdir(config.fixtures_dir):  # noqa: PTH112 (never raises)
        raise ConfigError(
            f"the fixtures folder {config.fixtures_dir} is not there; name the one that is in CHARTS_FIXTURES_DIR"
        )


def _refuse_problems(request: ChartRequest) -> None:
    if problems := request.problems:
        raise ConfigError([f"the chart request is wrong: {each.path}: {each.message}" for each in problems])


def _report(request: ChartRequest, result: ChartApiResult, out: Path) -> Mapping[str, object]:
    """Put a result into the form that --json prints."""
    picture = result.png_bytes
    return {
        "ok": result.ok,
        "symbol": request.symbol,
        "timeframe": request.timeframe,
        "template": request.chart_template_id,
        "file": None if picture is None else str(out),
        "bytes": None if picture is None else len(picture),
        "sha256": None if picture is None else hashlib.sha256(picture).hexdigest(),
        "httpStatus": result.http_status,
        "fromFixture": result.from_fixture,
        "fixturePath": None if result.fixture_path is None else str(result.fixture_path),
        "accountId": result.account_id,
        "attempts": result.attempts,
        "error": result.error,
        "warnings": result.warnings,
    }


def _exit_code(codes: list[str]) -> int:
    """Give the exit code of a run whose failures have *codes*."""
    if STORE_UNAVAILABLE in codes:
        return STORE_GONE
    if ErrorCode.CHART_API_LIMIT_EXCEEDED in codes:
        return COME_BACK
    return FAILED if codes else 0
