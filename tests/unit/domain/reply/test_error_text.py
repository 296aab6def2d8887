"""Error bodies: every documented shape, and any bytes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.reply.error_text import read_error_text
from rows import for_each

FIELD = {"value": "9h", "msg": "Invalid value", "param": "interval", "location": "body"}


@for_each(
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
        (b"<STYLE>\np {}\n</STYLE>Bad<Script>x</Script > gateway", "Bad gateway"),
        (b'\xef\xbb\xbf{"message":"with a mark"}', "with a mark"),
        (b"\xff\xfe\x00", "\ufffd\ufffd"),
        (b'{"message":"half', '{"message":"half'),
        (b'{"errors":[{"msg":"bad","param":"width"}]}', "width: bad"),
        (b'{"errors":["just text"]}', "just text"),
        (b'{"errors":"no array"}', ""),
        (b'[{"message":"told otherwise"}]', "told otherwise"),
        (b'[{"param":"","msg":"x"}]', "x"),
        (b'[{"param":"width","msg":{"deep":1}},{"param":7,"msg":"y"}]', "width; 7: y"),
    ],
)
def test_each_shape_gives_its_message(body: bytes, message: str) -> None:
    """The message is found in each place where the provider puts one."""
    assert message == read_error_text(body).message


def test_field_errors_are_kept_as_they_are() -> None:
    """The bare array and the one under errors give the same details, fifty at most."""
    assert (FIELD,) == read_error_text(json.dumps([FIELD]).encode()).details
    assert (FIELD,) == read_error_text(json.dumps({"errors": [FIELD]}).encode()).details
    assert 50 == len(read_error_text(json.dumps([FIELD] * 60).encode()).details)


LIMITS: dict[str, tuple[bytes, str]] = {
    "the largest body": (b'{"message":"end"}'.rjust(256 * 1024), "end"),
    "a larger body": (b'{"message":"end"}'.rjust(256 * 1024 + 1), ""),
    "the longest text": (b'{"message":"%s"}' % b"end".rjust(8 * 1024), "end"),
    "a longer text": (b'{"message":"%s"}' % b"end".rjust(8 * 1024 + 1), "en"),
    "the longest markup": (b"<p>" * 2_730 + b"ab", "ab"),
    "longer markup": (b"<p>" * 2_730 + b"abc", "ab"),
    "the longest message": (b'{"message":"%s"}' % (b"x" * 300), "x" * 300),
    "a longer message": (b'{"message":"%s"}' % (b"x" * 301), "x" * 300),
    "a message cut after a space": (b'{"message":"%s y"}' % (b"x" * 299), "x" * 299),
}


@for_each(("body", "message"), LIMITS.values())
def test_each_limit_is_exact(body: bytes, message: str) -> None:
    """A text as long as its limit is read whole; one character more is cut."""
    assert message == read_error_text(body).message


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
    """Any bytes and any JSON give one printable line of at most 300 characters."""
    text = read_error_text(body)

    assert text.message.isprintable()
    assert len(text.message) <= 300


FRAMES = ("%s", "[%s]", '{"errors":[%s]}', '[{"msg":%s}]', '{"errors":[{"param":%s}]}')


@for_each(
    "body",
    [
        *(b"[" * 100_000, b"1" * 10_000, b'{"message":"' + b"x" * 500_000 + b'"}', b"x" * 9_000),
        *(
            (frame % ("[" * depth + "]" * depth)).encode()
            for depth in (100, 400, 600, 900, 1_000, 100_000)
            for frame in FRAMES
        ),
    ],
)
def test_what_is_too_much_is_cut(body: bytes) -> None:
    """JSON of any depth in any place, long numbers and long text give a message of at most 300 characters."""
    assert len(read_error_text(body).message) <= 300


@given(text=st.text(min_size=1).map(lambda text: " ".join(text.split())).filter(str.isprintable).filter(bool))
def test_what_can_be_shown_is_reported_as_it_was_said(text: str) -> None:
    """A printable line is kept as it is, up to 300 characters, under each documented name."""
    for body in ({"message": text}, {"error": text}, {"errors": [{"msg": text}]}, [{"msg": text}]):
        assert text[:300].rstrip() == read_error_text(json.dumps(body).encode()).message
