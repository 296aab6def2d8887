"""The outcome of an exchange: a reply, or a transport failure, as values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.errors import ConfigError
from chartimg.domain.faults import FaultKind
from chartimg.domain.reply import OK, Reply, TransportFailure
from chartimg.domain.reply.png import Picture, inspect
from chartimg.testing import picture

FILE = Path("a.png")
PNG = picture(2, 1)


def test_what_is_left_out_is_empty() -> None:
    """A status alone is a reply without headers, body, file or session; a failure has no details or file unless told."""
    assert Reply(503, {}, b"", None, (), None, with_session=False) == Reply(503)
    assert TransportFailure(FaultKind.NOT_SENT, "refused", (), None) == TransportFailure(FaultKind.NOT_SENT, "refused")


@pytest.mark.parametrize("headers", [{"age": 5}, {5: "age"}])
def test_headers_are_texts_by_name(headers: Any) -> None:
    """Headers of another type are a mistake of the host's own transport."""
    with pytest.raises(ConfigError, match=r"^a name or value of headers must be text, not int$"):
        Reply(200, headers)


def test_texts_of_a_type_of_their_own_are_headers() -> None:
    """A name that is a text and more, as HTTP libraries have them, becomes lower case as others do."""

    class Name(str):
        """The name of a header."""

        __slots__ = ()

    assert {"age": "5"} == Reply(200, {Name("Age"): "5"}).headers


def test_the_picture_in_a_body_is_inspected_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply keeps the size of its picture, or the reason why it has none."""
    inspected: list[bytes] = []

    def counting(body: bytes) -> Picture | str:
        inspected.append(body)
        return inspect(body)

    monkeypatch.setattr("chartimg.domain.reply.reply.inspect", counting)
    whole, cut = Reply(200, body=PNG), Reply(200, body=PNG[:-1])

    assert [(Picture(2, 1), "it is cut off at byte 66")] * 2 == [(whole.picture, cut.picture) for _ in range(2)]
    assert [PNG, PNG[:-1]] == inspected
    assert 200 == OK


@given(size=st.integers(0, 99))
def test_the_repr_of_a_reply_tells_the_size_and_shows_no_content(size: int) -> None:
    """The repr of a reply has neither headers nor body, so an echo of the provider stays out of logs and tracebacks."""
    reply = Reply(422, {"x-echo": "canary"}, b"#" * size, FILE)

    assert f"Reply(status=422, body=<{size} bytes>, fixture_path={FILE!r}, warnings=(), taken_at=None)" == repr(reply)


@pytest.mark.parametrize("change", [{"status": 201}, {"headers": {}}, {"body": b""}, {"fixture_path": None}], ids=str)
def test_equal_exchanges_are_equal_and_others_are_not(change: dict[str, Any]) -> None:
    """Two replies are equal if all their fields are."""
    reply = Reply(200, {"a": "b"}, b"x", FILE)

    assert Reply(200, {"a": "b"}, b"x", FILE) == reply != attrs.evolve(reply, **change)


def test_headers_are_the_reply_s_own() -> None:
    """Header names become lower case in a copy, so that no two replies share a dictionary or one with their maker."""
    given = {"Retry-After": "5", "x-amzn-ErrorType": "T"}
    reply = Reply(200, given)
    given["Retry-After"] = "6"

    assert {"retry-after": "5", "x-amzn-errortype": "T"} == reply.headers
    assert Reply(200).headers is not Reply(200).headers


def test_headers_that_are_not_a_mapping_are_refused() -> None:
    """A reply of the host's own with a list of headers is a ConfigError that names the field."""
    nonsense: Any = [("retry-after", "5")]
    with pytest.raises(ConfigError, match="headers must be a mapping, not list of tuple"):
        Reply(200, nonsense)
