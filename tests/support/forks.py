"""Processes that begin with everything loaded: forked from one that waits for them, which takes a tenth of the time.

Each is a process of its own all the same, from the first line of its program to the end of its interpreter.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

__all__ = ["forked"]

_PARENT = """
import asyncio, contextlib, encodings.idna, gc, json, logging, os, sys, urllib3, zoneinfo
import chartimg.adapters.fixture, chartimg.adapters.recording, chartimg.adapters.sqlite
import chartimg.app.async_bootstrap, chartimg.app.cli, chartimg.testing
with contextlib.suppress(ImportError):
    import typer._adapters  # which loads pydantic for each command that has arguments

gc.freeze()  # or each child would copy all of it, when its collector runs
for line in sys.stdin:
    asked = json.loads(line)
    if not os.fork():
        break
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
else:
    os._exit(0)

os.environ.clear()
os.environ.update(asked["environ"])
os.chdir(asked["cwd"])
for number, (path, flags) in enumerate([(os.devnull, os.O_RDONLY), *((path, os.O_WRONLY) for path in asked["out"])]):
    opened = os.open(path, flags)
    os.dup2(opened, number)
    os.close(opened)
sys.argv[:] = asked["argv"]
code = asked["code"]
del line, asked, number, path, flags, opened
exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
"""


def forked(
    code: str, *arguments: str, cwd: Path, environ: Mapping[str, str], options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python to its end, as ``python -c`` does; *options* are those of the interpreter."""
    parent = _parent(options)
    assert parent.stdin is not None
    assert parent.stdout is not None
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        asked = {
            "code": code,
            "argv": ["-c", *arguments],
            "cwd": str(cwd),
            "environ": {**environ},
            "out": [out.name, err.name],
        }
        parent.stdin.write(f"{json.dumps(asked)}\n".encode())
        parent.stdin.flush()
        ended = int(parent.stdout.readline())
        return subprocess.CompletedProcess((), ended, out.read().decode(), err.read().decode())


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
