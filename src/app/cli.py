"""The command ``chartimg``: charts into files, and what the accounts have left.

Exit codes: 0 all there, 1 some charts failed, 2 wrong usage or settings, 75 stopped for want of quota (come back later).
"""

from __future__ import annotations

import difflib
import hashlib
import logging
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from ..codec import dump
from ..domain.chart import ChartRequest
from ..domain.errors import ConfigError, StoreUnavailable
from ..domain.faults import ErrorCode
from ..domain.result import ChartApiResult
from ..domain.template import ChartTemplate
from ..files import write_atomically
from ..version import __version__
from .bootstrap import ChartClient, open_pool, open_templates
from .config import ApiMode, WorkerConfig
from .export import MANIFEST_NAME, Export
from .pool import AccountStatus
from .terminal import following, show_accounts, show_manifest

__all__ = ["app", "run"]

_FAILED: Final = 1
_MISUSED: Final = 2
_COME_BACK: Final = 75  # EX_TEMPFAIL of sysexits.h

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they show local variables, and so keys
    rich_markup_mode=None,
    help="TradingView chart pictures from the CHART-IMG API.",
    epilog="Exit codes: 0 all there, 1 some charts failed, 2 wrong usage or settings, 75 come back later for quota.",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def run() -> None:
    """Run the command; a mistake of the user's ends it with one line and exit code 2."""
    try:
        app(prog_name="chartimg")
    except (ConfigError, StoreUnavailable) as error:
        _refuse(*(error.problems if isinstance(error, ConfigError) else (str(error),)))
    except BrokenPipeError:  # the reader of our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(_FAILED) from None


def _version(asked: bool) -> None:  # noqa: FBT001 (typer's own form of a callback)
    if asked:
        typer.echo(f"chartimg {__version__}")
        raise typer.Exit


@app.callback()
def main(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens on standard error.")] = False,
    version: Annotated[  # noqa: ARG001 (its callback acts)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """TradingView chart pictures from the CHART-IMG API."""
    if verbose:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
        logging.getLogger("chartimg").setLevel(logging.DEBUG)


@app.command()
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
    request = _template(open_templates(config), template).request(symbol, timeframe)
    _refuse_problems(request)
    _refuse_unwritable(out.parent)
    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder; name a file in it")
    with ChartClient(config) as client:
        result = client.fetch(request)
    if result.ok:
        _write(out, result.unwrap())
    if as_json:
        typer.echo(dump(_report(request, result, out)), nl=False)
    elif result.error is None:
        source = f"fixture {result.fixture_path}" if result.from_fixture else f"account {result.account_id}"
        typer.echo(f"{request.key}: {out} ({len(result.unwrap()):,} bytes, from {source})")
    if result.error is not None:
        _complain(f"{request.key}: {result.error.code} ({result.error.kind}): {result.error.message}")
        raise SystemExit(_exit_code([result.error.code]))


@app.command()
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
    known = open_templates(config)
    chosen = [_template(known, each) for each in (_split("--templates", templates) if templates else known)]
    requests = [
        template.request(symbol, timeframe)
        for symbol in _split("--symbols", symbols)
        for timeframe in _split("--timeframes", timeframes)
        for template in chosen
    ]
    for request in requests:
        _refuse_problems(request)
    _refuse_unwritable(out)
    client = ChartClient(config)
    with following(len(set(requests))) as told, _terminable():
        work = Export(client.fetch, requests, out, jobs=jobs, told=told)
        try:
            manifest = work.run()
        except OSError as error:
            raise ConfigError(f"--out: {out / MANIFEST_NAME} can't be written: {error.strerror}") from None
    if as_json:
        typer.echo(dump(manifest), nl=False)
    else:
        show_manifest(manifest, out)
    code = _exit_code([failure.code for failure in manifest.failures])
    if work.abandoned:  # threads that still wait for a reply would keep the process
        sys.stdout.flush()
        os._exit(code)
    client.close()
    raise SystemExit(code)


@app.command()
def accounts(*, as_json: Json = False) -> None:
    """Show what each account has left and when it comes back."""
    config = WorkerConfig.from_env()
    if config.mode is ApiMode.MOCK:
        statuses: tuple[AccountStatus, ...] = ()
    else:
        pool = open_pool(config)
        try:
            statuses = pool.status()
        finally:
            pool.close()
    if as_json:
        typer.echo(dump({"accounts": statuses}), nl=False)
    elif config.mode is ApiMode.MOCK:
        typer.echo("CHARTS_API_MODE=mock uses no accounts.")
    else:
        show_accounts(statuses)


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


def _refuse_problems(request: ChartRequest) -> None:
    if problems := request.problems():
        raise ConfigError([f"the chart request is wrong: {problem}" for problem in problems])


def _refuse_unwritable(folder: Path) -> None:
    """Find a folder that can't be written before a call is paid for."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".chartimg-probe"
        write_atomically(probe, b"")
        probe.unlink()
    except OSError as error:
        raise ConfigError(f"--out: the folder {folder} can't be written: {error.strerror}") from None


def _write(out: Path, picture: bytes) -> None:
    try:
        write_atomically(out, picture)
    except OSError as error:
        raise ConfigError(f"--out: {out} can't be written: {error.strerror}") from None


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
    }


@contextmanager
def _terminable() -> Iterator[None]:
    """Take a SIGTERM for a Ctrl-C, so that the manifest is still written."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit_code(codes: list[str]) -> int:
    """Give the exit code of a run whose failures have *codes*."""
    if ErrorCode.CHART_API_LIMIT_EXCEEDED in codes:
        return _COME_BACK
    return _FAILED if codes else 0


def _complain(*lines: str) -> None:
    for line in lines:
        typer.echo(f"chartimg: {line}", err=True)


def _refuse(*problems: str) -> NoReturn:
    _complain(*problems)
    raise SystemExit(_MISUSED)
