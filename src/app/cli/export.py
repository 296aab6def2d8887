"""The command ``chartimg export``: fetch many charts into a folder, go on with it later, or tell what it would cost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import attrs
import typer

from ...domain.chart.freshness import Freshness
from ...domain.chart.leeway import Leeway
from ...domain.errors import ConfigError
from ..bootstrap import ChartClient
from ..config import WorkerConfig
from ..export.chart_export import ChartExport
from ..export.export import Export
from ..export.folder import FolderInUse
from ..export.manifest import ExportEnd, Manifest
from ..export.run import ExportRun
from ..export.source import Asked
from .chart_list import ChartList, chart_list
from .close import wait_for_close
from .export_view import following, show_manifest, show_plan
from .options import Exchanges, Fit, Fresh, Json, emit, leeway_of
from .process import (
    COME_BACK,
    FAILED,
    Calls,
    Doubts,
    check_out_folder,
    complain,
    exit_code,
    refuse_missing_fixtures,
    terminable,
)
from .text import counted, printable

__all__ = ["export"]

_MAX_NAMED: Final = 4


def export(  # noqa: PLR0913 (one for each option)
    *,
    symbols: Annotated[
        list[str] | None, typer.Option(metavar="LIST", help="Symbols, such as BTCUSDT,ETHUSDT; may be given again.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="FILE", help="A list of symbols, or a CSV of symbol, timeframe, template; - is stdin."
        ),
    ] = None,
    timeframes: Annotated[list[str] | None, typer.Option(metavar="LIST", help="Intervals, such as 1h,4h.")] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder to write to.")],
    templates: Annotated[
        list[str] | None,
        typer.Option(metavar="LIST", help="Template ids; if left out, all of your own, or else all that ship."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="How many charts are fetched at the same time.")] = 4,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep the pictures that are there, if they are proved and fresh.")
    ] = False,
    fresh: Fresh = None,
    exchanges: Exchanges = None,
    fit: Fit = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only tell what is there, and what would be called for.")
    ] = False,
    at_close: Annotated[
        bool, typer.Option("--at-close", help="First wait until the next candle of one of the charts has closed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Fetch many charts into a folder. They are symbols x timeframes x templates, or a list. manifest.json lists them."""
    config = WorkerConfig.from_env()
    asked = config.fresh if fresh is None else Freshness.of(fresh, where="--fresh")
    if resume and fresh is not None and asked.is_off:
        raise ConfigError("--fresh off asks for new pictures, and --resume keeps old ones; leave one of them out")
    leeway = leeway_of(exchanges, fit)
    charts = chart_list(
        config, symbols=symbols, source=source, timeframes=timeframes, templates=templates, fits=leeway.fits
    )
    if plan:
        _plan(config, charts, out, leeway, resume=resume, fresh=asked, as_json=as_json)
        return
    check_out_folder(out)
    refuse_missing_fixtures(config)
    calls = Calls()
    with ChartClient(config, listener=[calls, Doubts()]) as client, terminable() as codes:
        charts = attrs.evolve(charts, client=client)
        kept_for = None if asked.is_off else asked
        work = Export(client.routes, charts, out, resume=resume, fresh=kept_for, leeway=leeway)
        run = ExportRun(work, partial(client.fetch_for, fresh=asked, leeway=leeway), jobs=jobs)
        try:
            is_given_up = _carry_out(
                work, run, before=partial(wait_for_close, client.routes, charts) if at_close else None
            )
        except FolderInUse as error:
            complain(*error.problems)
            raise SystemExit(COME_BACK) from None
        except OSError as error:
            raise ConfigError(f"--out: {error.filename} can't be written: {error.strerror}") from None
        manifest = work.finish(give_up=is_given_up)
    if as_json:
        for piece in manifest.text():
            typer.echo(piece, nl=False)
    else:
        show_manifest(manifest, out, calls.made, saved=work.saved)
    code = _complained(work, manifest)
    if codes:
        complain(f"interrupted; {calls}")
        raise SystemExit(codes[0])
    raise SystemExit(code)


def _complained(work: Export, manifest: Manifest) -> int:
    """Report a failure of the folder, and return the exit code of an export that was not interrupted."""
    code = exit_code((failure.code, failure.kind) for failure in manifest.failures)
    if work.failure is not None:
        complain(f"no further chart was begun, since {work.failure}")
    elif work.unsaved is not None:
        complain(work.unsaved)
    else:
        return code
    return code or FAILED


def _carry_out(work: Export, run: ExportRun, *, before: Callable[[], None] | None) -> bool:
    """Fetch all charts, and report each. Return whether the run was interrupted twice, so that calls may be under way.

    If there is a wait *before*, mistakes in the charts are found before it.
    """
    try:
        if before is not None:
            work.survey()
            before()
        run.begin()
    except KeyboardInterrupt:
        return False
    with following(len(work)) as on_end:
        try:
            _follow(run, on_end)
        except KeyboardInterrupt:
            try:
                work.stop()
                if under_way := work.calling:
                    complain(f"interrupted: waiting for {_named(under_way)}; a second interrupt gives up")
                _follow(run, on_end)
            except KeyboardInterrupt:
                return True
    return False


def _named(under_way: Sequence[Asked]) -> str:
    """Name calls that are under way."""
    named = ", ".join(printable(str(asked.request.key)) for asked in under_way[:_MAX_NAMED])
    more = len(under_way) - _MAX_NAMED
    return f"{counted(len(under_way), 'call')}: {named}" + (f" and {more:,} more" if more > 0 else "")


def _follow(run: ExportRun, on_end: Callable[[ExportEnd], None]) -> None:
    """Report each end. A failure to report it is logged, and costs no chart."""
    while (end := run.next()) is not None:
        try:
            on_end(end)
        except Exception:
            logging.getLogger("chartimg").exception("the end of %s could not be reported", end.key)


def _plan(
    config: WorkerConfig,
    charts: ChartList,
    out: Path,
    leeway: Leeway,
    *,
    resume: bool,
    fresh: Freshness,
    as_json: bool,
) -> None:
    """Tell what an export would do."""
    kept_for = None if resume and fresh.is_off else fresh
    with ChartClient(config) as client:
        asked = attrs.evolve(charts, client=client)
        made = ChartExport(
            client, asked, out, resume=resume, fresh=kept_for, on_invalid_symbol=leeway.exchanges, fit=leeway.fit
        ).plan()
    emit(made, lambda: show_plan(made), as_json=as_json)
    if made.forecast is not None and not made.forecast.enough:
        raise SystemExit(COME_BACK)
