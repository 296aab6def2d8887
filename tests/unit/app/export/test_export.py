"""The export: every request ends exactly once, even if the run is interrupted or killed."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from chartimg import Account, ChartApiError, ChartApiResult, ChartRequest, FaultKind, StoreUnavailable
from chartimg.adapters.catalog import shipped_catalog
from chartimg.app.export.folder import is_whole, known_items
from chartimg.app.export.manifest import MANIFEST_NAME, ExportFailure, ExportItem
from chartimg.domain.check.catalog import Catalog, Parameter, ValueType
from chartimg.domain.check.picture import duplicate_of
from chartimg.domain.events import Event, PictureDoubtful
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.reply.png import inspect
from chartimg.domain.result import Attempt, ChartApiFailure, ChartApiSuccess, Source
from chartimg.testing import EventLog, picture
from command import eventually, run, start
from exporting import export
from forks import Started
from limits import small_files
from loopback import LoopbackServer, answer, stall
from patience import LONG
from variables import calling

PNG = picture(8, 6)
FOUND = ChartApiSuccess(png_bytes=PNG, account_id="a")
REPLAYED = ChartApiSuccess(png_bytes=PNG, source=Source.FIXTURE)
WHEN = datetime(2026, 1, 6, tzinfo=UTC)
SPENT = ChartApiFailure(error=ChartApiError.of(FaultKind.NO_ACCOUNT, "nothing left", available_at=WHEN))
FAILED = ChartApiFailure(error=ChartApiError.of(FaultKind.SERVICE_UNAVAILABLE, "HTTP 503", http_status=503))
SYMBOLS = ("A:A", "B:B", "C:C", "D:D")


def grid(*symbols: str) -> list[ChartRequest]:
    """Return a request for each symbol."""
    return [ChartRequest(symbol, "1h", "price_v1") for symbol in symbols]


def on_disk(out: Path) -> dict[str, Any]:
    """Read the manifest."""
    value: dict[str, Any] = json.loads((out / MANIFEST_NAME).read_bytes())
    return value


def symbols(entries: Sequence[ExportItem | ExportFailure]) -> list[str | None]:
    """Name the charts of *entries*."""
    return [entry.symbol for entry in entries]


class _Playing:
    """A fetch that returns or raises given outcomes, in order."""

    def __init__(self, *outcomes: ChartApiResult | Exception) -> None:
        """Begin with the first of *outcomes*."""
        self.outcomes = iter(outcomes)
        self.asked: list[ChartRequest] = []

    def __call__(self, request: ChartRequest) -> ChartApiResult:
        """Return or raise the next outcome."""
        self.asked.append(request)
        outcome = next(self.outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@given(
    asked=st.lists(
        st.builds(
            ChartRequest,
            st.sampled_from(["A:B", "a:b", "A_B", "BMV:CEMEX/CPO", "x" * 150]),
            st.sampled_from(["1m", "1M"]),
            st.sampled_from(["price_v1", "Price_v1"]),
            st.fixed_dictionaries({}, optional={"theme": st.sampled_from(["dark", "light"])}),
        ),
        max_size=12,
    ),
    outcomes=st.lists(
        st.sampled_from(
            [
                FOUND,
                REPLAYED,
                SPENT,
                FAILED,
                StoreUnavailable("gone"),
                OSError(28, "full", "x.png"),
                RuntimeError("bug"),
            ]
        ),
        min_size=12,
        max_size=12,
    ),
    jobs=st.integers(1, 3),
)
def test_every_request_ends_in_exactly_one_place(
    tmp_path_factory: pytest.TempPathFactory,
    asked: list[ChartRequest],
    outcomes: list[ChartApiResult | Exception],
    jobs: int,
) -> None:
    """The manifest has every distinct request once, and every item has its own file."""
    out = tmp_path_factory.mktemp("out")
    logging.getLogger("chartimg").disabled = True
    work = export(_Playing(*outcomes), asked, out, jobs=jobs)
    try:
        manifest = work.run()
    finally:
        logging.getLogger("chartimg").disabled = False
    distinct = list(dict.fromkeys(asked))
    ends: tuple[ExportItem | ExportFailure, ...] = (*manifest.items, *manifest.failures)
    event(f"{min(len(manifest.items), 3)} items or more, {min(len(manifest.failures), 3)} failures or more")

    assert len(distinct) == manifest.requested == len(ends) == len(work.ends)
    keys = sorted((end.symbol, end.timeframe, end.template) for end in ends)
    assert sorted((each.symbol, each.timeframe, each.chart_template_id) for each in distinct) == keys
    files = [item.file for item in manifest.items]
    assert len(files) == len({name.casefold() for name in files})
    assert {*files, MANIFEST_NAME} == {path.name for path in out.iterdir()}
    assert all(hashlib.sha256((out / item.file).read_bytes()).hexdigest() == item.sha256 for item in manifest.items)


def test_an_item_describes_its_picture(tmp_path: Path) -> None:
    """The manifest on disk has the documented fields, with the size and the digest of each picture."""
    export(_Playing(FOUND, SPENT), grid("A:A", "B:B"), tmp_path).run()
    manifest = on_disk(tmp_path)

    assert {"schemaVersion", "createdAt", "requested", "items", "failures"} == set(manifest)
    assert (2, 2) == (manifest["schemaVersion"], manifest["requested"])
    assert datetime.fromisoformat(str(manifest["createdAt"])).tzinfo is not None
    assert manifest["items"] == [
        {
            "symbol": "A:A",
            "timeframe": "1h",
            "template": "price_v1",
            "file": "A_A__1h__price_v1.png",
            "bytes": len(PNG),
            "sha256": hashlib.sha256(PNG).hexdigest(),
            "width": 8,
            "height": 6,
            "fromFixture": False,
            "accountId": "a",
            "calls": 0,
            "warnings": [],
            "bodySha256": grid("A:A")[0].body_digest,
            "takenAt": None,
            "candle": None,
            "kept": False,
        }
    ]
    assert manifest["failures"] == [
        {
            "symbol": "B:B",
            "timeframe": "1h",
            "template": "price_v1",
            "code": "CHART_API_LIMIT_EXCEEDED",
            "message": "nothing left",
            "kind": "NO_ACCOUNT",
            "retriable": True,
            "httpStatus": None,
            "availableAt": "2026-01-06T00:00:00+00:00",
            "calls": 0,
            "warnings": [],
        }
    ]
    assert PNG == (tmp_path / "A_A__1h__price_v1.png").read_bytes()


def test_a_request_that_comes_twice_is_fetched_once(tmp_path: Path) -> None:
    """Equal requests are fetched once."""
    fetch = _Playing(FOUND, FOUND)
    work = export(fetch, grid("A:A", "B:B", "A:A"), tmp_path)

    assert 2 == work.run().requested
    assert grid("A:A", "B:B") == fetch.asked


@pytest.mark.parametrize(
    "asked",
    [
        [ChartRequest("A:B", frame, "price_v1") for frame in ("1m", "1M")],
        [ChartRequest(symbol, "1h", "price_v1") for symbol in ("CME_MINI:NQ1!", "CME:MINI_NQ1!", "cme_mini:nq1!")],
        [ChartRequest("A:B", "1h", "price_v1", {"theme": theme}) for theme in ("dark", "light")],
        [ChartRequest("A:B", "1h", "price_v1", {"width": width}) for width in (400, 500, 600)],
        [ChartRequest("A:B" * 60, "1h", "price_v1", {"width": width}) for width in (400, 500)],
    ],
    ids=["case", "one stem", "two payloads", "three payloads", "two payloads of a long symbol"],
)
def test_charts_whose_names_collide_get_files_of_their_own(asked: list[ChartRequest], tmp_path: Path) -> None:
    """No picture overwrites another, even if the file system ignores case."""
    pictures = [picture(8 + place, 6) for place in range(len(asked))]
    fetch = _Playing(*(ChartApiSuccess(png_bytes=each) for each in pictures))
    items = export(fetch, asked, tmp_path).run().items

    assert len(asked) == len({item.file.casefold() for item in items})
    assert pictures == [(tmp_path / item.file).read_bytes() for item in items]


@given(
    asked=st.lists(
        st.builds(
            ChartRequest,
            st.sampled_from(["A:A", "B:B"]),
            st.just("1h"),
            st.sampled_from(["one", "two"]),
            st.fixed_dictionaries({}, optional={"theme": st.sampled_from(["dark", "light", None])}),
        ),
        unique=True,
        max_size=8,
    ),
    brought=st.lists(st.sampled_from([PNG, picture(8, 7)]), min_size=8, max_size=8),
)
def test_a_picture_of_another_chart_is_reported(
    tmp_path_factory: pytest.TempPathFactory, asked: list[ChartRequest], brought: list[bytes]
) -> None:
    """A picture equal to that of another body has a warning that names it: at once, or later in the manifest."""
    out, listener = tmp_path_factory.mktemp("out"), EventLog()
    fetch = _Playing(*(ChartApiSuccess(png_bytes=each, account_id="a") for each in brought))
    work = export(fetch, asked, out, listener=listener)
    items = work.run().items

    events: list[PictureDoubtful] = []
    for place, (request, item, first) in enumerate(zip(asked, items, work.ends, strict=True)):
        duplicates = [
            (number, duplicate_of(other))
            for number, (other, bytes_) in enumerate(zip(asked, brought, strict=False))
            if bytes_ == brought[place] and look(other) != look(request)
        ]
        before = {finding for number, finding in duplicates if number < place}
        assert isinstance(first, ExportItem)
        assert (bool(before), bool(duplicates)) == (len(first.warnings) == 1, len(item.warnings) == 1)
        assert before >= set(first.warnings)
        assert {finding for _, finding in duplicates} >= set(item.warnings)
        assert item == attrs.evolve(first, warnings=first.warnings or item.warnings)
        events += [PictureDoubtful(str(request.key), "a", first.warnings)] * bool(before)
    assert events == listener.events
    event(f"{len(events)} warnings")


def look(request: ChartRequest) -> tuple[str, bool]:
    """Return the look of a request of the test above; the provider's default theme is light."""
    return request.symbol, request.payload.get("theme") == "dark"


def test_duplicates_name_each_other(tmp_path: Path) -> None:
    """Of charts with the same picture each names another one."""
    asked = grid("A:A", "B:B", "C:C")
    manifest = export(_Playing(FOUND, FOUND, FOUND), asked, tmp_path).run()

    assert [(duplicate_of(asked[1]),), (duplicate_of(asked[0]),), (duplicate_of(asked[0]),)] == [
        item.warnings for item in manifest.items
    ]


def test_bodies_that_mean_the_same_are_not_duplicates(tmp_path: Path) -> None:
    """Bodies that mean the same have no warning, until another chart has the same picture."""
    payloads: list[dict[str, object]] = [{}, {"width": 800}, {"theme": "light", "height": 600.0}, {"studies": None}]
    alike = [ChartRequest("A:A", "1h", "price_v1", payload) for payload in payloads]
    found, (other,) = [FOUND] * 5, grid("B:B")

    same = export(_Playing(*found), alike, tmp_path).run()
    assert [()] * 4 == [item.warnings for item in same.items]

    mixed = export(_Playing(*found), [*alike, other], tmp_path).run()
    assert [(duplicate_of(other),)] * 4 + [(duplicate_of(alike[0]),)] == [item.warnings for item in mixed.items]


def test_the_catalog_is_read_only_for_equal_pictures_of_unequal_bodies(tmp_path: Path) -> None:
    """The catalog is not read unless different bodies give the same picture."""
    asked = [*grid("A:A", "B:B"), ChartRequest("A:A", "1h", "price_v2")]
    fetch = _Playing(FOUND, ChartApiSuccess(png_bytes=picture(8, 7)), FOUND)
    read: list[str] = []

    def rules() -> Catalog:
        read.append("rules")
        return Catalog()

    export(fetch, asked, tmp_path, rules=rules).run()

    assert [] == read


def test_the_hosts_own_defaults_decide_which_bodies_mean_the_same(tmp_path: Path) -> None:
    """A width that is the default in the host's catalog does not count as a different body."""
    asked = [ChartRequest("A:A", "1h", "price_v1", payload) for payload in ({}, {"width": 900})]
    own = shipped_catalog().extended(Catalog(parameters=(Parameter("width", ValueType.INTEGER, default=900),)))

    def warnings(rules: Catalog, out: str) -> list[int]:
        manifest = export(_Playing(FOUND, FOUND), asked, tmp_path / out, rules=lambda: rules).run()
        return [len(item.warnings) for item in manifest.items]

    assert [0, 0] == warnings(own, "own")
    assert [1, 1] == warnings(shipped_catalog(), "shipped")


def test_every_one_of_a_crowd_of_duplicates_is_marked(tmp_path: Path) -> None:
    """If many charts end at once with one picture, all but the first are reported, and each names another."""
    asked, listener = grid(*(f"A:{number}" for number in range(24))), EventLog()
    together = threading.Barrier(8)

    def fetch(_: ChartRequest) -> ChartApiResult:
        together.wait(LONG)
        return FOUND

    work = export(fetch, asked, tmp_path, jobs=8, listener=listener)
    items = work.run().items

    assert [0] + [1] * 23 == sorted(len(end.warnings) for end in work.ends)
    assert 23 == len(listener.events)
    names = {duplicate_of(request): request for request in asked}
    for request, item in zip(asked, items, strict=True):
        (warning,) = item.warnings
        assert request != names[warning]


def test_what_is_doubtful_is_in_the_manifest(tmp_path: Path) -> None:
    """An item has the warnings of its result, then that of the export."""
    doubtful = ChartApiSuccess(png_bytes=PNG, warnings=(Finding("width", Severity.WARNING, "too wide", "800"),))
    export(_Playing(FOUND, doubtful), grid("A:A", "B:B"), tmp_path).run()

    assert [
        [
            {
                "path": "",
                "severity": "WARNING",
                "message": "its bytes are those of B:B 1h price_v1, which was asked for with another body",
                "suggestion": None,
            },
        ],
        [
            {"path": "width", "severity": "WARNING", "message": "too wide", "suggestion": "800"},
            {
                "path": "",
                "severity": "WARNING",
                "message": "its bytes are those of A:A 1h price_v1, which was asked for with another body",
                "suggestion": None,
            },
        ],
    ] == [item["warnings"] for item in on_disk(tmp_path)["items"]]
    assert PNG == (tmp_path / "B_B__1h__price_v1.png").read_bytes()


def test_a_listener_that_raises_costs_no_chart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A failure of the listener is logged, and the duplicate is an item with its warning."""

    class Raising:
        """A listener that always fails."""

        def notify(self, _: Event) -> None:
            """Fail."""
            raise RuntimeError("the listener is broken")

    asked = grid("A:A", "B:B")
    manifest = export(_Playing(FOUND, FOUND), asked, tmp_path, listener=Raising()).run()

    assert [(duplicate_of(asked[1]),), (duplicate_of(asked[0]),)] == [item.warnings for item in manifest.items]
    assert ["a listener failed on PictureDoubtful"] == caplog.messages


def test_a_failure_of_one_chart_leaves_the_others_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An exception for a chart is a failure of that chart, with a code for its cause."""
    fetch = _Playing(
        StoreUnavailable("the store is gone"), OSError(28, "No space left", "x"), RuntimeError("bug"), FOUND
    )
    manifest = export(fetch, grid(*SYMBOLS), tmp_path).run()

    assert ["STORE_UNAVAILABLE", "UNEXPECTED", "UNEXPECTED"] == [failure.code for failure in manifest.failures]
    assert ["D:D"] == symbols(manifest.items)
    assert "the store is gone" == manifest.failures[0].message
    assert ["A:A", "B:B", "C:C"] == symbols(manifest.failures)
    assert ["B:B 1h price_v1 failed", "C:C 1h price_v1 failed"] == caplog.messages


def test_a_picture_that_can_not_be_written_is_a_failure(tmp_path: Path) -> None:
    """A folder in the place of a picture is a failure of that chart alone, with the calls that it cost."""

    def fetch(_: ChartRequest) -> ChartApiResult:
        (tmp_path / "A_A__1h__price_v1.png").mkdir(exist_ok=True)
        return FOUND

    manifest = export(fetch, grid("A:A", "B:B"), tmp_path).run()

    assert [("A:A", "WRITE_FAILED")] == [(failure.symbol, failure.code) for failure in manifest.failures]
    assert {"A_A__1h__price_v1.png", "B_B__1h__price_v1.png", MANIFEST_NAME} == {
        path.name for path in tmp_path.iterdir()
    }


PAID = attrs.evolve(FOUND, attempts=(Attempt("a", WHEN, 1.0, 200, None),))


def remove(folder: Path) -> None:
    """Remove *folder* with its files."""
    shutil.rmtree(folder, ignore_errors=True)


def replace_by_a_file(folder: Path) -> None:
    """Put a file in the place of *folder*."""
    remove(folder)
    with suppress(FileExistsError):
        folder.touch(exist_ok=False)


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("break_folder", [remove, replace_by_a_file, None], ids=["removed", "a file", "ulimit"])
def test_after_a_failure_of_the_folder_no_new_chart_is_begun(
    break_folder: Callable[[Path], None] | None, jobs: int, tmp_path: Path
) -> None:
    """After a failure of the folder, charts in flight end with what was paid for each, and the others are not begun."""
    asked, out, together = list[ChartRequest](), tmp_path / "out", threading.Barrier(jobs)
    large = attrs.evolve(PAID, png_bytes=PNG + bytes(30_000))

    def fetch(request: ChartRequest) -> ChartApiResult:
        """Break the folder while all jobs are busy."""
        asked.append(request)
        together.wait(LONG)
        if break_folder is not None:
            break_folder(out)
        return large

    running = export(fetch, grid(*(f"A:{number}" for number in range(20))), out, jobs=jobs)
    work = running.work
    with small_files(20_000):
        manifest = running.run()
    codes = Counter(failure.code for failure in manifest.failures)

    assert jobs == len(asked)
    assert {"WRITE_FAILED": jobs, "INTERRUPTED": 20 - jobs} == codes
    assert jobs == sum(failure.calls for failure in manifest.failures)
    assert work.failure is not None
    assert {"not begun" in failure.message for failure in manifest.failures if failure.code == "INTERRUPTED"} == {True}
    assert (break_folder is None) is work.saved


def test_after_a_failure_of_the_folder_of_fixtures_no_new_chart_is_begun(tmp_path: Path) -> None:
    """If the recording refuses a call, the other charts are not begun, and each states the reason."""
    error = ChartApiError.of(FaultKind.NOT_SENT, "fixtures can't be recorded in f: no room")
    unrecorded = ChartApiFailure(error=error, fixture_path=tmp_path / "f")
    work = export(lambda _: unrecorded, grid(*SYMBOLS), tmp_path / "out")
    first, *others = work.run().failures

    assert ("CHART_API_FAILED", work.work.failure) == (first.code, error.message)
    assert {f"it was not begun, since {error.message}; run it again to resume"} == {
        failure.message for failure in others
    }


def test_a_manifest_that_can_no_longer_be_written_leaves_the_journal(tmp_path: Path) -> None:
    """If the manifest can't be written at the end, all pictures are there, the journal has their lines, and it is told."""

    def fetch(_: ChartRequest) -> ChartApiResult:
        """Put a folder in the place of the manifest."""
        with suppress(OSError):
            (tmp_path / MANIFEST_NAME).unlink()
            (tmp_path / MANIFEST_NAME).mkdir()
        return PAID

    running = export(fetch, grid("A:A", "B:B"), tmp_path)
    manifest, work = running.run(), running.work

    assert (["A:A", "B:B"], []) == (symbols(manifest.items), symbols(manifest.failures))
    assert (True, False, None) == ("Is a directory" in str(work.unsaved), work.saved, work.failure)
    (tmp_path / MANIFEST_NAME).rmdir()
    assert {item.file for item in manifest.items} == set(known_items(tmp_path))


def test_a_folder_in_the_place_of_a_picture_is_found_before_any_call(tmp_path: Path) -> None:
    """A folder in the place of a picture is an error with its name, before any fetch."""
    fetch = _Playing(FOUND, FOUND)
    (tmp_path / "B_B__1h__price_v1.png").mkdir()
    with pytest.raises(IsADirectoryError, match=r"B_B__1h__price_v1\.png"):
        export(fetch, grid("A:A", "B:B"), tmp_path).run()

    assert [] == fetch.asked
    assert ["B_B__1h__price_v1.png"] == [path.name for path in tmp_path.iterdir()]


def test_a_folder_that_can_not_be_made_is_found_before_any_call(tmp_path: Path) -> None:
    """A folder that can't be made is an OSError before the first fetch."""
    (tmp_path / "file").write_bytes(b"")
    fetch = _Playing(FOUND)
    with pytest.raises(OSError, match="file"):
        export(fetch, grid("A:A"), tmp_path / "file" / "out").run()

    assert [] == fetch.asked


def test_the_manifest_is_there_from_the_start(tmp_path: Path) -> None:
    """Before the first chart ends, the manifest on disk counts all charts as interrupted."""
    seen: list[dict[str, Any]] = []

    def fetch(_: ChartRequest) -> ChartApiResult:
        """Read the manifest of this moment."""
        seen.append(on_disk(tmp_path))
        return FOUND

    export(fetch, grid("A:A", "B:B"), tmp_path).run()

    assert [] == seen[0]["items"]
    assert ["INTERRUPTED", "INTERRUPTED"] == [failure["code"] for failure in seen[0]["failures"]]


def test_nothing_to_fetch_is_an_empty_manifest(tmp_path: Path) -> None:
    """An export without requests leaves an empty manifest."""
    manifest = export(_Playing(), [], tmp_path / "new").run()

    assert (0, (), ()) == (manifest.requested, manifest.items, manifest.failures)
    assert 0 == on_disk(tmp_path / "new")["requested"]


def test_an_older_export_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    """A run in a used folder replaces the manifest and leaves other files."""
    (tmp_path / "notes.txt").write_bytes(b"mine")
    export(_Playing(FOUND), grid("A:A"), tmp_path).run()
    export(_Playing(FAILED), grid("B:B"), tmp_path).run()

    assert 1 == on_disk(tmp_path)["requested"]
    assert b"mine" == (tmp_path / "notes.txt").read_bytes()
    assert PNG == (tmp_path / "A_A__1h__price_v1.png").read_bytes()


ACCOUNT = Account("a", "key-of-a", burst=50)


def asked_for(jobs: int) -> tuple[str, ...]:
    """Return the arguments of an export of four charts into the folder out."""
    what = ("--symbols", ",".join(SYMBOLS), "--timeframes", "1h", "--templates", "price_psar_adi_v1")
    return ("export", *what, "--out", "out", "--jobs", str(jobs))


def exporting(server: LoopbackServer, cwd: Path) -> Started:
    """Start an export of four charts, two at once."""
    return start(*asked_for(2), cwd=cwd, **calling(server.url, ACCOUNT))


def exported(server: LoopbackServer, cwd: Path, jobs: int) -> int:
    """Export four charts, and return the exit code."""
    return run(*asked_for(jobs), cwd=cwd, **calling(server.url, ACCOUNT)).returncode


def refuse_half_files(out: Path) -> None:
    """Check that every picture in *out* is whole."""
    for file in out.glob("*.png"):
        assert not isinstance(inspect(file.read_bytes()), str), file


def proved(out: Path) -> set[str | None]:
    """Return the symbols whose pictures are proved, after a kill."""
    refuse_half_files(out)
    return {item.symbol for item in known_items(out).values() if is_whole(out / item.file, item)}


def accounted(out: Path) -> tuple[set[str], set[str]]:
    """Return the symbols of items and of failures, and check that together they are all."""
    manifest = on_disk(out)
    there = {str(item["symbol"]) for item in manifest["items"]}
    missing = {str(failure["symbol"]) for failure in manifest["failures"]}
    assert (4, 4, set(SYMBOLS)) == (manifest["requested"], len(there) + len(missing), there | missing)
    assert all((out / str(item["file"])).is_file() for item in manifest["items"])
    refuse_half_files(out)
    return there, missing


@pytest.mark.parametrize(
    ("after", "jobs"),
    [(0.02, "1"), (0.1, "16"), *(pytest.param(after, "16", marks=pytest.mark.soak) for after in (0.0, 0.3))],
)
def test_a_large_run_ends_soon_after_an_interrupt_at_any_moment(after: float, jobs: str, tmp_path: Path) -> None:
    """A run of a thousand charts ends soon after an interrupt at any moment, with a complete manifest."""
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "A_0__1h__price_psar_adi_v1.png").write_bytes(PNG)
    count, out = 1000, tmp_path / "out"
    child = start(
        "export",
        *("--symbols", ",".join(f"A:{number}" for number in range(count)), "--timeframes", "1h", "--jobs", jobs),
        *("--templates", "price_psar_adi_v1", "--out", "out"),
        cwd=tmp_path,
        CHARTS_API_MODE="mock",
        CHARTS_FIXTURES_DIR="fixtures",
    )
    try:
        eventually((out / MANIFEST_NAME).is_file)
        time.sleep(after)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=LONG)
    finally:
        child.kill()
    manifest = on_disk(out)

    assert "Traceback" not in errors
    assert 130 == child.returncode
    assert (count, count) == (manifest["requested"], len(manifest["items"]) + len(manifest["failures"]))


def test_a_run_that_is_killed_leaves_a_true_manifest(server: LoopbackServer, tmp_path: Path) -> None:
    """After SIGKILL the manifest is whole and counts all as interrupted, and the saved chart is proved by the journal."""
    server.script.append(answer(200, PNG))
    server.otherwise = stall()
    out = tmp_path / "out"
    with exporting(server, tmp_path) as child:
        eventually(lambda: len(list(out.glob("*.png"))) == 1)
        child.kill()
        child.communicate()

    assert (set(), set(SYMBOLS)) == accounted(out)
    assert 1 == len(proved(out))
    assert {"INTERRUPTED"} == {failure["code"] for failure in on_disk(out)["failures"]}


def test_a_run_that_is_killed_at_once_leaves_an_empty_manifest(server: LoopbackServer, tmp_path: Path) -> None:
    """From the first call on the manifest accounts for every request."""
    server.otherwise = stall()
    with exporting(server, tmp_path) as child:
        eventually(lambda: bool(server.requests))
        child.kill()
        child.communicate()

    assert (set(), set(SYMBOLS)) == accounted(tmp_path / "out")


STOPPING = """
from pathlib import Path
from chartimg.__main__ import main
from chartimg.app.export.export import Export

stop = Export.stop

def stop_and_tell(self):
    stop(self)
    Path("stopping").touch()

Export.stop = stop_and_tell
main()
"""
"""The command, with a file as soon as it has heard an interrupt."""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_run_that_is_interrupted_lets_the_charts_in_flight_come(
    sent: signal.Signals, server: LoopbackServer, tmp_path: Path
) -> None:
    """After one signal charts in flight are awaited and kept, no other is begun, and the exit code is that of the signal."""
    release, held = threading.Event(), threading.Semaphore(0)

    def late(connection: socket.socket, closing: threading.Event) -> bool:
        """Answer when the test releases it."""
        held.release()
        assert release.wait(LONG)
        return answer(200, PNG)(connection, closing)

    server.script.extend([answer(200, PNG), late, late])
    out = tmp_path / "out"
    with start(*asked_for(2), cwd=tmp_path, code=STOPPING, **calling(server.url, ACCOUNT)) as child:
        assert held.acquire(timeout=LONG)
        assert held.acquire(timeout=LONG)
        child.send_signal(sent)
        eventually((tmp_path / "stopping").is_file)
        release.set()
        _, errors = child.communicate(timeout=LONG)
    there, missing = accounted(out)

    assert "Traceback" not in errors
    assert 128 + sent == child.returncode
    chart = r"[ABC]:[ABC] 1h price_psar_adi_v1"
    assert re.search(
        rf"^chartimg: interrupted: waiting for 2 calls: {chart}, {chart}; a second interrupt gives up$",
        errors,
        re.MULTILINE,
    )
    assert errors.endswith("chartimg: interrupted; 3 calls stay charged: 3 to a\n")
    assert (3, 1) == (len(there), len(missing))
    assert 3 == len(server.requests)
    assert ["INTERRUPTED"] == [failure["code"] for failure in on_disk(out)["failures"]]


def test_a_run_that_is_interrupted_while_it_waits_makes_no_further_call(server: LoopbackServer, tmp_path: Path) -> None:
    """After one signal a chart that waits for its next attempt ends with the error of its last call."""
    server.otherwise = answer(503, Retry_After="15")
    out = tmp_path / "out"
    with exporting(server, tmp_path) as child:
        eventually(lambda: len(server.requests) == 2)
        time.sleep(0.2)  # until the replies are read
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=LONG)

    assert errors.endswith("chartimg: interrupted; 2 calls stay charged: 2 to a\n")
    assert 2 == len(server.requests)
    assert ["INTERRUPTED"] * 2 + ["SERVICE_UNAVAILABLE"] * 2 == sorted(
        failure["kind"] or failure["code"] for failure in on_disk(out)["failures"]
    )


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_run_that_is_interrupted_twice_ends_at_once(
    sent: signal.Signals, server: LoopbackServer, tmp_path: Path
) -> None:
    """A second signal ends the run at once: the calls in flight are charged, and the exit code is that of the signal."""
    server.script.append(answer(200, PNG))
    server.otherwise = stall()
    out = tmp_path / "out"
    with exporting(server, tmp_path) as child:
        eventually(lambda: len(server.requests) == 3)
        eventually(lambda: len(list(out.glob("*.png"))) == 1)
        for patience in (0.3, 20, LONG):  # two signals that come too close together count as one
            child.send_signal(sent)
            with suppress(subprocess.TimeoutExpired):
                child.wait(patience)
                break
        output, errors = child.communicate(timeout=LONG)
    there, missing = accounted(out)

    assert "Traceback" not in errors
    assert 128 + sent == child.returncode
    assert errors.endswith("chartimg: interrupted; 3 calls stay charged: 3 to a\n")
    assert (1, 3) == (len(there), len(missing))
    assert "1 of 4 charts" in output
    assert "3 calls made" in output
    assert [0, 1, 1] == sorted(failure["calls"] for failure in on_disk(out)["failures"])
    assert 2 == sum("given up during its call" in failure["message"] for failure in on_disk(out)["failures"])


def test_jobs_really_run_at_once(server: LoopbackServer, tmp_path: Path) -> None:
    """With four jobs the provider has four requests before it answers."""
    together = threading.Barrier(4)

    def meet(connection: socket.socket, closing: threading.Event) -> bool:
        """Answer after the fourth request."""
        together.wait(LONG)
        return answer(200, PNG)(connection, closing)

    server.otherwise = meet

    assert 0 == exported(server, tmp_path, jobs=4)
    assert (set(SYMBOLS), set()) == accounted(tmp_path / "out")


def test_one_job_is_one_at_a_time(server: LoopbackServer, tmp_path: Path) -> None:
    """With one job there is never a second request in flight."""
    under_way, most, lock = 0, 0, threading.Lock()

    def counted(connection: socket.socket, closing: threading.Event) -> bool:
        """Count the requests in flight."""
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        closing.wait(0.02)
        with lock:
            under_way -= 1
        return answer(200, PNG)(connection, closing)

    server.otherwise = counted
    ended = exported(server, tmp_path, jobs=1)

    assert (0, 1) == (ended, most)


@pytest.mark.parametrize("blocked", ["out", "out/deeper"])
def test_an_unwritable_folder_is_exit_code_2_before_any_call(
    blocked: str, server: LoopbackServer, tmp_path: Path
) -> None:
    """A file in the place of the folder, or above it, is one line and no call, and the file stays."""
    (tmp_path / "out").write_bytes(b"mine")
    arguments = ("export", "--symbols", "A:A", "--timeframes", "1h", "--out", blocked)
    child = run(*arguments, cwd=tmp_path, **calling(server.url, ACCOUNT))

    assert 2 == child.returncode
    assert "" == child.stdout
    (line,) = child.stderr.splitlines()
    assert line.startswith("chartimg: --out")
    assert [] == server.requests
    assert b"mine" == (tmp_path / "out").read_bytes()


def test_a_manifest_that_can_not_be_written_is_exit_code_2_before_any_call(
    server: LoopbackServer, tmp_path: Path
) -> None:
    """A folder in the place of the manifest is one line, before any call."""
    (tmp_path / "out" / MANIFEST_NAME).mkdir(parents=True)
    child = run(
        "export", "--symbols", "A:A", "--timeframes", "1h", "--out", "out", cwd=tmp_path, **calling(server.url, ACCOUNT)
    )

    assert 2 == child.returncode
    (line,) = child.stderr.splitlines()
    assert MANIFEST_NAME in line
    assert [] == server.requests


def test_an_export_that_runs_out_of_quota_is_exit_code_75(server: LoopbackServer, tmp_path: Path) -> None:
    """If the quota ends, the saved charts are items, the others have available_at, and the exit code is 75."""
    server.script.append(answer(200, PNG))
    server.otherwise = answer(429, b'{"message":"Limit Exceeded"}')
    ended = exported(server, tmp_path, jobs=1)
    there, missing = accounted(tmp_path / "out")

    assert 75 == ended
    assert (1, 3) == (len(there), len(missing))
    assert 2 == len(server.requests)
    assert all(failure["availableAt"] for failure in on_disk(tmp_path / "out")["failures"])
