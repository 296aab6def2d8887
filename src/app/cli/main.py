"""The command ``chartimg``: its parts, its own options, and the end of a run."""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import Annotated

import typer

from ...domain.errors import ConfigError, StoreBusy, StoreUnavailable
from ...version import __version__
from .accounts import accounts_app
from .catalog import catalog_app
from .charts import export, fetch
from .check import check
from .emulate import emulate
from .fixtures import fixtures_app
from .options import group
from .process import FAILED, MISUSED, STORE_GONE, complain
from .templates import templates_app

__all__ = ["app", "run"]

app = group(
    "Get TradingView chart pictures from the CHART-IMG API.",
    epilog="Exit codes: 0 success, 1 a chart failed or a check found an error, 2 wrong usage or settings, "
    "69 the account store can't be reached, 75 no quota left, try again later.",
)
app.command()(fetch)
app.command()(export)
app.command()(check)
app.command()(emulate)
app.add_typer(accounts_app, name="accounts")
app.add_typer(catalog_app, name="catalog")
app.add_typer(fixtures_app, name="fixtures")
app.add_typer(templates_app, name="templates")


def run() -> None:
    """Run the command. A mistake of the user ends it with one line for each problem, and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a symbol may have characters that the terminal lacks
    try:
        try:
            app(prog_name="chartimg")
        finally:
            sys.stdout.flush()
    except ConfigError as error:
        complain(*error.problems)
        raise SystemExit(MISUSED) from None
    except StoreUnavailable as error:
        complain(str(error))
        is_setting = isinstance(error.__cause__, OSError) and not isinstance(error, StoreBusy)  # a path or a permission
        raise SystemExit(MISUSED if is_setting else STORE_GONE) from None
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # of a reader that has left
            complain(f"standard output can't be written: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(FAILED) from None


def _print_version(asked: bool) -> None:  # noqa: FBT001 (typer's own form of a callback)
    if asked:
        typer.echo(f"chartimg {__version__}")
        raise typer.Exit


@app.callback()
def main(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log events on standard error.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Get TradingView chart pictures from the CHART-IMG API."""
    if verbose:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
        logging.getLogger("chartimg").setLevel(logging.DEBUG)
