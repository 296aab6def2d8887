"""Keys are kept out of replies, however they are spelled."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.faults import FaultKind
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.secret import MASK, scrub
from chartimg.testing import picture

KEY = 'canary/"key"\\7'


@given(before=st.text(), after=st.text())
def test_a_key_in_any_json_is_masked(before: str, after: str) -> None:
    """As a value or a name, in whatever depth, with or without escapes."""
    value = {before: [{"message": f"{before}{KEY}{after}", KEY: KEY, "n": 1}]}
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(value).replace("/", "\\/")):
        clean = scrub(Reply(422, {}, text.encode("utf-8", "surrogatepass")), KEY)

        assert isinstance(clean, Reply)
        assert KEY not in str(json.loads(clean.body))
        assert MASK in clean.body.decode("utf-8", "surrogatepass")


def test_a_key_anywhere_else_is_masked() -> None:
    """In plain text, in the value or name of a header, in a transport's message."""
    reply = scrub(Reply(500, {"x-echo": KEY, KEY: "v"}, f"no such {KEY}".encode()), KEY)
    failure = scrub(TransportFailure(FaultKind.NETWORK, f"refused {KEY}"), KEY)

    assert reply == Reply(500, {"x-echo": MASK, MASK: "v"}, f"no such {MASK}".encode())
    assert failure == TransportFailure(FaultKind.NETWORK, f"refused {MASK}")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"a \\ in no JSON", b'{"a":"\\n"}', b"[" * 99_999 + b"\\"])
def test_what_holds_no_key_stays_as_it_is(body: bytes) -> None:
    """The very same reply."""
    reply = Reply(422, {"a": "b"}, body)

    assert scrub(reply, KEY) is reply


def test_pictures_and_short_keys_are_let_be() -> None:
    """A picture would only be damaged, and what is shorter than any key only garbled."""
    picked = Reply(200, {}, picture() + KEY.encode())

    assert scrub(picked, KEY) is picked
    assert Reply(429, {}, b"many") == scrub(Reply(429, {}, b"many"), "an")
