"""Processes of eight threads that claim the units of one account as fast as possible, and may be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TextIO

import attrs

THREADS, UNITS = 8, 50

_WORKER = """
import os, sys, threading, psycopg, redis
from chartimg import Account, AccountPool, StoreUnavailable
from chartimg.app.stores import open_store
from chartimg.domain.account.turn import Granted
from chartimg.adapters import postgresql, redis, sqlite
url, threads, units, *ends = sys.argv[1:]
for given, said in zip(ends[::2], ends[1::2]):
    if not (pid := os.fork()):
        break
    print(pid, flush=True)
for end in {*ends} - ({given, said} if not pid else set()):
    os.close(int(end))
if pid:
    sys.stdin.read()
    for _ in ends[::2]:
        os.wait()
    sys.exit()
store, lock, said = open_store(url), threading.Lock(), int(said)

def say(line):
    with lock:
        os.write(said, f"{line}\\n".encode())

def work(pool):
    while True:
        say("try")
        outcome = pool.claim()
        if not isinstance(outcome, Granted):
            return say("none")
        say(f"got {outcome.claim.serial}")

for line in os.fdopen(int(given)):
    pool = AccountPool([Account(line.strip(), "canary-key", int(units), None, 1e5, 10**5)], store)
    crowd = [threading.Thread(target=work, args=(pool,)) for _ in range(int(threads))]
    for each in crowd: each.start()
    for each in crowd: each.join()
    say("done")
"""


@attrs.define
class Claimant:
    """One of the processes: *given* takes the ids of accounts, *said* has the lines that it printed."""

    pid: int
    given: TextIO
    said: TextIO


@attrs.define
class Claimants:
    """Processes over one store, kept for several rounds."""

    children: list[Claimant]

    def race(self, account_id: str, *, kill: dict[int, int] | None = None) -> list[list[str]]:
        """Let all claim on a new account until no unit is left; return the lines that each printed.

        *kill* maps a child's place to the number of its lines after which it is killed.
        """
        said: list[list[str]] = [[] for _ in self.children]

        def listen(place: int) -> None:
            child = self.children[place]
            for line in child.said:
                said[place].append(line.strip())
                if kill is not None and kill.get(place) == len(said[place]):
                    os.kill(child.pid, signal.SIGKILL)
                if line == "done\n":
                    return

        for child in self.children:
            child.given.write(f"{account_id}\n")
            child.given.flush()
        listeners = [threading.Thread(target=listen, args=(place,)) for place in range(len(self.children))]
        for each in listeners:
            each.start()
        for each in listeners:
            each.join()
        return said


@contextmanager
def claimants(url: str, processes: int = 8) -> Iterator[Claimants]:
    """Start the processes, which one process forks that has loaded everything, and kill them at the end."""
    with ExitStack() as stack:
        theirs, ours = list[int](), list[tuple[TextIO, TextIO]]()
        for _ in range(processes):
            (given, giving), (hearing, said) = os.pipe(), os.pipe()
            theirs += given, said
            ours.append((stack.enter_context(os.fdopen(giving, "w")), stack.enter_context(os.fdopen(hearing))))
        command = [sys.executable, "-c", _WORKER, url, str(THREADS), str(UNITS), *map(str, theirs)]
        parent = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=theirs)
        )
        for each in theirs:
            os.close(each)
        assert parent.stdout is not None
        pids = [int(parent.stdout.readline()) for _ in range(processes)]
        try:
            yield Claimants([Claimant(pid, *ends) for pid, ends in zip(pids, ours, strict=True)])
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
