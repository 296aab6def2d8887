"""Processes of eight threads that claim the units of one account as fast as possible, and may be killed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

THREADS, UNITS = 8, 50

_WORKER = """
import sys, threading
from chartimg import Account, AccountPool, StoreUnavailable
from chartimg.app.bootstrap import open_store
from chartimg.domain.account.turn import Granted
store, threads, units = open_store(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
lock = threading.Lock()

def say(line):
    with lock:
        sys.stdout.write(line + "\\n")
        sys.stdout.flush()

def work(pool):
    while True:
        say("try")
        outcome = pool.claim()
        if not isinstance(outcome, Granted):
            return say("none")
        say(f"got {outcome.claim.serial}")

for line in sys.stdin:
    pool = AccountPool([Account(line.strip(), "canary-key", units, None, 1e5, 10**5)], store)
    crowd = [threading.Thread(target=work, args=(pool,)) for _ in range(threads)]
    for each in crowd: each.start()
    for each in crowd: each.join()
    say("done")
"""


@attrs.define
class Claimants:
    """Processes over the store at *url*, kept for several rounds."""

    url: str
    children: list[subprocess.Popen[str]]

    def race(self, account_id: str, *, kill: dict[int, int] | None = None) -> list[list[str]]:
        """Let all claim on a new account until no unit is left; return the lines that each printed.

        *kill* maps a child's place to the number of its lines after which it is killed.
        """
        said: list[list[str]] = [[] for _ in self.children]

        def listen(place: int) -> None:
            child = self.children[place]
            assert child.stdout is not None
            for line in child.stdout:
                said[place].append(line.strip())
                if kill is not None and kill.get(place) == len(said[place]):
                    child.kill()
                if line == "done\n":
                    return

        for child in self.children:
            assert child.stdin is not None
            child.stdin.write(f"{account_id}\n")
            child.stdin.flush()
        listeners = [threading.Thread(target=listen, args=(place,)) for place in range(len(self.children))]
        for each in listeners:
            each.start()
        for each in listeners:
            each.join()
        return said


@contextmanager
def claimants(url: str, processes: int = 8) -> Iterator[Claimants]:
    """Start the processes, and kill them at the end."""
    command = [sys.executable, "-c", _WORKER, url, str(THREADS), str(UNITS)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        for _ in range(processes)
    ]
    try:
        yield Claimants(url, children)
    finally:
        for child in children:
            child.kill()
            child.communicate()
