"""Every system call of an operation fails once, or is the last one of its process.

Run as a program under the library of ``failing_calls.c``: it forks a child for each call, lets the child do the
operation, and looks at the files that are left. It prints all that is wrong and the number of calls of each operation.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import hashlib
import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import attrs

from chartimg import Account, AccountPool, ChartApiResult, ChartRequest, ConfigError, StoreUnavailable
from chartimg.adapters.cache import FolderPictureCache
from chartimg.adapters.fixture import FixtureTransport
from chartimg.adapters.recording import RecordingTransport
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.app.export.folder import is_whole, known_items
from chartimg.app.export.manifest import MANIFEST_NAME, ExportEnd
from chartimg.domain.account.turn import Granted
from chartimg.domain.cached import CachedPicture
from chartimg.domain.errors import CacheUnavailable
from chartimg.domain.events import FixtureRecorded
from chartimg.domain.reply import Reply
from chartimg.domain.result import Attempt, ChartApiSuccess
from chartimg.testing import EventLog, ScriptedTransport, VirtualClock, picture
from exporting import export as prepare
from samples import NOON, REQUEST

__all__ = ["OPERATIONS"]

ACCOUNT = Account("a", "canary-key", daily_limit=9, requests_per_second=1e6, burst=9)
OLD, NEW = picture(8, 6), picture(16, 12)
INVALID = Reply(422, body=b'{"message":"Invalid symbol"}')
DIGEST = hashlib.sha256(b"A:A").hexdigest()
DIES = 0
FREE, DONE, UNKNOWN = "nothing was paid", "it is done", "it may be done"


@attrs.frozen
class Operation:
    """What is tried.

    Attributes:
        prepare: fills a folder.
        act: does the operation in a folder, and returns FREE, DONE or UNKNOWN as it was told.
        look: returns the state of a folder; raises for one that no reader should see.
    """

    prepare: Callable[[Path], object]
    act: Callable[[Path], str]
    look: Callable[[Path], object]


def record(folder: Path, reply: Reply) -> str:
    """Record *reply*, which is returned whatever happens to the files."""
    notes, inner = EventLog(), ScriptedTransport([reply])
    try:
        outcome = RecordingTransport(inner, folder, listener=notes).send(REQUEST, ACCOUNT)
    except ConfigError:
        return FREE
    if inner.calls:
        assert isinstance(outcome, Reply)
        assert (reply.body, not notes.of(FixtureRecorded)) == (outcome.body, bool(outcome.warnings))
    return DONE if notes.of(FixtureRecorded) else UNKNOWN if inner.calls else FREE


def replayed(folder: Path) -> object:
    """Return the status and the body of a replay, or the kind of its failure; a damaged fixture is no state to be in."""
    outcome = FixtureTransport(folder).send(REQUEST)
    if isinstance(outcome, Reply):
        return outcome.status, outcome.body
    assert outcome.kind == "FIXTURE_MISSING", outcome.message
    return None


def claim(folder: Path) -> str:
    """Claim a unit."""
    pool = AccountPool([ACCOUNT], SqliteAccountStore(folder / "books.sqlite3", busy_timeout=0.02), VirtualClock(NOON))
    try:
        return DONE if isinstance(pool.claim(latest=NOON + timedelta(seconds=1)), Granted) else FREE
    except StoreUnavailable:
        return UNKNOWN
    finally:
        pool.close()


def used(folder: Path) -> object:
    """Return the units in the books, which can then be used."""
    pool = AccountPool([ACCOUNT], SqliteAccountStore(folder / "books.sqlite3"), VirtualClock(NOON))
    units = pool.status()[0].used
    assert isinstance(pool.claim(), Granted)
    pool.close()
    return units


PAID = ChartApiSuccess(png_bytes=NEW, attempts=(Attempt("a", NOON, 1.0, 200, None),))
REQUESTS = [ChartRequest(symbol, "1h", "price_v1") for symbol in ("A:A", "B:B")]


def export(folder: Path, png: bytes = NEW, requests: Sequence[ChartRequest] = REQUESTS, *, resume: bool = False) -> str:
    """Export charts over those of before."""
    asked = list[ChartRequest]()

    def fetch(request: ChartRequest) -> ChartApiResult:
        asked.append(request)
        return attrs.evolve(PAID, png_bytes=png)

    running = prepare(fetch, requests, folder, resume=resume)
    work = running.work
    try:
        manifest = running.run()
    except (OSError, ConfigError):
        assert not asked, "a chart was paid for and not told"
        return FREE
    ends: tuple[ExportEnd, ...] = (*manifest.items, *manifest.failures)
    assert len(asked) == sum(end.calls for end in ends)
    assert not (resume and len(asked) > 1)
    assert work.failure or len(manifest.items) == len(requests)
    return DONE if len(manifest.items) == len(requests) and work.saved else UNKNOWN


def resume(folder: Path) -> str:
    """Go on with an export of which one of two charts is there."""
    return export(folder, resume=True)


def resumed(folder: Path) -> object:
    """Return the state of a folder after a run that goes on in it: that of an undisturbed run, for at most one call more."""
    proved = sum(is_whole(folder / name, item) for name, item in known_items(folder).items())
    asked = list[ChartRequest]()

    def fetch(request: ChartRequest) -> ChartApiResult:
        asked.append(request)
        return PAID

    manifest = prepare(fetch, REQUESTS, folder, resume=True).run()
    assert {path.name for path in folder.iterdir()} == {*(item.file for item in manifest.items), MANIFEST_NAME}
    assert len(REQUESTS) == len(manifest.items)
    assert len(REQUESTS) - proved == len(asked)
    assert proved >= 1  # that of before the run
    return exported(folder)


def exported(folder: Path) -> object:
    """Return the state of a folder: its pictures and its manifest are whole, and agree."""
    for path in folder.glob("*.png"):
        assert path.read_bytes() in {OLD, NEW}
    items = json.loads((folder / MANIFEST_NAME).read_bytes())["items"]
    return all(hashlib.sha256((folder / item["file"]).read_bytes()).hexdigest() == item["sha256"] for item in items)


def keep(folder: Path, png: bytes = NEW) -> str:
    """Keep a picture in a cache with room for one, under a lock, and find it again."""
    cache = FolderPictureCache(folder / "cache", max_bytes=3 * len(NEW) + 400)
    cached = CachedPicture.of(png, body_digest=DIGEST, chart="A:A 1h", taken_at=NOON, drawn_at=NOON)
    try:
        lock = cache.lock(DIGEST)
        assert lock is not None
        try:
            cache.keep(cached)
            return DONE if cache.read(DIGEST) == cached else UNKNOWN
        finally:
            lock.release()
    except CacheUnavailable:
        return UNKNOWN


def kept(folder: Path) -> object:
    """Return the picture in a cache, where another may be locked and kept."""
    cache = FolderPictureCache(folder / "cache", max_bytes=3 * len(NEW) + 400)
    found = cache.read(DIGEST)
    lock = cache.lock(DIGEST)
    assert lock is not None
    lock.release()
    assert found is None or found.png_bytes in {OLD, NEW}
    return None if found is None else found.png_bytes


OPERATIONS = {
    "record a picture": Operation(lambda _: None, partial(record, reply=Reply(200, body=NEW)), replayed),
    "record an error": Operation(lambda _: None, partial(record, reply=INVALID), replayed),
    **{
        f"record {what} over {before}": Operation(partial(record, reply=old), partial(record, reply=new), replayed)
        for what, new in (("a picture", Reply(200, body=NEW)), ("an error", INVALID))
        for before, old in (("a picture", Reply(200, body=OLD)), ("an error", Reply(404, body=b'{"message":"No"}')))
    },
    "claim in new books": Operation(lambda _: None, claim, used),
    "claim in old books": Operation(claim, claim, used),
    "keep in a cache": Operation(partial(keep, png=OLD), keep, kept),
    "export": Operation(lambda folder: export(folder, OLD), export, exported),
    "go on with an export": Operation(lambda folder: export(folder, requests=REQUESTS[:1]), resume, resumed),
}


def tried(act: Callable[[Path], str], folder: Path, at: int, error: int) -> tuple[str, int]:
    """Do *act* in a child with a failure at its call *at*; return its outcome and the number of its calls."""
    library, below, (ours, theirs) = ctypes.CDLL(None), os.fsencode(folder), os.pipe()
    if not os.fork():
        library.arm(below, ctypes.c_long(at), error)
        try:
            outcome = act(folder)
        except BaseException as wrong:  # noqa: BLE001 (to be shown by the parent)
            outcome = f"raised {wrong!r}"
        os.write(theirs, pickle.dumps((outcome, library.disarm())))
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        told = pipe.read()
    os.wait()
    return pickle.loads(told) if told else (UNKNOWN, at)


def try_all(operation: Operation, failure: str, folder: Path) -> tuple[list[str], int]:
    """Let every call fail; return what is wrong, and the number of calls."""
    before, now = folder / "before", folder / "now"
    before.mkdir(parents=True)
    operation.prepare(before)
    shutil.copytree(before, now)
    old = operation.look(now)
    renew(now, before)
    outcome, calls = tried(operation.act, now, 0, 0)
    wrong = [f"undisturbed: {outcome}"] if outcome != DONE else []
    new = operation.look(now)
    for at in range(1, calls + 1):
        renew(now, before)
        outcome, _ = tried(operation.act, now, at, getattr(errno, failure, DIES))
        try:
            state = operation.look(now)
        except Exception as problem:  # noqa: BLE001 (to be told)
            state = f"unusable: {problem}"
        if state not in {FREE: (old,), DONE: (new,), UNKNOWN: (old, new)}.get(outcome, ()):
            wrong.append(f"{failure} at call {at} of {calls}: {outcome}, and then {state!r}")
    return wrong, calls


def renew(folder: Path, before: Path) -> None:
    """Put a copy of *before* in the place of *folder*."""
    shutil.rmtree(folder)
    shutil.copytree(before, folder)


if __name__ == "__main__":
    gc.freeze()  # the children share what is loaded
    place, way, *names = sys.argv[1:]
    sys.stdout.write(json.dumps({name: try_all(OPERATIONS[name], way, Path(place, name)) for name in names}))
