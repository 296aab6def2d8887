"""Refusals of calls in a file."""

from __future__ import annotations

import stat
import threading
from datetime import timedelta
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chartimg.adapters.refusals import RefusalFile
from chartimg.domain.errors import ConfigError
from chartimg.domain.refusal import Refusal
from samples import NOON

REFUSAL = Refusal("NYSE:AAPL", "1h", "t", 422, "Invalid Symbol", ("symbol",), NOON, "digest", {"width": 800})
texts = st.text(st.characters(codec="utf-8"), max_size=20)


def numbered(number: int, size: int = 0) -> Refusal:
    """Return a refusal with a number in it, and a body of some *size*."""
    return attrs.evolve(REFUSAL, message=str(number), body={"x": "x" * size})


@given(
    st.lists(
        st.builds(
            Refusal,
            st.none() | texts,
            st.none() | texts,
            st.none() | texts,
            st.none() | st.integers(100, 599),
            texts,
            st.lists(texts, max_size=3).map(tuple),
            st.none() | st.integers(0, 10**6).map(lambda seconds: NOON + timedelta(seconds=seconds)),
            st.none() | texts,
            st.none() | st.dictionaries(texts, texts | st.integers() | st.lists(texts)),
        ),
        max_size=5,
    )
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_refusals_are_read_as_they_were_noted(tmp_path: Path, refusals: list[Refusal]) -> None:
    """Whatever is in them, they come back in order, each from one line."""
    path = tmp_path / "deeper" / "refused.jsonl"
    path.unlink(missing_ok=True)
    for each in refusals:
        RefusalFile(path).note(each)

    assert refusals == list(RefusalFile(path).read())
    assert len(refusals) == (len(path.read_bytes().splitlines()) if refusals else 0)


def test_a_file_that_does_not_exist_has_no_refusals(tmp_path: Path) -> None:
    """To read makes no file."""
    assert [] == list(RefusalFile(tmp_path / "refused.jsonl").read())
    assert [] == list(tmp_path.iterdir())


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    """Bodies are the host's own."""
    RefusalFile(tmp_path / "refused.jsonl").note(REFUSAL)

    assert 0o600 == stat.S_IMODE((tmp_path / "refused.jsonl").stat().st_mode)


def test_a_line_that_was_half_written_is_skipped(tmp_path: Path) -> None:
    """The others are read."""
    path = tmp_path / "refused.jsonl"
    RefusalFile(path).note(numbered(1))
    path.write_bytes(path.read_bytes() + b'{"symbol": \xff\n')
    RefusalFile(path).note(numbered(2))

    assert ["1", "2"] == [each.message for each in RefusalFile(path).read()]


def test_the_oldest_refusals_leave(tmp_path: Path) -> None:
    """Two files of a quarter of a megabyte stay, with the newest refusals in order."""
    file = RefusalFile(tmp_path / "refused.jsonl")
    for number in range(100):
        file.note(numbered(number, size=16_000))
    kept = [int(each.message) for each in file.read()]

    assert {"refused.jsonl", "refused.jsonl.1"} == {path.name for path in tmp_path.iterdir()}
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 512 * 1024
    assert list(range(100 - len(kept), 100)) == kept
    assert len(kept) > 15


def test_lines_of_many_threads_stay_whole(tmp_path: Path) -> None:
    """Each refusal of a crowd is there once."""
    path = tmp_path / "refused.jsonl"
    threads = [threading.Thread(target=RefusalFile(path).note, args=(numbered(number),)) for number in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert set(map(str, range(20))) == {each.message for each in RefusalFile(path).read()}


def test_a_file_that_can_t_be_written_is_said_once_and_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A fetch goes on without it."""
    (tmp_path / "refused.jsonl").mkdir()
    file = RefusalFile(tmp_path / "refused.jsonl")
    file.note(REFUSAL)
    file.note(REFUSAL)

    assert [f"refusals can't be kept in {file.path}: Is a directory"] == [each.message for each in caplog.records]
    with pytest.raises(ConfigError, match="can't be read: Is a directory"):
        list(file.read())
