"""The command ``chartimg emulate``: run an emulated CHART-IMG, alone or around another command."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ...domain.errors import ConfigError, missing_extra
from ...files import read_text
from .process import complain, terminable
from .text import counted

if TYPE_CHECKING:
    from ...emulator.accounts import EmulatedAccount
    from ...emulator.running import Emulator

__all__ = ["emulate"]

_DEFAULT_PORT: Final = 8080
_MAX_END_SECONDS: Final = 10.0  # a command may need this long to end by itself


def emulate(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND", help="After --: a command to run against it; the emulator ends with the command."
        ),
    ] = None,
    *,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="The port to listen on; if left out 8080, or a free port for a command."),
    ] = None,
    accounts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A file with accounts, as in CHART_IMG_ACCOUNTS_JSON; one demo account if left out."
        ),
    ] = None,
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with a scenario: latency and faults.")
    ] = None,
    sessions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A file with TradingView sessions, and their private layouts; one if left out."
        ),
    ] = None,
) -> None:
    """Run an emulated CHART-IMG on loopback. It serves real HTTP, and needs no real key and no quota."""
    if any(find_spec(needed) is None for needed in ("h11", "PIL")):
        raise missing_extra("the emulator", "emulator")
    from ...emulator.accounts import DEMO, read_accounts
    from ...emulator.running import Emulator
    from ...emulator.scenario import read_scenario
    from ...emulator.sessions import read_sessions
    from ..config import read_catalog

    known: Sequence[EmulatedAccount] = (DEMO,)
    if accounts is not None:
        text = read_text(str(accounts), what="--accounts", piped=True)
        known = read_accounts(text, where=f"--accounts {accounts}")
    scenario = None
    if script is not None:
        scenario = read_scenario(read_text(str(script), what="--script", piped=True), where=f"--script {script}")
    started = _found(command) if command else []
    signed_in = None
    if sessions is not None:
        text = read_text(str(sessions), what="--sessions", piped=True)
        signed_in = read_sessions(text, where=f"--sessions {sessions}")
    if port is None:
        port = 0 if started else _DEFAULT_PORT
    with Emulator(known, scenario, port=port, catalog=read_catalog(), sessions=signed_in) as emulator, terminable():
        _log(logging.WARNING if started else logging.INFO)
        complain(
            f"CHART-IMG is emulated at {emulator.url} for {', '.join(f'{a.id} ({a.plan})' for a in emulator.accounts)}"
        )
        code = 0
        if started:
            code = _run(started, emulator)
        else:
            _show_requests(emulator.url, DEMO.api_key if accounts is None else "<a key in the file>")
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
        _report_calls(emulator)
    raise SystemExit(code)


def _found(command: Sequence[str]) -> Sequence[str]:
    """Return *command* with the path of its program.

    Raises:
        ConfigError: the program is not installed, or not a program.
    """
    program, path = shutil.which(command[0]), Path(command[0])
    if program is None and os.sep in command[0] and path.exists():
        reason = "it is a folder" if path.is_dir() else f"it is not executable; if it is a script, run: chmod +x {path}"
        raise ConfigError(f"the command {command[0]} can't be run: {reason}")
    if program is None:
        raise ConfigError(f"there is no command {command[0]!r}; install it, or put its folder on the PATH")
    return [program, *command[1:]]


def _run(command: Sequence[str], emulator: Emulator) -> int:
    """Run *command* with settings that point it at the emulator, and return its exit code."""
    with tempfile.TemporaryDirectory(prefix="chartimg-emulate-") as folder:
        books = f"sqlite:///{folder}/accounts.sqlite3"  # shared by all processes of the command
        environ = {**os.environ, **emulator.environ, "CHARTS_ACCOUNT_STORE": books}
        with _started(command, environ) as child:
            try:
                code = child.wait()
            except KeyboardInterrupt:
                code = _end(child)
    return code if code >= 0 else 128 - code


def _started(command: Sequence[str], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start *command*.

    Raises:
        ConfigError: the system can't run its program.
    """
    try:
        return subprocess.Popen(command, env=environ)  # noqa: S603 (the user's own command)
    except FileNotFoundError:
        reason = "the interpreter that its first line names does not exist"
    except OSError as error:
        reason = f"{error.strerror}; a script needs a first line like #!/bin/sh"
    raise ConfigError(f"the command {command[0]} can't be run: {reason}")


def _end(child: subprocess.Popen[bytes]) -> int:
    """Ask a command to end, and kill it if it takes too long."""
    child.terminate()
    try:
        return child.wait(_MAX_END_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()
        return child.wait()


def _log(level: int) -> None:
    """Log the calls that the emulator receives, unless --verbose logs all events."""
    logger = logging.getLogger("chartimg.emulator")
    if not logger.isEnabledFor(logging.DEBUG):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        logger.addHandler(handler)
        logger.setLevel(level)


def _show_requests(url: str, key: str) -> None:
    body = '{"symbol": "BINANCE:BTCUSDT", "interval": "1h", "studies": [{"name": "Volume"}]}'
    for line in (
        f"curl {url}/v2/tradingview/advanced-chart -H 'x-api-key: {key}' \\",
        f"  -H 'content-type: application/json' -d '{body}' -o chart.png",
        f"curl {url}/_emulator/ledger",
    ):
        typer.echo(line, err=True)  # as it is, to be copied


def _report_calls(emulator: Emulator) -> None:
    """Report the calls of every account, to be compared with a client's own books."""
    ledger = emulator.ledger()
    for name, account in ledger.accounts.items():
        total = account.total
        complain(
            f"{name}: {counted(total.asked, 'call')}, {total.charged} charged, "
            f"{total.throttled} throttled, {total.refused} refused for want of quota"
        )
    if ledger.unknown_key:
        complain(f"{counted(ledger.unknown_key, 'call')} with an unknown key")
