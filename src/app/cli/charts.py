"""The commands ``chartimg fetch`` and ``chartimg export``: get one chart, or a grid of charts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ...domain.chart import ChartRequest
from ...domain.chart.freshness import Freshness
from ...domain.errors import ConfigError
from ...domain.faults import ErrorCode
from ...domain.fixture import no_fixtures
from ...domain.result import ChartApiResult, Source
from ..bootstrap import ChartClient, open_templates
from ..config import WorkerConfig, rules_of
from ..export import Export
from ..manifest import STORE_UNAVAILABLE
from ..mode import ApiMode
from .charts_view import following, show_manifest
from .options import Fresh, Json, emit
from .process import (
    COME_BACK,
    FAILED,
    STANDARD_OUTPUT,
    STORE_GONE,
    Calls,
    Doubts,
    check_out_file,
    check_out_folder,
    complain,
    terminable,
    write,
)

__all__ = ["export", "fetch"]


def fetch(
    symbol: Annotated[
        str, typer.Argument(metavar="SYMBOL", help="BINANCE:BTCUSDT, or BTCUSDT for the template's exchange.")
    ],
    timeframe: Annotated[str, typer.Argument(metavar="TIMEFRAME", help="The interval, such as 1h; case matters.")],
    *,
    template: Annotated[str, typer.Option(metavar="ID", help="The id of the chart template.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The PNG file to write, or - for standard output.")],
    fresh: Fresh = None,
    as_json: Json = False,
) -> None:
    """Fetch one chart into a file."""
    asked = None if fresh is None else Freshness.of(fresh, where="--fresh")
    config = WorkerConfig.from_env()
    request = open_templates(config, [template])[0].request(symbol, timeframe)
    _refuse_problems(request)
    check_out_file(out, as_json=as_json)
    _refuse_missing_fixtures(config)
    calls, doubts = Calls(), Doubts()
    with ChartClient(config, listener=[calls, doubts]) as client, terminable() as codes:
        try:
            result = client.fetch(request, fresh=asked)
            if result.ok:
                _save(out, result.unwrap(), calls)
        except KeyboardInterrupt:
            complain(f"{request.key}: interrupted; {calls}")
            raise SystemExit(codes[0]) from None

    def show() -> None:
        if result.error is None and out != STANDARD_OUTPUT:
            source = f"fixture {result.fixture_path}" if result.from_fixture else f"account {result.account_id}"
            if result.source is Source.CACHE:
                source = f"the cache, taken at {result.taken_at:%Y-%m-%d %H:%M:%S} UTC"
            typer.echo(f"{request.key}: {out} ({len(result.unwrap()):,} bytes, from {source})")

    emit(_report(request, result, out), show, as_json=as_json)
    complain(*(f"{request.key}: {finding}" for finding in result.warnings if finding not in doubts.told))
    if result.error is not None:
        complain(f"{request.key}: {result.error.code} ({result.error.kind}): {result.error.message}")
        raise SystemExit(_exit_code([result.error.code]))


def _save(out: Path, picture: bytes, calls: Calls) -> None:
    """Write a picture. If it can't be written, say which calls it cost."""
    try:
        write(out, picture)
    except ConfigError as error:
        complain(f"{error}; {calls}")
        raise SystemExit(FAILED) from None
    except BrokenPipeError:
        if calls.made:
            complain(f"the reader of standard output has left; {calls}")
        raise


def export(
    *,
    symbols: Annotated[
        list[str], typer.Option(metavar="LIST", help="Symbols, such as BTCUSDT,ETHUSDT; may be given again.")
    ],
    timeframes: Annotated[list[str], typer.Option(metavar="LIST", help="Intervals, such as 1h,4h.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder to write to.")],
    templates: Annotated[
        list[str] | None,
        typer.Option(metavar="LIST", help="Template ids; if left out, all of your own, or else all that ship."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="How many charts are fetched at the same time.")] = 4,
    as_json: Json = False,
) -> None:
    """Fetch a grid of charts into a folder. The grid is symbols x timeframes x templates; manifest.json lists it."""
    config = WorkerConfig.from_env()
    chosen = open_templates(config, _split("--templates", templates) if templates else None)
    requests = [
        template.request(symbol, timeframe).with_timezone(config.default_timezone)
        for symbol in _split("--symbols", symbols)
        for timeframe in _split("--timeframes", timeframes)
        for template in chosen
    ]
    for request in requests:
        _refuse_problems(request)
    check_out_folder(out)
    _refuse_missing_fixtures(config)
    calls = Calls()
    with (
        ChartClient(config, listener=[calls, Doubts()]) as client,
        following(len(set(requests))) as on_end,
        terminable() as codes,
    ):
        rules = partial(rules_of, config.catalog)
        work = Export(
            client.fetch,
            requests,
            out,
            jobs=jobs,
            on_end=on_end,
            listener=client.listener,
            rules=rules,
            end_waits=client.close,
        )
        try:
            manifest = work.run()
        except OSError as error:
            raise ConfigError(f"--out: {error.filename} can't be written: {error.strerror}") from None
    emit(manifest, lambda: show_manifest(manifest, out, calls.made, saved=work.saved), as_json=as_json)
    code = _exit_code([failure.code for failure in manifest.failures])
    if work.failure is not None:
        code = code or FAILED
        complain(f"no further chart was begun, since {work.failure}")
    if codes:
        code = codes[0]
        complain(f"interrupted; {calls}")
    raise SystemExit(code)


def _split(option: str, values: list[str]) -> list[str]:
    """Split a list that is given with commas, several times, or both; keep each part once."""
    parts = [part.strip() for value in values for part in value.split(",")]
    if "" in parts:
        raise ConfigError(f"{option} has an empty part: {','.join(values)!r}")
    return list(dict.fromkeys(parts))


def _refuse_missing_fixtures(config: WorkerConfig) -> None:
    """Report a missing folder once, instead of for each chart."""
    if config.mode is ApiMode.MOCK and not os.path.isdir(config.fixtures_dir):  # noqa: PTH112 (never raises)
        raise no_fixtures(config.fixtures_dir)


def _refuse_problems(request: ChartRequest) -> None:
    if problems := request.problems:
        raise ConfigError([f"the chart request is wrong: {each.path}: {each.message}" for each in problems])


def _report(request: ChartRequest, result: ChartApiResult, out: Path) -> Mapping[str, object]:
    """Return a result in the form that --json prints."""
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
        "source": result.source,
        "takenAt": result.taken_at,
        "fromFixture": result.from_fixture,
        "fixturePath": None if result.fixture_path is None else str(result.fixture_path),
        "accountId": result.account_id,
        "attempts": result.attempts,
        "error": result.error,
        "warnings": result.warnings,
    }


def _exit_code(codes: Sequence[str]) -> int:
    """Return the exit code of a run with failures of these *codes*."""
    if STORE_UNAVAILABLE in codes:
        return STORE_GONE
    if ErrorCode.CHART_API_LIMIT_EXCEEDED in codes:
        return COME_BACK
    return FAILED if codes else 0
