"""Taking stock of a folder: what a recorder wrote is sound, and every kind of damage is found and told."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chartimg.adapters.fixture import FixtureTransport
from chartimg.adapters.fixture_inventory import take_inventory
from chartimg.adapters.recording import RecordingTransport
from chartimg.domain.chart import ChartKey, ChartRequest
from chartimg.domain.errors import ConfigError
from chartimg.domain.filename import distinct_stem, stem
from chartimg.domain.fixture import FixtureEntry, FixtureKind
from chartimg.domain.reply import Reply
from chartimg.testing import ScriptedTransport, picture

REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"theme": "dark"})
STEM = "BINANCE_BTCUSDT__1h__price_v1"
PNG, OTHER = picture(8, 6), picture(20, 20)
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
INVALID = Reply(422, {"content-type": "application/json"}, b'{"message":"Invalid Symbol"}')
ERROR = b'{"status": 422, "body": {"message": "Invalid Symbol"}}'


def record(folder: Path, request: ChartRequest = REQUEST, reply: Reply | None = None) -> None:
    """Record *reply*, a picture when it is left out, as the fixture of *request*."""
    inner = ScriptedTransport([reply or Reply(200, {}, PNG)])
    RecordingTransport(inner, folder, origin="a test", now=lambda: NOW).send(request, None)


def taken(folder: Path, expected: Mapping[ChartKey, str] | None = None) -> tuple[FixtureEntry, ...]:
    """Take stock of *folder* where each chart of *expected* is asked for by a body of that digest."""
    return take_inventory(folder, (expected or {}).get)


def found(folder: Path, expected: Mapping[ChartKey, str] | None = None) -> list[str]:
    """Give the lines of all findings."""
    return [str(finding) for entry in taken(folder, expected) for finding in entry.findings]


def only(folder: Path) -> FixtureEntry:
    """Take it for granted that there is one entry."""
    (entry,) = taken(folder)
    return entry


# What is there


def test_a_recorded_picture_is_described_whole(tmp_path: Path) -> None:
    """Key, size, pixels, date and origin come from the file and its meta file."""
    record(tmp_path)

    assert FixtureEntry(
        STEM,
        FixtureKind.PICTURE,
        f"{STEM}.png",
        REQUEST.key,
        size=len(PNG),
        width=8,
        height=6,
        recorded_at=NOW,
        origin="a test",
    ) == only(tmp_path)


def test_a_recorded_error_is_described_whole(tmp_path: Path) -> None:
    """Its status and what it says are those of the reply."""
    record(tmp_path, reply=INVALID)
    entry = only(tmp_path)

    assert (FixtureKind.ERROR, REQUEST.key, 422, "Invalid Symbol") == (
        entry.kind,
        entry.key,
        entry.http_status,
        entry.message,
    )
    assert (f"{STEM}__422_INVALID_SYMBOL.json", None, NOW, ()) == (
        entry.file,
        entry.width,
        entry.recorded_at,
        entry.findings,
    )


def test_files_put_there_by_hand_are_fine(tmp_path: Path) -> None:
    """Without a meta file neither chart nor date is known, nothing is guessed, and nothing is wrong."""
    (tmp_path / f"{STEM}.png").write_bytes(PNG)
    (tmp_path / "BMV_CEMEX%2FCPO__1D__t__429_LIMIT_EXCEEDED.json").write_bytes(b'{"status": 429, "body": "no"}')
    (tmp_path / f"{distinct_stem(REQUEST.key)}.png").write_bytes(PNG)
    (tmp_path / "A_B__1h____t.png").write_bytes(PNG)
    entries = taken(tmp_path)

    assert [] == found(tmp_path)
    assert [None] * 12 == [value for each in entries for value in (each.key, each.recorded_at, each.origin)]
    assert sorted(entry.stem for entry in entries) == [entry.stem for entry in entries]


def test_files_of_git_are_not_looked_at(tmp_path: Path) -> None:
    """What keeps an empty folder in a repository is no finding and no fixture."""
    for name in (".gitkeep", ".gitignore", ".gitattributes"):
        (tmp_path / name).touch()

    assert () == taken(tmp_path)


@pytest.mark.parametrize("make", [Path.touch, lambda path: None])
def test_a_folder_that_can_not_be_read_is_refused(make: object, tmp_path: Path) -> None:
    """One that is missing, or is a file, is a mistake told in one line that names it and the setting."""
    folder = tmp_path / "folder"
    assert callable(make)
    make(folder)
    with pytest.raises(ConfigError, match="CHARTS_FIXTURES_DIR") as refusal:
        taken(folder)

    assert 1 == len(refusal.value.problems)
    assert str(folder) in str(refusal.value)


# What a recorder writes is sound

awkward = st.sampled_from(
    ["a", "A", "a:b", "A_b", "A:B", "a__b", "_", "1m", "1M", "t__422_X", "t.meta", "t.png", "%2F"]
)
texts = st.text(max_size=20) | awkward | st.text(min_size=100, max_size=160)
requests = st.builds(ChartRequest, texts, texts, texts)
replies = st.sampled_from([Reply(200, {}, PNG), Reply(200, {}, OTHER)]) | st.builds(
    lambda status, body: Reply(status, {}, body), st.sampled_from([400, 404, 422]), st.binary(max_size=30)
)


@settings(max_examples=60, deadline=None)
@given(recorded=st.lists(st.tuples(requests, replies), min_size=1, max_size=5))
@example(
    recorded=[
        (ChartRequest("CME_MINI:NQ1!", "1m", "t"), Reply(200, {}, PNG)),
        (ChartRequest("CME:MINI_NQ1!", "1m", "t"), INVALID),
        (ChartRequest("CME_MINI:NQ1!", "1M", "t"), Reply(200, {}, OTHER)),
        (ChartRequest("CME_MINI:NQ1!", "1m", "t"), INVALID),
        (ChartRequest("", "", ""), INVALID),
    ]
)
def test_whatever_is_recorded_is_sound(recorded: list[tuple[ChartRequest, Reply]]) -> None:
    """Any charts in any order, over each other or not: no finding, and an entry for each chart that replays."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for request, reply in recorded:
            record(folder, request, reply)
        entries = taken(folder, {request.key: request.body_digest for request, _ in recorded})
        replays = FixtureTransport(folder)
        replayable = {request.key for request, _ in recorded if isinstance(replays.send(request), Reply)}

        assert [] == [str(finding) for entry in entries for finding in entry.findings]
        assert replayable == {entry.key for entry in entries}
        assert len(replayable) == len(entries)


printed = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(key=st.builds(ChartKey, printed, printed, printed))
def test_a_file_put_there_under_the_name_of_any_chart_is_fine(key: ChartKey) -> None:
    """Whatever the recorder would call it is a fixture's name without a meta file, too."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / f"{stem(key)}.png").write_bytes(PNG)

        assert [] == found(Path(name))


# What is wrong


def test_a_picture_that_is_not_whole_is_found(tmp_path: Path) -> None:
    """Why it isn't is said once, although its digest differs, too; its size in pixels is not known."""
    record(tmp_path)
    (tmp_path / f"{STEM}.png").write_bytes(PNG[:-5])
    entry = only(tmp_path)

    reason = f"it is cut off at byte {len(PNG) - 5}"
    assert [f"{STEM}.png: it is not a whole PNG: {reason}; delete it and record it again"] == found(tmp_path)
    assert (None, len(PNG) - 5) == (entry.width, entry.size)


@pytest.mark.parametrize(
    ("reply", "name", "content"),
    [
        (None, f"{STEM}.png", OTHER),
        (INVALID, f"{STEM}__422_INVALID_SYMBOL.json", ERROR),
    ],
)
def test_content_that_differs_from_its_digest_is_found(
    reply: Reply | None, name: str, content: bytes, tmp_path: Path
) -> None:
    """A whole picture or error in place of the one that was recorded; a change that is meant has its way out."""
    record(tmp_path, reply=reply)
    (tmp_path / name).write_bytes(content)
    (line,) = found(tmp_path)

    assert line.startswith(f"{name}: its content differs from the digest in its meta file; ")
    assert line.endswith(f"delete {STEM}.meta.json if the change is meant")
    (tmp_path / f"{STEM}.meta.json").unlink()
    assert [] == found(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"oops", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b'{"status": 422}', 'it is not an object with "status", a number, and "body"'),
        (b'{"status": 422, "body": "", "bodyBase64": "?"}', 'its "bodyBase64" is not Base64'),
    ],
)
def test_an_error_that_can_not_be_replayed_is_found(content: bytes, reason: str, tmp_path: Path) -> None:
    """The reason is the one a replay would give."""
    (tmp_path / f"{STEM}__422.json").write_bytes(content)
    entry = only(tmp_path)

    assert [
        f"{STEM}__422.json: it is not an error that can be replayed: {reason}; delete it and record it again"
    ] == found(tmp_path)
    assert (FixtureKind.ERROR, None, None) == (entry.kind, entry.http_status, entry.message)


def test_an_error_under_the_name_of_another_status_is_found(tmp_path: Path) -> None:
    """A replay gives the status inside, and so does the entry."""
    (tmp_path / f"{STEM}__500_OOPS.json").write_bytes(ERROR)

    assert [f"{STEM}__500_OOPS.json: its name says 500 and its content 422; correct one of them"] == found(tmp_path)
    assert 422 == only(tmp_path).http_status


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("oops", "it is not JSON: Expecting value at line 1, column 1"),
        ("[]", "it: must be an object"),
        ("{}", "$.symbol: is missing; $.timeframe: is missing; and 7 more"),
    ],
)
def test_a_meta_file_that_can_not_be_read_is_found(text: str, told: str, tmp_path: Path) -> None:
    """What is wrong in it is told with its place, at most two mistakes of it; the chart is not known then."""
    record(tmp_path)
    (tmp_path / f"{STEM}.meta.json").write_text(text)

    assert [f"{STEM}.meta.json: it can't be read ({told}); delete it and record the chart again"] == found(tmp_path)
    assert None is only(tmp_path).key


@pytest.mark.parametrize("suffix", [".png", "__422.json", ".meta.json"])
def test_a_folder_in_place_of_a_file_is_found(suffix: str, tmp_path: Path) -> None:
    """What can't be read is told with the reason of the system."""
    (tmp_path / f"{STEM}{suffix}").mkdir()
    (line,) = found(tmp_path)

    assert f"{STEM}{suffix}: it can't be read: Is a directory; make it a readable file or delete it" == line


def test_a_meta_file_without_its_file_is_found(tmp_path: Path) -> None:
    """The chart it was of is still named; nothing can be replayed."""
    record(tmp_path)
    (tmp_path / f"{STEM}.png").unlink()
    entry = only(tmp_path)

    assert [f"{STEM}.meta.json: the file it is of, {STEM}.png, is not there; delete this one, too"] == found(tmp_path)
    assert (FixtureKind.OTHER, None, REQUEST.key) == (entry.kind, entry.file, entry.key)


def test_a_meta_file_of_another_file_is_found(tmp_path: Path) -> None:
    """A picture put in place of a recorded error: the meta file says nothing of it, and the error is unused."""
    record(tmp_path, reply=INVALID)
    (tmp_path / f"{STEM}.png").write_bytes(PNG)
    error = f"{STEM}__422_INVALID_SYMBOL.json"

    assert [
        f"{error}: it is never replayed, because {STEM}.png is; delete one of the two",
        f"{STEM}.meta.json: it is of {error}, but {STEM}.png is replayed; delete it and what is not meant",
    ] == found(tmp_path)


def test_a_stale_body_is_found(tmp_path: Path) -> None:
    """Another body than would be posted today; where that is not known nothing is said."""
    record(tmp_path)
    (line,) = found(tmp_path, {REQUEST.key: "0" * 64})

    assert line.startswith(f"{STEM}.png: it is stale: ")
    assert [] == found(tmp_path, {REQUEST.key: REQUEST.body_digest})
    assert [] == found(tmp_path, {ChartKey("other", "1h", "t"): "0" * 64})


def test_errors_that_are_never_replayed_are_found(tmp_path: Path) -> None:
    """A picture stands before all errors, and the first error by name before the others, as in a replay."""
    for name in (f"{STEM}__404.json", f"{STEM}__422_A.json", f"{STEM}__422_B.json"):
        (tmp_path / name).write_bytes(ERROR.replace(b"422", name.split("__")[-1][:3].encode()))
    replayed = FixtureTransport(tmp_path).send(REQUEST)

    assert isinstance(replayed, Reply)
    assert replayed.fixture_path == tmp_path / f"{STEM}__404.json"
    assert [
        f"{STEM}__422_{each}.json: it is never replayed, because {STEM}__404.json is; delete one of the two"
        for each in "AB"
    ] == found(tmp_path)
    (tmp_path / f"{STEM}.png").write_bytes(PNG)
    assert 3 == len(found(tmp_path)) == sum(f"because {STEM}.png is" in line for line in found(tmp_path))


def test_a_file_under_the_name_of_another_chart_is_found(tmp_path: Path) -> None:
    """Whose meta file names a chart that is looked for elsewhere; the name of its own is as good as the plain one."""
    record(tmp_path)
    for new in ("BINANCE_BTCUSDT__4h__price_v1", distinct_stem(REQUEST.key)):
        for suffix in (".png", ".meta.json"):
            (old,) = tmp_path.glob(f"*{suffix}")
            old.rename(tmp_path / f"{new}{suffix}")
        meta = tmp_path / f"{new}.meta.json"
        meta.write_text(json.dumps({**json.loads(meta.read_text()), "file": f"{new}.png"}))
        wrong = f"it is of {REQUEST.key}, which is looked for under {STEM}; rename the files, or correct what it says"
        assert ([f"{new}.meta.json: {wrong}"] if "4h" in new else []) == found(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "README.md",
        f"{STEM}.PNG",
        f"{STEM}.json",
        f"{STEM}__bad.json",
        f"{STEM}__422_lower.json",
        f"{STEM}__42.json",
        "BTCUSDT.png",
        "BTCUSDT__1h.png",
        "__1h__t.png",
        "A_B____t.png",
        "A B__1h__t.png",
        "ü__1h__t.png",
        "A%2fB__1h__t.png",
        "A%41__1h__t.png",
        "A%FF__1h__t.png",
        "A%__1h__t.png",
        f"{'A' * 121}__1h__t.png",
        "A__1h__t~0123.png",
        "~0123456789abcdef.png",
        ".png",
        ".meta.json",
        ".A__1h__t.png",
        ".chartimg-probe",
        "new\nline.png",
    ],
)
def test_a_name_that_no_replay_looks_for_is_found(name: str, tmp_path: Path) -> None:
    """A file that stands for no chart is told once, on one line."""
    (tmp_path / name).write_bytes(PNG if name.endswith(".png") else ERROR)
    (line,) = found(tmp_path)

    assert "so nothing ever replays it; rename it or delete it" in line
    assert 1 == len(line.splitlines())


def test_what_a_stopped_writer_has_left_is_found(tmp_path: Path) -> None:
    """Its temporary file is named as what it is."""
    (tmp_path / ".chartimg-0123456789abcdef.tmp").touch()

    assert [".chartimg-0123456789abcdef.tmp: a writer that was stopped has left it; delete it"] == found(tmp_path)


def test_names_that_differ_only_in_case_are_found_unless_meta_files_tell_them_apart(tmp_path: Path) -> None:
    """A minute and a month put there by hand would fall together where case is ignored."""
    (tmp_path / "A_B__1m__t.png").write_bytes(PNG)
    if (tmp_path / "A_B__1M__t.png").exists():
        pytest.skip("this file system ignores case")
    (tmp_path / "A_B__1M__t.png").write_bytes(PNG)

    assert 2 == sum("differs from A_B__1" in line and "upper and lower case" in line for line in found(tmp_path))
    record(tmp_path / "one", ChartRequest("A:B", "1m", "t"))
    record(tmp_path / "other", ChartRequest("A:B", "1M", "t"))
    for path in [*(tmp_path / "one").iterdir(), *(tmp_path / "other").iterdir()]:
        path.rename(tmp_path / path.name)
    (tmp_path / "one").rmdir()
    (tmp_path / "other").rmdir()
    assert [] == found(tmp_path)


def test_a_second_fixture_of_a_chart_is_found(tmp_path: Path) -> None:
    """A file by the plain name is replayed before one by the chart's own, unless it is another chart's."""
    first, second = ChartRequest("CME_MINI:NQ1!", "1h", "t"), ChartRequest("CME:MINI_NQ1!", "1h", "t")
    record(tmp_path, first)
    record(tmp_path, second)
    own = f"{distinct_stem(second.key)}.png"

    assert [] == found(tmp_path)
    (tmp_path / f"{stem(first.key)}.meta.json").unlink()
    assert [
        f"{own}: it is never replayed, because {stem(first.key)}.png is found first; delete one of the two"
    ] == found(tmp_path)


@pytest.mark.parametrize(
    ("recorded_at", "utc"),
    [
        ("2026-01-05T14:00:00+02:00", NOW),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_the_date_is_given_in_utc(recorded_at: str, utc: datetime | None, tmp_path: Path) -> None:
    """Whatever zone the meta file has it in; a moment that has no name in UTC is none."""
    record(tmp_path)
    meta = tmp_path / f"{STEM}.meta.json"
    meta.write_text(re.sub(r'"recordedAt": "[^"]*"', f'"recordedAt": "{recorded_at}"', meta.read_text()))
    entry = only(tmp_path)

    assert utc == entry.recorded_at
    assert utc is None or timedelta(0) == timezone.utcoffset(UTC, utc)
    assert () == entry.findings
