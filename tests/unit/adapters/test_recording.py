"""The recorder: recordings replay byte for byte, no key is saved, and no reply that was paid for is lost."""

from __future__ import annotations

import errno
import json
import shutil
import struct
import tempfile
import threading
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chartimg.adapters.fixture import FixtureTransport
from chartimg.adapters.recording import RecordingTransport
from chartimg.domain.account import Account
from chartimg.domain.chart import ChartRequest, Request
from chartimg.domain.classification import classify
from chartimg.domain.errors import ConfigError
from chartimg.domain.events import FixtureNotRecorded, FixtureRecorded
from chartimg.domain.faults import FaultKind
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import EventLog, ScriptedTransport, picture
from chartimg.version import __version__
from limits import small_files
from patience import LONG
from samples import REQUEST

KEY = "canary-key-77e1"
ACCOUNT = Account("a", KEY)
STEM = "BINANCE_BTCUSDT__1h__price_v1"
PNG, OTHER = picture(), picture(20, 20)
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
INVALID = Reply(422, {"content-type": "application/json"}, b'{"message":"Invalid symbol"}')


class Meanwhile:
    """A transport that calls a function while a call is under way."""

    def __init__(self, reply: Reply, happens: Callable[[], object]) -> None:
        """Keep the function and the reply."""
        self.reply, self.happens = reply, happens

    def send(self, request: Request, account: Account | None, *, timeout: float | None = None) -> Reply:
        """Call the function, then reply."""
        self.happens()
        return self.reply


class PictureOf:
    """A transport with a different picture for each chart; it replies after all threads have called."""

    def __init__(self, pictures: Mapping[ChartRequest, bytes]) -> None:
        """Keep the picture of each chart."""
        self.pictures, self.start = pictures, threading.Barrier(len(pictures))

    def send(self, request: Request, account: Account | None, *, timeout: float | None = None) -> Reply:
        """Reply together with the others."""
        self.start.wait(LONG)
        assert isinstance(request, ChartRequest)
        return Reply(200, body=self.pictures[request])


def replayed(folder: Path, request: ChartRequest = REQUEST) -> Reply:
    """Return the replayed reply."""
    outcome = FixtureTransport(folder).send(request)
    assert isinstance(outcome, Reply), outcome
    return outcome


def names(folder: Path) -> set[str]:
    """List a folder with its hidden files."""
    return {entry.name for entry in folder.iterdir()}


# What is recorded


def test_a_picture_is_recorded_under_its_documented_name(tmp_path: Path) -> None:
    """A picture is returned unchanged and recorded with a complete meta file, and the listener is notified."""
    notes, reply = EventLog(), Reply(200, {"content-type": "image/png"}, PNG)
    inner = ScriptedTransport([reply])
    recorder = RecordingTransport(inner, tmp_path, listener=notes, origin="a test", now=lambda: NOW)

    assert reply == recorder.send(REQUEST, ACCOUNT, timeout=12.5)
    assert [(REQUEST, ACCOUNT, 12.5)] == inner.calls
    assert {f"{STEM}.png", f"{STEM}.meta.json"} == names(tmp_path)
    assert PNG == (tmp_path / f"{STEM}.png").read_bytes()
    meta = json.loads((tmp_path / f"{STEM}.meta.json").read_text())
    assert {
        "symbol": "BINANCE:BTCUSDT",
        "timeframe": "1h",
        "chartTemplateId": "price_v1",
        "file": f"{STEM}.png",
        "bodySha256": REQUEST.body_digest,
        "recordedAt": "2026-01-05T12:00:00+00:00",
        "origin": "a test",
        "libraryVersion": __version__,
        "schemaVersion": 1,
    }.items() <= meta.items()
    assert [FixtureRecorded("BINANCE:BTCUSDT 1h price_v1", str(tmp_path / f"{STEM}.png"), 200)] == notes.events


@pytest.mark.parametrize(
    ("reply", "suffix"),
    [
        (INVALID, "__422_INVALID_SYMBOL.json"),
        (Reply(404, body=b'{"message":"Route not found."}'), "__404_ROUTE_NOT_FOUND.json"),
        (Reply(400), "__400.json"),
        (Reply(409, body=b"\xff\xfe"), "__409.json"),
    ],
)
def test_a_terminal_error_is_recorded_under_status_and_slug(reply: Reply, suffix: str, tmp_path: Path) -> None:
    """The file of an error holds status and body in a readable form."""
    RecordingTransport(ScriptedTransport([reply]), tmp_path).send(REQUEST, None)

    assert {f"{STEM}{suffix}", f"{STEM}.meta.json"} == names(tmp_path)
    saved = json.loads((tmp_path / f"{STEM}{suffix}").read_text())
    assert {"status", "body"} <= saved.keys()
    assert reply.status == saved["status"]


def test_only_headers_that_mean_something_are_recorded(tmp_path: Path) -> None:
    """Only the headers that decide the meaning of a reply are recorded."""
    headers = {"content-type": "text/plain", "set-cookie": "id=1", "x-amzn-errortype": "X", "retry-after": "3"}
    RecordingTransport(ScriptedTransport([Reply(400, headers, b"no")]), tmp_path).send(REQUEST, ACCOUNT)

    del headers["set-cookie"]
    assert headers == replayed(tmp_path).headers


@pytest.mark.parametrize(
    "outcome",
    [
        Reply(429, body=b'{"message":"Too Many Requests"}'),
        Reply(429, body=b'{"message":"Limit Exceeded"}'),
        Reply(422, body=b'{"message":"Limit Exceeded"}'),
        Reply(403, body=b'{"message":"Forbidden"}'),
        Reply(403, body=b'{"message":"Exceed Max Usage Resolution Limit"}'),
        Reply(408),
        Reply(500, body=b'{"error":"Server error."}'),
        Reply(503),
        Reply(504),
        Reply(302, {"location": "https://elsewhere.example"}),
        Reply(204),
        Reply(200, body=PNG[:-1]),
        Reply(200, body=b"<html>"),
        TransportFailure(FaultKind.NETWORK, "the reply did not come in time"),
        TransportFailure(FaultKind.NOT_SENT, "no connection could be made"),
    ],
    ids=repr,
)
def test_what_passes_or_is_about_one_account_is_not_recorded(outcome: Reply | TransportFailure, tmp_path: Path) -> None:
    """An error that passes by itself, or is about one account, is returned and not recorded."""
    notes = EventLog()

    assert outcome == RecordingTransport(ScriptedTransport([outcome]), tmp_path, listener=notes).send(REQUEST, ACCOUNT)
    assert set() == names(tmp_path)
    assert [] == notes.events


# Record, then replay

TEXT = st.text(min_size=1, max_size=12) | st.sampled_from(
    [
        "../../x",
        "/",
        "..",
        ".",
        "a/b",
        "nul\x00",
        "line\nbreak",
        "x" * 300,
        "🚀" * 90,
        "CON",
        "a__b",
        "1m",
        "1M",
        "%2F",
        "~",
    ]
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
BODIES = st.one_of(
    st.binary(max_size=60),
    JSON_VALUES.map(lambda value: json.dumps(value).encode()),
    JSON_VALUES.map(lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()),
    JSON_VALUES.map(lambda value: json.dumps(value, indent=1).encode("utf-16")),
)
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "retry-after", "x-amzn-errortype"]), st.text(max_size=10), max_size=3
)
ERRORS = st.builds(Reply, st.integers(400, 499), HEADERS, BODIES)
PICTURES = st.builds(lambda w, h: Reply(200, {"content-type": "image/png"}, picture(w, h)), *[st.integers(1, 40)] * 2)


@given(symbol=TEXT, timeframe=TEXT, template=TEXT, reply=ERRORS | PICTURES)
@example("A:B", "1h", "t", Reply(400, {}, b'"\\ud800"'))
@example("A:B", "1h", "t", Reply(400, {}, b'{"a":"\\ud800"}'))
@example("A:B", "1h", "t", Reply(400, {}, b'{"a":1,"a":2}'))
@example("A:B", "1h", "t", Reply(400, {}, b"[1e999,NaN]"))
@example("A:B", "1h", "t", Reply(400, {}, b"1" * 5000))
@example("A:B", "1h", "t", Reply(400, {}, b"\xef\xbb\xbf{}"))
def test_recording_and_replaying_is_the_identity(symbol: str, timeframe: str, template: str, reply: Reply) -> None:
    """For any chart a picture or terminal error replays with the same status, body and kept headers."""
    fault = classify(reply, now=NOW)
    assume(fault is None or fault.kind is FaultKind.INVALID_REQUEST)
    request = ChartRequest(symbol, timeframe, template)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "fixtures"
        handed_on = RecordingTransport(ScriptedTransport([reply]), folder).send(request, ACCOUNT)
        back = replayed(folder, request)

        assert reply == handed_on
        assert (reply.status, reply.body, dict(reply.headers)) == (back.status, back.body, dict(back.headers))
        assert {"fixtures"} == names(Path(name))
        assert 2 == len(names(folder))


@pytest.mark.parametrize(("head", "tail"), [(b'{"message":"deep","x":', b"}"), (b"", b"")])
def test_an_error_of_any_depth_is_handed_on(head: bytes, tail: bytes, tmp_path: Path) -> None:
    """An object or array nested to any depth is returned and replays the same."""
    for depth in [300, *range(880, 1000, 10), 100_000]:
        reply = Reply(422, body=head + b"[" * depth + b"]" * depth + tail)

        assert reply == RecordingTransport(ScriptedTransport([reply]), tmp_path).send(REQUEST, ACCOUNT)
        assert reply.body == replayed(tmp_path).body


# Charts that share a name

COLLIDING = [
    (ChartRequest("CME_MINI:NQ1!", "1h", "t"), ChartRequest("CME:MINI_NQ1!", "1h", "t")),
    (ChartRequest("A:B", "1m", "t"), ChartRequest("A:B", "1M", "t")),
]


@pytest.mark.parametrize("requests", COLLIDING)
def test_two_threads_may_record_charts_that_share_a_name(
    requests: tuple[ChartRequest, ChartRequest], tmp_path: Path
) -> None:
    """Threads that record charts with one stem at once keep the picture of each."""
    for attempt in range(10):
        folder = tmp_path / str(attempt)
        pictures = dict(zip(requests, (PNG, OTHER), strict=True))
        recorder = RecordingTransport(PictureOf(pictures), folder)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(recorder.send, requests, [ACCOUNT] * 2))

        assert [PNG, OTHER] == [replayed(folder, request).body for request in requests]
        assert 4 == len({name.casefold() for name in names(folder)})


@pytest.mark.parametrize("requests", COLLIDING)
def test_two_recorders_never_give_a_chart_the_picture_of_another(
    requests: tuple[ChartRequest, ChartRequest], tmp_path: Path
) -> None:
    """Recorders of two processes may lose a recording, but never replay the picture of another chart."""
    for attempt in range(10):
        folder = tmp_path / str(attempt)
        inner = PictureOf(dict(zip(requests, (PNG, OTHER), strict=True)))
        recorders = [RecordingTransport(inner, folder) for _ in requests]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda recorder, request: recorder.send(request, ACCOUNT), recorders, requests))

        for request, body in inner.pictures.items():
            outcome = FixtureTransport(folder).send(request)
            assert isinstance(outcome, TransportFailure) or body == outcome.body


# Keys


@pytest.mark.parametrize("key", [KEY, "abc/def+ghi=", 'quo"ted\\key', "<tag>&amp;"])
@pytest.mark.parametrize("spell", ["plain", "json", "slashes", "escapes"])
def test_a_key_the_provider_repeats_reaches_no_file(key: str, spell: str, tmp_path: Path) -> None:
    """A key in a body or a header, in any JSON spelling, is masked in the file and in the reply."""
    spelled = {
        "plain": key,
        "json": json.dumps(key)[1:-1],
        "slashes": json.dumps(key)[1:-1].replace("/", "\\/"),
        "escapes": "".join(f"\\u{ord(letter):04x}" for letter in key),
    }[spell]
    reply = Reply(422, {"content-type": f"text/{key}", "retry-after": key}, f'{{"message":"bad {spelled}"}}'.encode())
    handed_on = RecordingTransport(ScriptedTransport([reply]), tmp_path).send(REQUEST, Account("a", key))

    assert isinstance(handed_on, Reply)
    for text in (
        *(entry.name + entry.read_text() for entry in tmp_path.iterdir()),
        handed_on.body.decode(),
        str(dict(handed_on.headers)),
    ):
        assert key not in text
        assert key not in text.replace("\\\\", "\\").replace('\\"', '"')
    back = replayed(tmp_path)
    for body in (back.body, handed_on.body):
        try:
            assert key not in str(json.loads(body))
        except ValueError:
            assert key.encode() not in body


def test_a_picture_that_holds_the_key_is_handed_on_and_not_recorded(tmp_path: Path) -> None:
    """A picture that contains the key is returned unchanged and not recorded."""
    text = b"tEXt" + KEY.encode()
    chunk = struct.pack(">I", len(KEY)) + text + struct.pack(">I", zlib.crc32(text))
    png, notes = PNG[:-12] + chunk + PNG[-12:], EventLog()
    recorder = RecordingTransport(ScriptedTransport([Reply(200, body=png)]), tmp_path, listener=notes)
    outcome = recorder.send(REQUEST, ACCOUNT)

    assert isinstance(outcome, Reply)
    assert png == outcome.body
    assert [] == list(tmp_path.iterdir())
    assert [FixtureNotRecorded(str(REQUEST.key), str(tmp_path), "the picture holds a key or a session")] == notes.events


def test_a_key_in_a_failure_is_not_handed_on(tmp_path: Path) -> None:
    """A key in the message of a failure is masked."""
    inner = ScriptedTransport([TransportFailure(FaultKind.NETWORK, f"broke on {KEY}")])
    outcome = RecordingTransport(inner, tmp_path).send(REQUEST, ACCOUNT)

    assert KEY not in repr(outcome)


# Folders that can't be written


def test_a_file_in_place_of_the_folder_is_refused_at_once(tmp_path: Path) -> None:
    """A recorder refuses a folder that can't be written before any call is paid for."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="can't be recorded"):
        RecordingTransport(ScriptedTransport([]), tmp_path / "file")


def test_no_call_is_made_while_the_folder_can_not_be_written(tmp_path: Path) -> None:
    """While the folder can't be written no call is made; afterwards calls are made again."""
    folder, inner = tmp_path / "fixtures", ScriptedTransport([Reply(200, body=PNG)])
    recorder = RecordingTransport(inner, folder)
    folder.rmdir()
    folder.write_bytes(b"")
    outcome = recorder.send(REQUEST, ACCOUNT)

    assert isinstance(outcome, TransportFailure)
    assert FaultKind.NOT_SENT is outcome.kind
    assert [] == inner.calls
    folder.unlink()
    assert isinstance(recorder.send(REQUEST, ACCOUNT), Reply)


@pytest.mark.parametrize("reply", [Reply(200, body=PNG), INVALID])
def test_a_reply_that_can_not_be_saved_is_handed_on(reply: Reply, tmp_path: Path) -> None:
    """A reply that can't be saved is returned with the reason as a warning, and the listener gets it, too."""
    folder, notes = tmp_path / "fixtures", EventLog()

    def replace_by_file() -> None:
        shutil.rmtree(folder)
        folder.write_bytes(b"")

    outcome = RecordingTransport(Meanwhile(reply, replace_by_file), folder, listener=notes).send(REQUEST, ACCOUNT)
    (event,) = notes.events

    assert isinstance(outcome, Reply)
    assert isinstance(event, FixtureNotRecorded)
    assert reply == attrs.evolve(outcome, warnings=())
    assert [f"the reply could not be recorded as a fixture: {event.reason}"] == [
        each.message for each in outcome.warnings
    ]
    assert ("BINANCE:BTCUSDT 1h price_v1", str(folder)) == (event.chart, event.path)
    assert event.reason
    assert KEY not in repr(event)


def test_after_a_recording_without_room_no_call_is_made_until_there_is_room(tmp_path: Path) -> None:
    """If a recording had no room, a request without room for as much is not sent; with room it is sent and recorded."""
    large = Reply(200, body=picture(12_000, 12_000))
    inner = ScriptedTransport([large, large])
    recorder = RecordingTransport(inner, tmp_path)
    with small_files(12_000):
        paid, refused = (recorder.send(REQUEST, ACCOUNT) for _ in range(2))

    assert isinstance(paid, Reply)
    assert isinstance(refused, TransportFailure)
    assert (FaultKind.NOT_SENT, tmp_path, 1) == (refused.kind, refused.fixture_path, len(inner.calls))
    assert large == recorder.send(REQUEST, ACCOUNT)


def test_a_reply_beside_a_damaged_meta_is_handed_on(tmp_path: Path) -> None:
    """A fixture with a damaged meta file is not overwritten, since it may be another chart's."""
    (tmp_path / f"{STEM}.meta.json").write_text("damaged")
    notes, inner = EventLog(), ScriptedTransport([Reply(200, body=PNG)] * 2)

    for recorder in (RecordingTransport(inner, tmp_path, listener=notes), RecordingTransport(inner, tmp_path)):
        outcome = recorder.send(REQUEST, ACCOUNT)
        assert isinstance(outcome, Reply)
        assert PNG == outcome.body
        assert [True] == ["is not JSON" in each.message for each in outcome.warnings]
    assert [FixtureNotRecorded] == [type(event) for event in notes.events]
    assert {f"{STEM}.meta.json"} == names(tmp_path)


def test_time_is_the_machines_unless_told_otherwise(tmp_path: Path) -> None:
    """The moment of a recording is the machine's time in UTC by default."""
    before = datetime.now(UTC)
    RecordingTransport(ScriptedTransport([Reply(200, body=PNG)]), tmp_path).send(REQUEST, ACCOUNT)
    recorded = datetime.fromisoformat(json.loads((tmp_path / f"{STEM}.meta.json").read_text())["recordedAt"])

    assert before <= recorded <= datetime.now(UTC)


def test_one_at_a_time_records_a_chart(tmp_path: Path) -> None:
    """The lock on a chart is held by one recorder at a time; its file goes with it, and other charts are free."""
    one, two = (RecordingTransport(ScriptedTransport([]), tmp_path) for _ in range(2))
    lock = one.lock(REQUEST)
    assert lock is not None
    assert two.lock(REQUEST) is None
    assert two.lock(attrs.evolve(REQUEST, timeframe="4h")) is not None
    lock.release()

    assert two.lock(REQUEST) is not None


def test_where_there_are_no_locks_each_may_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without locks stops no recording."""

    def refuse(_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr("chartimg.adapters.fixture.folder.FileLock.take", refuse)
    one, two = (RecordingTransport(ScriptedTransport([]), tmp_path).lock(REQUEST) for _ in range(2))
    assert one is not None
    assert two is not None
    one.release()
