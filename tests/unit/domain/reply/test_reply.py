"""The outcome of an exchange: a reply, or a transport failure, as values."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.faults import FaultKind
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.reply.png import Picture, inspect
from chartimg.testing import picture

FILE = Path("a.png")
PNG = picture(2, 1)


@pytest.mark.parametrize(
    ("outcome", "field"),
    [
        *((Reply(200), field.name) for field in attrs.fields(Reply)),
        *((TransportFailure(FaultKind.NETWORK, "reset"), field.name) for field in attrs.fields(TransportFailure)),
    ],
)
def test_what_came_of_an_exchange_is_never_changed(outcome: Reply | TransportFailure, field: str) -> None:
    """No field of a reply or a failure can be set again."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(outcome, field, None)


def test_a_status_alone_is_a_reply_from_the_network() -> None:
    """A reply made of a status has no headers, body or file."""
    assert Reply(503, {}, b"", None) == Reply(503)


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


def test_headers_are_named_in_lower_case() -> None:
    """Header names of a reply become lower case, since HTTP ignores case."""
    assert {"retry-after": "5", "x-amzn-errortype": "T"} == Reply(
        429, {"Retry-After": "5", "x-amzn-ErrorType": "T"}
    ).headers


def test_a_failure_names_no_file_and_no_details_unless_told() -> None:
    """Kind and message alone make a failure, without details or a file."""
    assert TransportFailure(FaultKind.NOT_SENT, "refused", (), None) == TransportFailure(FaultKind.NOT_SENT, "refused")


@given(size=st.integers(0, 99))
def test_the_repr_of_a_reply_tells_the_size_and_shows_no_content(size: int) -> None:
    """The repr of a reply has neither headers nor body, so an echo of the provider stays out of logs and tracebacks."""
    reply = Reply(422, {"x-echo": "canary"}, b"#" * size, FILE)

    assert f"Reply(status=422, body=<{size} bytes>, fixture_path={FILE!r})" == repr(reply)


def test_equal_exchanges_are_equal_and_others_are_not() -> None:
    """Two replies are equal if all their fields are."""
    reply = Reply(200, {"a": "b"}, b"x", FILE)

    assert Reply(200, {"a": "b"}, b"x", FILE) == reply
    assert [] == [
        other
        for other in (
            attrs.evolve(reply, status=201),
            attrs.evolve(reply, headers={}),
            attrs.evolve(reply, body=b""),
            attrs.evolve(reply, fixture_path=None),
        )
        if other == reply
    ]


def test_headers_are_the_reply_s_own() -> None:
    """A change of the dictionary that a reply was made from does not change the reply, and no two replies share one."""
    given = {"A": "1"}
    reply = Reply(200, given)
    given["A"] = "2"

    assert {"a": "1"} == reply.headers
    assert Reply(200).headers is not Reply(200).headers
