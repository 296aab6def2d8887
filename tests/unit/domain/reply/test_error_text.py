"""Error bodies: every documented shape, and any bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.reply.error_text import read_error_text

FIELD = {"value": "9h", "msg": "Invalid value", "param": "interval", "location": "body"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message":"Forbidden"}', "Forbidden"),
        (b'{"Message":"Forbidden"}', "Forbidden"),
        (b'{"error":"Invalid symbol."}', "Invalid symbol."),
        (b'{"error":{"message":"deep"}}', "deep"),
        (b'{"error":{"code":1},"msg":"further"}', "further"),
        (b'{"message":"  ","error":"said here"}', "said here"),
        (b'{"message":7}', ""),
        (b'"only text"', "only text"),
        (b"[]", ""),
        (b"{}", ""),
        (b"17", ""),
        (b"null", ""),
        (b"", ""),
        (b"plain text\r\nin two lines", "plain text in two lines"),
        (b"<html><style>p {}</style><h1>Bad</h1>\n<p>gateway</p></html>", "Bad gateway"),
        (b'\xef\xbb\xbf{"message":"with a mark"}', "with a mark"),
        (b"\xff\xfe\x00", "\ufffd\ufffd"),
        (b'{"message":"half', '{"message":"half'),
        (b'{"errors":[{"msg":"bad","param":"width"}]}', "width: bad"),
        (b'{"errors":["just text"]}', "just text"),
        (b'{"errors":"no array"}', ""),
        (b'[{"message":"told otherwise"}]', "told otherwise"),
    ],
)
def test_each_shape_gives_its_message(body: bytes, message: str) -> None:
    """The sentence is found wherever the provider puts it."""
    assert message == read_error_text(body).message


def test_field_errors_are_kept_as_they_are() -> None:
    """The bare array and the one under errors give the same details; at most fifty."""
    assert (FIELD,) == read_error_text(json.dumps([FIELD]).encode()).details
    assert (FIELD,) == read_error_text(json.dumps({"errors": [FIELD]}).encode()).details
    assert 50 == len(read_error_text(json.dumps([FIELD] * 60).encode()).details)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"1" * 10_000, b'{"message":"' + b"x" * 500_000 + b'"}', b"x" * 9_000]
)
def test_what_is_too_much_is_cut(body: bytes) -> None:
    """Deep nesting, long numbers and long text are read as far as that is sensible."""
    assert len(read_error_text(body).message) <= 300


@given(
    body=st.one_of(
        st.binary(),
        st.recursive(
            st.text() | st.integers() | st.none(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["message", "error", "errors", "msg", "param"]), inner)
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_no_bytes_make_it_raise(body: bytes) -> None:
    """Any bytes and any JSON give one printable line of bounded length."""
    text = read_error_text(body)

    assert text.message.isprintable()
    assert len(text.message) <= 300


@pytest.mark.parametrize("depth", [100, 400, 600, 900, 1_000, 100_000])
@pytest.mark.parametrize("frame", ["%s", "[%s]", '{"errors":[%s]}', '[{"msg":%s}]', '{"errors":[{"param":%s}]}'])
def test_nesting_never_makes_it_raise(frame: str, depth: int) -> None:
    """Wherever the depth is, and on either side of what the JSON reader bears."""
    body = (frame % ("[" * depth + "]" * depth)).encode()

    assert len(read_error_text(body).message) <= 300


@given(text=st.text(min_size=1).map(lambda text: " ".join(text.split())).filter(str.isprintable).filter(bool))
def test_what_can_be_shown_is_told_as_it_was_said(text: str) -> None:
    """A printable line comes through whole, up to three hundred characters, under each documented name."""
    for body in ({"message": text}, {"error": text}, {"errors": [{"msg": text}]}, [{"msg": text}]):
        assert text[:300].rstrip() == read_error_text(json.dumps(body).encode()).message


def test_a_long_message_keeps_its_first_three_hundred_characters() -> None:
    """Not one more and not one less."""
    assert "x" * 300 == read_error_text(json.dumps({"message": "x" * 301}).encode()).message
