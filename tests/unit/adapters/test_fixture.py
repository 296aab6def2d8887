"""Answers from fixtures: the right file, whole or an error, and never an exception."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chartimg.adapters.fixture import FixtureTransport, read_error_fixture
from chartimg.adapters.recording import RecordingTransport
from chartimg.domain.account import Account
from chartimg.domain.chart import ChartRequest
from chartimg.domain.errors import ConfigError
from chartimg.domain.events import Event, FixtureStale
from chartimg.domain.faults import FaultKind
from chartimg.domain.filename import stem
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import ScriptedTransport, picture

REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1")
STEM = "BINANCE_BTCUSDT__1h__price_v1"
PNG, OTHER = picture(), picture(20, 20)
BAD_IMAGE, UNEXPECTED, MISSING = FaultKind.BAD_IMAGE, FaultKind.UNEXPECTED_REPLY, FaultKind.FIXTURE_MISSING
JSON_HEADERS = {"content-type": "application/json"}


class Notes:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.events: list[Event] = []

    def notify(self, event: Event) -> None:
        """Keep *event*."""
        self.events.append(event)


def record(folder: Path, reply: Reply, request: ChartRequest = REQUEST) -> None:
    """Have the recorder write *reply*."""
    RecordingTransport(ScriptedTransport([reply]), folder).send(request, Account("a", "canary-key"))


def failed(outcome: Reply | TransportFailure) -> TransportFailure:
    """Take a failure for granted, on one line."""
    assert isinstance(outcome, TransportFailure), outcome
    assert "\n" not in outcome.message
    return outcome


def age(*paths: Path) -> None:
    """Make files look as if nobody had touched them for long."""
    for path in paths:
        os.utime(path, (1_600_000_000, 1_600_000_000))


def test_a_picture_by_its_documented_name_is_replayed(tmp_path: Path) -> None:
    """Byte for byte, already verified, with the path it came from, and without an account."""
    path = tmp_path / f"{STEM}.png"
    path.write_bytes(PNG)
    transport = FixtureTransport(tmp_path)
    expected = Reply(200, {"content-type": "image/png"}, PNG, path, picture_verified=True)

    assert expected == transport.send(REQUEST)
    assert expected == transport.send(REQUEST, Account("a", "canary-key"), timeout=0.0)
    age(path, tmp_path)
    assert [expected] * 3 == [transport.send(REQUEST) for _ in range(3)]


@pytest.mark.parametrize("name", [f"{STEM}__429_LIMIT_EXCEEDED.json", f"{STEM}__429.json"])
def test_an_error_put_there_by_hand_is_replayed(name: str, tmp_path: Path) -> None:
    """Status and body are all it needs, and a meta file it doesn't."""
    path = tmp_path / name
    path.write_text('{"status": 429, "body": {"message": "Limit Exceeded"}}')
    transport = FixtureTransport(str(tmp_path))
    expected = Reply(429, JSON_HEADERS, b'{"message":"Limit Exceeded"}', path)

    assert expected == transport.send(REQUEST)
    age(path, tmp_path)
    assert [expected] * 3 == [transport.send(REQUEST) for _ in range(3)]


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (
            '{"status": 422, "body": [{"msg": "Invalid value", "param": "interval"}]}',
            b'[{"msg":"Invalid value","param":"interval"}]',
        ),
        ('{"status": 422, "body": "plain text"}', b"plain text"),
        ('{"status": 422, "body": null}', b"null"),
        ('{"status": 422, "body": "ü"}', "ü".encode()),
        ('{"status": 422, "body": "shown", "bodyBase64": "AP8="}', b"\x00\xff"),
    ],
)
def test_the_body_of_an_error_may_have_any_shape(text: str, body: bytes, tmp_path: Path) -> None:
    """JSON is written as the provider does, text stays as it is, exact bytes win over both."""
    assert Reply(422, JSON_HEADERS, body, tmp_path) == read_error_fixture(text.encode(), tmp_path)


def test_the_headers_of_an_error_are_replayed(tmp_path: Path) -> None:
    """Their names in lower case, as over HTTP."""
    reply = read_error_fixture(b'{"status": 429, "headers": {"Retry-After": "7"}, "body": ""}', tmp_path)

    assert {"retry-after": "7"} == reply.headers


def test_a_picture_wins_over_an_error(tmp_path: Path) -> None:
    """A chart that has both is the picture."""
    (tmp_path / f"{STEM}__422_BAD.json").write_text("damaged")
    (tmp_path / f"{STEM}.png").write_bytes(PNG)
    reply = FixtureTransport(tmp_path).send(REQUEST)

    assert isinstance(reply, Reply)
    assert PNG == reply.body


# Missing


def test_a_missing_fixture_names_key_path_nearest_and_command(tmp_path: Path) -> None:
    """Everything a person needs to go on is in the message, and in the details for a program."""
    for name in ("BINANCE_BTCUSDT__4h__price_v1.png", "NASDAQ_AAPL__1D__other_v2.png"):
        (tmp_path / name).write_bytes(PNG)
    failure = failed(FixtureTransport(tmp_path).send(REQUEST))
    command = "chartimg fetch BINANCE:BTCUSDT 1h --template price_v1 --out chart.png"

    assert MISSING is failure.kind
    assert tmp_path / f"{STEM}.png" == failure.fixture_path
    for said in ("BINANCE:BTCUSDT 1h price_v1", str(failure.fixture_path), "BINANCE_BTCUSDT__4h__price_v1", command):
        assert said in failure.message
    assert f"CHARTS_API_MODE=record {command}" in failure.message
    assert (
        {
            "key": "BINANCE:BTCUSDT 1h price_v1",
            "path": str(failure.fixture_path),
            "nearest": "BINANCE_BTCUSDT__4h__price_v1",
            "command": f"CHARTS_API_MODE=record {command}",
        },
    ) == failure.details


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_an_empty_or_missing_folder_is_said_to_hold_nothing(folder: str, tmp_path: Path) -> None:
    """There is no nearest fixture then."""
    failure = failed(FixtureTransport(tmp_path / folder).send(REQUEST))

    assert MISSING is failure.kind
    assert "the folder holds no fixture" in failure.message
    assert failure.details[0]["nearest"] is None


def test_the_command_of_a_formula_is_quoted_for_a_shell(tmp_path: Path) -> None:
    """What is pasted into a terminal is one argument each."""
    failure = failed(FixtureTransport(tmp_path).send(ChartRequest("(A:B+C:D)/10; rm x", "1h", "t")))

    assert "fetch '(A:B+C:D)/10; rm x' 1h" in failure.message


def test_a_file_in_place_of_the_folder_is_a_failure(tmp_path: Path) -> None:
    """Whether it is old or new, there is no fixture in it and no exception."""
    file = tmp_path / "file"
    file.write_bytes(b"")
    new = failed(FixtureTransport(file).send(REQUEST))
    age(file)
    old = failed(FixtureTransport(file).send(REQUEST))

    assert new.kind is old.kind


def test_missing_is_quickly_said_among_many_files(tmp_path: Path) -> None:
    """Finding the nearest of ten thousand names does not keep a host waiting."""
    for number in range(10_000):
        (tmp_path / f"BINANCE_COIN{number}USDT__1h__price_ma1226_vol_v1.png").touch()
    started = time.process_time()
    failure = failed(FixtureTransport(tmp_path).send(REQUEST))

    assert MISSING is failure.kind
    assert time.process_time() - started < 5.0


# Damaged


def flipped(data: bytes, place: int) -> bytes:
    """Flip one bit."""
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize(
    "content",
    [b"", b"not a picture", PNG[:20], PNG[:-1], PNG + b"\n", flipped(PNG, 45), b"\x89PNG\r\n\x1a\n", b"<html>"],
    ids=["empty", "text", "head only", "cut", "longer", "flipped", "signature", "html"],
)
def test_a_damaged_picture_is_an_error_and_no_picture(content: bytes, tmp_path: Path) -> None:
    """Also one that was put there by hand; the message names the file and says what to do."""
    path = tmp_path / f"{STEM}.png"
    path.write_bytes(content)
    failure = failed(FixtureTransport(tmp_path).send(REQUEST))

    assert (BAD_IMAGE, path) == (failure.kind, failure.fixture_path)
    assert f"{path} is damaged" in failure.message
    assert "record it again" in failure.message


def test_a_recorded_picture_swapped_for_another_is_an_error(tmp_path: Path) -> None:
    """Another valid picture is not the one that was recorded, however alike their names."""
    record(tmp_path, Reply(200, body=PNG))
    (tmp_path / f"{STEM}.png").write_bytes(OTHER)
    failure = failed(FixtureTransport(tmp_path).send(REQUEST))

    assert BAD_IMAGE is failure.kind
    assert "digest" in failure.message


def test_a_recorded_error_that_was_changed_is_an_error(tmp_path: Path) -> None:
    """The digest guards errors, too."""
    record(tmp_path, Reply(422, body=b'{"message":"Invalid symbol"}'))
    (path,) = tmp_path.glob("*__422_*.json")
    path.write_text(path.read_text().replace("422", "423"))

    assert UNEXPECTED is failed(FixtureTransport(tmp_path).send(REQUEST)).kind


def test_a_recorded_picture_changed_on_purpose_is_taken_without_its_meta(tmp_path: Path) -> None:
    """As the message says: delete the meta file if the change is meant."""
    record(tmp_path, Reply(200, body=PNG))
    (tmp_path / f"{STEM}.png").write_bytes(OTHER)
    (tmp_path / f"{STEM}.meta.json").unlink()
    reply = FixtureTransport(tmp_path).send(REQUEST)

    assert isinstance(reply, Reply)
    assert OTHER == reply.body


@pytest.mark.parametrize("settled", [False, True])
def test_a_byte_flipped_right_after_a_good_replay_is_noticed(settled: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """What was verified once is verified again when the file has changed, also within the clock's grain and size."""
    path = tmp_path / f"{STEM}.png"
    path.write_bytes(PNG)
    if settled:
        age(path, tmp_path)
    transport = FixtureTransport(tmp_path)
    for _ in range(3):
        assert isinstance(transport.send(REQUEST), Reply)
        path.write_bytes(flipped(PNG, 45))
        assert BAD_IMAGE is failed(transport.send(REQUEST)).kind
        path.write_bytes(PNG)
        if settled:
            age(path)
            os.utime(path, (1_600_000_000, 1_600_000_000 + len(list(tmp_path.iterdir()))))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "{}", '{"symbol": 1}', "[" * 100_000, "1" * 5000, "\x00", '{"symbol": "A:B"}'],
)
def test_a_damaged_meta_is_an_error_and_no_picture(content: str, tmp_path: Path) -> None:
    """It can't be known whose picture it is."""
    record(tmp_path, Reply(200, body=PNG))
    meta = tmp_path / f"{STEM}.meta.json"
    meta.write_text(content)
    failure = failed(FixtureTransport(tmp_path).send(REQUEST))

    assert BAD_IMAGE is failure.kind
    assert str(meta) in failure.message


def test_a_meta_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, and a field of a later version, are both more than this version can vouch for."""
    record(tmp_path, Reply(200, body=PNG))
    meta = tmp_path / f"{STEM}.meta.json"
    whole = meta.read_text()
    for content in (b"\xff\xfe\x00", whole.replace('"origin"', '"provenance"').encode()):
        meta.write_bytes(content)
        assert BAD_IMAGE is failed(FixtureTransport(tmp_path).send(REQUEST)).kind


@pytest.mark.parametrize("suffix", [".png", "__422_BAD.json", ".meta.json"])
def test_a_directory_in_place_of_a_file_is_an_error(suffix: str, tmp_path: Path) -> None:
    """It names the file, and no file stays open, however often it is met."""
    record(tmp_path, Reply(200, body=PNG))
    if suffix != ".meta.json":
        (tmp_path / f"{STEM}.png").unlink()
    (tmp_path / f"{STEM}{suffix}").unlink(missing_ok=True)
    (tmp_path / f"{STEM}{suffix}").mkdir()
    transport = FixtureTransport(tmp_path)
    before = len(list(Path("/dev/fd").iterdir()))
    failures = [failed(transport.send(REQUEST)) for _ in range(20)]

    assert f"{STEM}{suffix}" in failures[0].message
    assert {BAD_IMAGE, UNEXPECTED} >= {failure.kind for failure in failures}
    assert before == len(list(Path("/dev/fd").iterdir()))


WRONG = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b'{"status": 400, "body": "\xff"}',
    "a number": b"4",
    "a list": b"[400, {}]",
    "null": b"null",
    "no status": b'{"body": {}}',
    "no body": b'{"status": 400}',
    "a status as text": b'{"status": "400", "body": {}}',
    "a status with a point": b'{"status": 400.0, "body": {}}',
    "a status that is true": b'{"status": true, "body": {}}',
    "a status that is null": b'{"status": null, "body": {}}',
    "headers as a list": b'{"status": 400, "headers": [], "body": {}}',
    "a header as a number": b'{"status": 400, "headers": {"retry-after": 7}, "body": {}}',
    "Base64 that is none": b'{"status": 400, "body": "", "bodyBase64": "A"}',
    "Base64 with spaces": b'{"status": 400, "body": "", "bodyBase64": "A P 8 ="}',
    "Base64 beyond ASCII": '{"status": 400, "body": "", "bodyBase64": "AP8é"}'.encode(),
    "half a character": b'{"status": 400, "body": "\\ud800"}',
    "deep": b'{"status": 400, "body": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "long": b'{"status": 400, "body": ' + b"1" * 5000 + b"}",
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_damaged_error_is_a_failure(content: bytes, tmp_path: Path) -> None:
    """It is no reply, and no exception; the message names the file."""
    path = tmp_path / f"{STEM}__400_BAD.json"
    path.write_bytes(content)
    failure = failed(FixtureTransport(tmp_path).send(REQUEST))

    assert (UNEXPECTED, path) == (failure.kind, failure.fixture_path)
    assert str(path) in failure.message


def test_an_error_of_any_depth_is_a_reply_or_a_failure(tmp_path: Path) -> None:
    """There is no depth at which reading succeeds and what follows fails."""
    for depth in range(600, 1100, 3):
        content = b'{"status": 400, "body": ' + b"[" * depth + b"]" * depth + b"}"
        try:
            body = read_error_fixture(content, tmp_path).body
        except ConfigError:
            continue
        assert b"[" * depth + b"]" * depth == body


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=80),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["status", "body", "headers", "bodyBase64", "x"]), inner, max_size=4)
            ),
        ).map(lambda value: json.dumps(value).encode()),
        st.fixed_dictionaries(
            {"status": st.integers(), "body": st.text(st.characters(), max_size=5)},
            optional={"bodyBase64": st.text(max_size=5), "headers": st.dictionaries(st.text(), st.text() | st.none())},
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_reading_an_error_gives_a_reply_or_says_what_is_wrong(content: bytes) -> None:
    """Whatever the file holds, nothing but ConfigError is raised."""
    try:
        reply = read_error_fixture(content, Path("x.json"))
    except ConfigError:
        return

    assert isinstance(reply.body, bytes)
    assert all(isinstance(part, str) for pair in reply.headers.items() for part in pair)


# Stale


def test_a_fixture_of_another_body_is_reported_and_replayed(tmp_path: Path) -> None:
    """The listener hears of it each time; the picture comes all the same."""
    record(tmp_path, Reply(200, body=PNG), ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"theme": "dark"}))
    notes = Notes()
    transport = FixtureTransport(tmp_path, listener=notes)
    replies = [transport.send(REQUEST), transport.send(REQUEST), FixtureTransport(tmp_path).send(REQUEST)]

    assert [PNG] * 3 == [reply.body for reply in replies if isinstance(reply, Reply)]
    assert [FixtureStale("BINANCE:BTCUSDT 1h price_v1", str(tmp_path / f"{STEM}.png"))] * 2 == notes.events


def test_a_fixture_of_the_same_body_is_not_reported(tmp_path: Path) -> None:
    """Nor is one without a meta file, of which nothing is known."""
    notes = Notes()
    record(tmp_path, Reply(200, body=PNG))
    FixtureTransport(tmp_path, listener=notes).send(REQUEST)
    (tmp_path / f"{STEM}.meta.json").unlink()
    FixtureTransport(tmp_path, listener=notes).send(ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"x": 1}))

    assert [] == notes.events


# Names


@pytest.mark.parametrize(
    "symbol",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "..",
        ".",
        ".hidden",
        "a\\b",
        "nul\x00byte",
        "new\nline",
        "x" * 300,
        "🚀:🚀" * 40,
        "CON",
        "%2F",
        'a*?<>|"',
    ],
)
def test_any_symbol_stays_inside_the_folder(symbol: str, tmp_path: Path) -> None:
    """It is looked for, recorded and found again there, and nowhere else."""
    folder = tmp_path / "deep" / "fixtures"
    request = ChartRequest(symbol, "1h", "t")
    missing = FixtureTransport(folder).send(request)
    record(folder, Reply(200, body=PNG), request)
    found = FixtureTransport(folder).send(request)

    assert isinstance(missing, TransportFailure)
    assert isinstance(found, Reply)
    assert found.fixture_path is not None
    assert missing.fixture_path == found.fixture_path == folder / f"{stem(request.key)}.png"
    assert folder == found.fixture_path.resolve().parent
    assert [folder] == list((tmp_path / "deep").iterdir())
    assert 2 == len(list(folder.iterdir()))
    assert max(len(entry.name.encode()) for entry in folder.iterdir()) <= 200
