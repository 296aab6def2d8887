"""The command ``chartimg``: its parts, its own options, and the end of a run."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
from typing import Annotated, Final

import typer

from ...domain.errors import ConfigError, StoreUnavailable
from ...version import __version__
from .accounts import accounts_app
from .cache import cache_app
from .catalog import catalog_app
from .charts import fetch, layout
from .check import check
from .close import next_close_command
from .emulate import emulate
from .export import export
from .fixtures import fixtures_app
from .mcp import mcp
from .options import group
from .process import FAILED, MISUSED, STORE_GONE, complain, discard_output
from .serve import serve
from .store import store
from .symbols import symbols
from .templates import templates_app

__all__ = ["app", "run"]

_OF_WRITING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors of a full or broken device. Files have names, and sockets have others; a standard stream has neither."""
_STDERR: Final = 2  # the last descriptor of the standard streams

app = group(
    "Get TradingView chart pictures from the CHART-IMG API.",
    epilog="Exit codes: 0 success, 1 a chart failed or a check found an error, 2 wrong usage or settings, "
    "69 the account store can't be reached or opened, 75 no quota left, the service is down or the folder in use: try again later, 130 or 143 interrupted.",
)
app.command()(fetch)
app.command()(layout)
app.command()(store)
app.command()(export)
app.command()(symbols)
app.command("next-close")(next_close_command)
app.command()(check)
app.command()(emulate)
app.command()(serve)
app.command()(mcp)
app.add_typer(accounts_app, name="accounts")
app.add_typer(cache_app, name="cache")
app.add_typer(catalog_app, name="catalog")
app.add_typer(fixtures_app, name="fixtures")
app.add_typer(templates_app, name="templates")


def run() -> None:
    """Run the command. A mistake of the user ends it with one line for each problem, and exit code 2."""
    _occupy_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a symbol may have characters that the terminal lacks
    try:
        app(prog_name="chartimg")
    except ConfigError as error:
        complain(*error.problems)
        raise SystemExit(MISUSED) from None
    except StoreUnavailable as error:
        complain(str(error))
        raise SystemExit(STORE_GONE) from None
    except OSError as error:
        if not _output_is_lost():
            unnamed = (
                f"standard output can't be written: {error.strerror}" if error.errno in _OF_WRITING else str(error)
            )
            complain(f"{error.filename}: {error.strerror}" if error.filename else unnamed)
        raise SystemExit(FAILED) from None
    finally:
        if _output_is_lost():
            raise SystemExit(FAILED)


def _occupy_closed_streams() -> None:
    """Open a closed standard stream on nothing, or the next file or connection would take its place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)


def _output_is_lost() -> bool:
    """Return whether standard output can't be written. If so, say it once, and send the rest to nowhere."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # the reader has left
            complain(f"standard output can't be written: {error.strerror}")
        discard_output()
        return True
    return False


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
