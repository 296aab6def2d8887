"""A command as a process: exit codes, complaints, files that options name, calls that it made, and an orderly end."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import typer

from ... import files
from ...domain.chart import Request
from ...domain.errors import ConfigError
from ...domain.events import CallFinished, CallStarted, Event, RequestDoubtful
from ...domain.faults import ErrorCode, FaultKind
from ...domain.finding import Finding
from ...domain.fixture import no_fixtures
from ...domain.result import ChartApiFailure, Circumstances
from ..config import WorkerConfig
from ..export.manifest import STORE_UNAVAILABLE
from ..mode import ApiMode
from .text import counted, is_terminal

__all__ = [
    "COME_BACK",
    "FAILED",
    "MISUSED",
    "STANDARD_OUTPUT",
    "STORE_GONE",
    "Calls",
    "Doubts",
    "check_out_file",
    "check_out_folder",
    "complain",
    "discard_output",
    "exit_code",
    "of_call",
    "refuse_missing_fixtures",
    "refuse_problems",
    "terminable",
    "told_end",
    "write",
]

FAILED: Final = 1
MISUSED: Final = 2
STORE_GONE: Final = 69  # EX_UNAVAILABLE of sysexits.h
COME_BACK: Final = 75  # EX_TEMPFAIL of sysexits.h
STANDARD_OUTPUT: Final = Path("-")
"""The value of --out that stands for standard output. Then nothing else is printed there."""


class Calls:
    """A listener that counts the calls of each account."""

    def __init__(self) -> None:
        self._charged: Counter[str] = Counter()

    @property
    def made(self) -> int:
        """The calls that may have reached the provider."""
        return self._charged.total()

    def notify(self, event: Event) -> None:
        """Count a call when it starts. One that was never sent is not charged."""
        match event:
            case CallStarted(account_id=account):
                self._charged[account] += 1
            case CallFinished(account_id=account, kind=FaultKind.NOT_SENT):
                self._charged[account] -= 1

    def __str__(self) -> str:
        paid = {account: count for account, count in sorted(self._charged.items()) if count}
        if not paid:
            return "no call is charged"
        stays = "stays" if self.made == 1 else "stay"
        by_account = ", ".join(f"{count:,} to {account}" for account, count in paid.items())
        return f"{counted(self.made, 'call')} {stays} charged: {by_account}"


class Doubts:
    """A listener that prints the findings about a request before its first call, when Ctrl-C still saves the unit.

    Attributes:
        told: the findings that were printed.
    """

    def __init__(self) -> None:
        self.told: set[Finding] = set()

    def notify(self, event: Event) -> None:
        """Print the findings of a request that is sent in spite of them."""
        if isinstance(event, RequestDoubtful):
            self.told.update(event.findings)
            complain(*(f"{event.chart}: {finding}" for finding in event.findings))


def complain(*lines: str) -> None:
    """Write *lines* to standard error, each with the name of the command."""
    for line in lines:
        typer.echo(f"chartimg: {line}", err=True)


def exit_code(ends: Iterable[tuple[str, str | None]]) -> int:
    """Return the exit code of a run with failures of these codes and kinds."""
    codes = set(ends)
    if any(code == STORE_UNAVAILABLE for code, _ in codes):
        return STORE_GONE
    if any(code == ErrorCode.CHART_API_LIMIT_EXCEEDED or kind == FaultKind.SERVICE_DOWN for code, kind in codes):
        return COME_BACK
    return FAILED if codes else 0


def refuse_problems(request: Request) -> None:
    """Check a request by the rules that need no catalog, before anything is opened.

    Raises:
        ConfigError: with a line for each problem.
    """
    if problems := request.problems:
        raise ConfigError([f"the chart request is wrong: {each.path}: {each.message}" for each in problems])


def of_call(result: Circumstances) -> Mapping[str, object]:
    """Return the circumstances of *result* in the form that --json prints, for every endpoint."""
    return {
        "httpStatus": result.http_status,
        "source": result.source,
        "takenAt": result.taken_at,
        "fixturePath": None if result.fixture_path is None else str(result.fixture_path),
        "accountId": result.account_id,
        "attempts": result.attempts,
        "error": result.error if isinstance(result, ChartApiFailure) else None,
        "warnings": result.warnings,
    }


def told_end(name: object, result: Circumstances, doubts: Doubts) -> None:
    """Report the warnings of *result*, that of *name*, that were not told yet, and end the command if it is a failure."""
    complain(*(f"{name}: {finding}" for finding in result.warnings if finding not in doubts.told))
    if isinstance(result, ChartApiFailure):
        error = result.error
        complain(f"{name}: {error.code} ({error.kind}, see {error.help}): {error.message}")
        raise SystemExit(exit_code([(error.code, error.kind)]))


def refuse_missing_fixtures(config: WorkerConfig) -> None:
    """Report a missing folder once, instead of for each chart.

    Raises:
        ConfigError: in mock mode there is no folder of fixtures.
    """
    if config.mode is ApiMode.MOCK and not os.path.isdir(config.fixtures_dir):  # noqa: PTH112 (never raises)
        raise no_fixtures(config.fixtures_dir)


def check_out_folder(folder: Path) -> None:
    """Raise ConfigError if *folder* can't be made or written, before a call is paid for."""
    if folder == STANDARD_OUTPUT:
        raise ConfigError("--out: - is standard output; name a folder")
    try:
        files.refuse_unwritable(folder)
    except FileExistsError:
        raise ConfigError(f"--out: {folder} is not a folder; name a folder") from None
    except OSError as error:
        raise ConfigError(f"--out: the folder {folder} can't be written: {_reason(folder, error)}") from None


def check_out_file(out: Path, *, as_json: bool = False) -> None:
    """Raise ConfigError if the file *out* can't be written, before a call is paid for."""
    if out == STANDARD_OUTPUT:
        if sys.stdout is None:
            raise ConfigError("--out: standard output is closed; name a file")
        if is_terminal(sys.stdout):
            raise ConfigError("--out: standard output is a terminal; redirect it, or name a file")
        if as_json:
            raise ConfigError("--out - and --json both write to standard output; name a file")
        return
    try:
        mode = out.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    except OSError as error:
        raise _unwritable(out, error) from None
    if stat.S_ISDIR(mode):
        raise ConfigError(f"--out: {out} is a folder; name a file in it")
    if stat.S_ISREG(mode):
        check_out_folder(_real(out).parent)


def write(out: Path, content: bytes) -> None:
    """Write the file that --out names.

    Raises:
        ConfigError: it can't be written; the file of before is still there.
        BrokenPipeError: it is standard output, and its reader has left.
    """
    try:
        if out == STANDARD_OUTPUT:
            typer.echo(content, nl=False)
        elif out.exists() and not out.is_file():  # a pipe or a device is written to, not replaced
            out.write_bytes(content)
        else:
            files.write_atomically(_real(out), content)
    except OSError as error:
        if out == STANDARD_OUTPUT:
            if isinstance(error, BrokenPipeError):
                raise
            discard_output()  # the end of the run would report it again
        raise _unwritable(out, error) from None


def discard_output() -> None:
    """Send the rest of standard output to nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unwritable(out: Path, error: OSError) -> ConfigError:
    name = "standard output" if out == STANDARD_OUTPUT else out
    return ConfigError(f"--out: {name} can't be written: {_reason(out, error)}")


def _reason(path: Path, error: OSError) -> str | None:
    """Return why *path* can't be written. In a deleted folder the system says only that a path does not exist."""
    try:
        path.absolute()
    except FileNotFoundError:
        return "the working directory was deleted; change to another one"
    return error.strerror


def _real(path: Path) -> Path:
    """Follow links, so that the target of a link is replaced and the link stays.

    Raises:
        ConfigError: the path is relative, and the working directory was deleted.
    """
    try:
        return Path(os.path.realpath(path))
    except OSError as error:
        raise _unwritable(path, error) from None


@contextmanager
def terminable() -> Iterator[list[int]]:
    """Treat a SIGTERM like a Ctrl-C, so that the run still ends in order. The list gets the exit code of each signal."""
    codes: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        codes.append(128 + number)
        raise KeyboardInterrupt

    heard = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, interrupt) for each in heard}
    try:
        yield codes
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
