"""A command as a process: the calls that it made, and --out."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from chartimg.app.cli.process import Calls, check_out_file
from chartimg.domain.errors import ConfigError
from chartimg.domain.events import CallFinished, CallStarted
from chartimg.domain.faults import FaultKind
from command import call
from fetching import FETCH, FIXTURE, mock, refused

SENT = [CallStarted("A:B 1h t", account, 1) for account in ("b", "a", "b")]


def test_calls_are_counted_for_each_account() -> None:
    """The calls that stay charged are counted in all and for each account."""
    calls = Calls()
    before = str(calls)
    for event in SENT:
        calls.notify(event)

    assert "no call is charged" == before
    assert "3 calls stay charged: 1 to a, 2 to b" == str(calls)
    assert 3 == calls.made


def test_a_call_that_was_never_sent_is_not_charged() -> None:
    """A call that was never sent is neither made nor charged; one without a picture is both."""
    calls = Calls()
    for account, kind in (("a", FaultKind.NOT_SENT), ("b", FaultKind.NETWORK)):
        calls.notify(CallStarted("A:B 1h t", account, 1))
        calls.notify(CallFinished("A:B 1h t", account, 1, 0.1, None, kind))

    assert (1, "1 call stays charged: 1 to b") == (calls.made, str(calls))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((*FETCH[:-1], "-", "--json"), "--out - and --json both write to standard output; name a file"),
        (
            ("export", "--symbols", "A:B", "--timeframes", "1h", "--out", "-"),
            "--out: - is standard output; name a folder",
        ),
    ],
)
def test_standard_output_has_one_use(arguments: tuple[str, ...], line: str, tmp_path: Path) -> None:
    """Standard output is not a folder, and can't take a picture and JSON together."""
    assert [line] == refused(call(*arguments, cwd=tmp_path, **mock(tmp_path / "fixtures", FIXTURE)))


def test_the_gallery_goes_to_standard_output_and_nothing_else_does(tmp_path: Path) -> None:
    """With --out - standard output is the page alone, and no file is made."""
    child = call("fixtures", "gallery", "--out", "-", cwd=tmp_path, **mock(tmp_path / "fixtures", FIXTURE))

    assert (0, "") == (child.returncode, child.stderr)
    assert child.stdout.startswith("<!doctype html>")
    assert child.stdout.rstrip().endswith("</html>")
    assert ["fixtures"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(("stream", "reason"), [(None, "is closed"), (io.StringIO(), "is a terminal")])
def test_a_picture_needs_a_standard_output_that_takes_it(
    stream: io.StringIO | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal and a closed standard output are refused before a call is paid for."""
    if stream is not None:
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", stream)

    with pytest.raises(ConfigError, match=f"^--out: standard output {reason}; "):
        check_out_file(Path("-"))
