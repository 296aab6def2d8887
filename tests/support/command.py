"""The command ``chartimg`` in tests: as a process of its own, or in this one, which is a hundred times as quick.

In both, the environment has only the variables that a test sets.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import typer

from chartimg.__main__ import main
from chartimg.app.cli import app
from forks import Started, forked
from patience import LONG

Result = subprocess.CompletedProcess[str]

_COMMAND = (sys.executable, "-m", "chartimg")
_get_command = typer.main.get_command
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
BOUND = """
import ctypes, os
if os.geteuid() == 0:
    DAC_OVERRIDE, DAC_READ_SEARCH, library = 1 << 1, 1 << 2, ctypes.CDLL(None)
    version, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert library.capget(version, sets) == 0
    sets[0] &= ~(DAC_OVERRIDE | DAC_READ_SEARCH)
    assert library.capset(version, sets) == 0
"""
"""Puts a program under the permissions of files, also if it is root's (on Linux)."""

MAIN = "import sys; from chartimg.__main__ import main; sys.argv[0] = 'chartimg'; main()"
"""A program that is the command."""


def call(*arguments: str, cwd: Path, **variables: str) -> Result:
    """Run ``chartimg`` as :func:`run` does, but in this process."""
    settings = environment(cwd / "home", **variables)
    with pytest.MonkeyPatch.context() as patch:
        for name in tuple(os.environ):
            patch.delenv(name)
        for name, value in settings.items():
            patch.setenv(name, value)
        patch.chdir(cwd)
        patch.setattr("sys.argv", ["chartimg", *arguments])
        patch.setattr("typer.main.get_command", lambda _: _built())
        return _captured(main)


def invoke(*arguments: str, stdin: bytes = b"") -> Result:
    """Run ``chartimg`` in this process and environment.

    Raises:
        ConfigError: the command ends with it.
    """
    return _captured(lambda: _built()(arguments, prog_name="chartimg"), stdin)


@cache
def _built() -> Callable[..., object]:
    """Build the commands once: that takes longer than most runs of them."""
    return _get_command(app)


def _captured(run: Callable[[], object], stdin: bytes = b"") -> Result:
    """Run a command with streams of its own, and return what a process would."""
    streams = {"stdin": io.BytesIO(stdin), "stdout": io.BytesIO(), "stderr": io.BytesIO()}
    code: object = 0
    with pytest.MonkeyPatch.context() as patch:
        for name, stream in streams.items():
            patch.setattr(sys, name, io.TextIOWrapper(stream, "utf-8", write_through=True))
        try:
            run()
        except SystemExit as end:
            code = end.code
        out, err = (streams[name].getvalue().decode() for name in ("stdout", "stderr"))
    assert isinstance(code, int)
    return subprocess.CompletedProcess((), code, out, err)


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Give the variables of a child: a home of its own, where chartimg is, and *variables*."""
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    python_path = os.pathsep.join(
        filter(os.path.isabs, sys.path)
    )  # an editable installation has a name there that is no path
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": python_path, **coverage, **variables}


def run(*arguments: str, cwd: Path, **variables: str) -> Result:
    """Run ``chartimg`` to its end in *cwd*; that it shows no traceback is asserted for every run."""
    return run_loaded(MAIN, *arguments, cwd=cwd, **variables)


def run_into(stdout: Path, *arguments: str, cwd: Path, **variables: str) -> Result:
    """Run ``chartimg`` with a file as its standard output."""
    return _shown(forked(MAIN, *arguments, cwd=cwd, environ=environment(cwd / "home", **variables), stdout=stdout))


def run_bound(*arguments: str, cwd: Path, **variables: str) -> Result:
    """Run ``chartimg`` bound by the permissions of files, which root (on Linux) otherwise is not."""
    return run_loaded(BOUND + MAIN, *arguments, cwd=cwd, **variables)


def run_loaded(code: str, *arguments: str, cwd: Path, **variables: str) -> Result:
    """Run a piece of Python in a process of its own that has loaded the library before."""
    return _shown(forked(code, *arguments, cwd=cwd, environ=environment(cwd / "home", **variables)))


def run_python(code: str, *arguments: str, cwd: Path, **variables: str) -> Result:
    """Run a piece of Python in a new process, under the same conditions."""
    return run_command(sys.executable, "-c", code, *arguments, cwd=cwd, **variables)


def start(*arguments: str, cwd: Path, code: str = MAIN, **variables: str) -> Started:
    """Start ``chartimg``, or *code* in its place, in *cwd*, for tests that send it signals; the caller ends it."""
    return Started(code, *arguments, cwd=cwd, environ=environment(cwd / "home", **variables))


def start_anew(*arguments: str, cwd: Path, **variables: str) -> subprocess.Popen[str]:
    """Start ``chartimg`` in a new process, whose command line is its own."""
    return subprocess.Popen(
        [*_COMMAND, *arguments],
        cwd=cwd,
        env=environment(cwd / "home", **variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def eventually(holds: Callable[[], bool], *, within: float = LONG) -> None:
    """Wait until *holds*, for what another process does in its own time.

    Raises:
        AssertionError: it did not, *within* so many seconds.
    """
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.01)


async def holds(condition: Callable[[], bool], *, pause: float = 0.001) -> None:
    """Wait on the loop until a *condition* holds, for what threads do in their own time."""
    async with asyncio.timeout(LONG):
        while not condition():  # noqa: ASYNC110 (threads tell nobody)
            await asyncio.sleep(pause)


def plain(shown: str) -> str:
    """Remove colours."""
    return _COLOUR.sub("", shown)


def lines(shown: str) -> list[str]:
    """List the lines of a table, without colours and without spaces at their ends."""
    return [line.rstrip() for line in plain(shown).splitlines()]


def run_command(*command: str, cwd: Path, **variables: str) -> Result:
    """Run a *command* to its end, under the same conditions."""
    child = subprocess.run(
        command,
        cwd=cwd,
        env=environment(cwd / "home", **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=2 * LONG,
        check=False,
    )
    return _shown(child)


def _shown(child: Result) -> Result:
    """Check that no traceback is shown."""
    assert "Traceback" not in child.stderr, child.stderr
    return child
