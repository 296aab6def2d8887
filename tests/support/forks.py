"""Processes that begin with everything loaded: forked from one that waits for them, which takes a tenth of the time.

Each is a process of its own all the same, from the first line of its program to the end of its interpreter.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Self

from patience import LONG

__all__ = ["Started", "forked"]

_PARENT = """
import asyncio, contextlib, encodings.idna, gc, json, logging, os, sys, urllib3, zoneinfo
import chartimg.adapters.fixture, chartimg.adapters.recording, chartimg.adapters.sqlite
import chartimg.app.async_bootstrap, chartimg.app.cli, chartimg.testing
with contextlib.suppress(ImportError):
    import typer._adapters  # which loads pydantic for each command that has arguments

gc.freeze()  # or each child would copy all of it, when its collector runs
for line in sys.stdin:
    asked = json.loads(line)
    if not (pid := os.fork()):
        if not asked["told"] or not (pid := os.fork()):
            break
        with open(asked["told"], "w") as told:
            print(pid, file=told, flush=True)
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file=told, flush=True)
        os._exit(0)
    if not asked["told"]:
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
else:
    os._exit(0)

os.environ.clear()
os.environ.update(asked["environ"])
os.chdir(asked["cwd"])
for number, (path, flags) in enumerate([(os.devnull, os.O_RDONLY), *((path, os.O_WRONLY) for path in asked["out"])]):
    opened = os.open(path, flags)
    os.dup2(opened, number)
    os.close(opened)
sys.stdin = sys.__stdin__ = open(0, closefd=False)
sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)
sys.stderr = sys.__stderr__ = open(2, "w", 1, errors="backslashreplace", closefd=False)
sys.argv[:] = asked["argv"]
code = asked["code"]
del line, asked, number, path, flags, opened, pid
exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
"""


def forked(
    code: str,
    *arguments: str,
    cwd: Path,
    environ: Mapping[str, str],
    options: tuple[str, ...] = (),
    stdout: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python to its end, as ``python -c`` does.

    *options* are those of the interpreter, and *stdout* is the path of its standard output, which else is returned.
    """
    parent = _parent(options)
    assert parent.stdout is not None
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        _ask(parent, code, arguments, cwd, environ, [str(stdout or out.name), err.name])
        ended = int(parent.stdout.readline())
        return subprocess.CompletedProcess((), ended, out.read().decode(), err.read().decode())


class Started:
    """A process that runs a piece of Python and goes on, with what tests use of ``subprocess.Popen``."""

    def __init__(self, code: str, *arguments: str, cwd: Path, environ: Mapping[str, str]) -> None:
        """Start it."""
        self.returncode: int | None = None
        with tempfile.TemporaryDirectory() as folder:
            told, *out = (os.path.join(folder, name) for name in ("told", "out", "err"))  # noqa: PTH118
            for path in (told, *out):
                os.mkfifo(path)
            _ask(_parent(()), code, arguments, cwd, environ, out, told)
            self._told = open(told, "rb", buffering=0)  # noqa: PTH123, SIM115
            self.stdout, self.stderr = (open(path, encoding="utf-8") for path in out)  # noqa: PTH123, SIM115
            self.pid = int(self._told.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        self._close()

    def poll(self) -> int | None:
        """Return the exit code if it has ended."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = int(self._told.readline())
        return self.returncode

    def wait(self, timeout: float = LONG) -> int:
        """Return the exit code when it has ended."""
        if self.returncode is None:
            select.select([self._told], [], [], timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired("chartimg", timeout)
        return code

    def communicate(self, timeout: float = LONG) -> tuple[str, str]:
        """Return all that it still prints until its end."""
        with ThreadPoolExecutor(1) as threads:
            errors = threads.submit(self.stderr.read)
            out, err = self.stdout.read(), errors.result()
        self.wait(timeout)
        self._close()
        return out, err

    def send_signal(self, sent: signal.Signals) -> None:
        """Send a signal if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, sent)

    def kill(self) -> None:
        """Kill it if it has not ended."""
        self.send_signal(signal.SIGKILL)

    def _close(self) -> None:
        for stream in (self._told, self.stdout, self.stderr):
            stream.close()


def _ask(
    parent: subprocess.Popen[bytes],
    code: str,
    arguments: tuple[str, ...],
    cwd: Path,
    environ: Mapping[str, str],
    out: Sequence[str],
    told: str = "",
) -> None:
    """Let the parent fork; if *told* is a path, the child's id and exit code are written there."""
    asked = {
        "code": code,
        "argv": ["-c", *arguments],
        "cwd": str(cwd),
        "environ": {**environ},
        "out": out,
        "told": told,
    }
    assert parent.stdin is not None
    parent.stdin.write(f"{json.dumps(asked)}\n".encode())
    parent.stdin.flush()


@cache
def _parent(options: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """Start the process that loads everything, once for each set of *options*."""
    parent = subprocess.Popen(
        [sys.executable, *options, "-c", _PARENT],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(parent.communicate)
    return parent
