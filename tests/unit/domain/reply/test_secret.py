"""Keys are kept out of replies, failures and findings, in each spelling of JSON."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.classification import classify
from chartimg.domain.errors import ConfigError
from chartimg.domain.faults import FaultKind
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.reply.secret import MASK, SECRET_INSIDE, scrub, scrub_body, scrub_findings, scrub_text
from chartimg.testing import picture
from rows import for_each
from samples import NOON

KEY = 'canary/"key"\\7'


@given(before=st.text(), after=st.text())
def test_a_key_in_any_json_is_masked(before: str, after: str) -> None:
    """A key in JSON is masked as a value and as a name, at any depth, with and without escapes."""
    value = {before: [{"message": f"{before}{KEY}{after}", KEY: KEY, "n": 1}]}
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(value).replace("/", "\\/")):
        clean = scrub(Reply(422, {}, text.encode("utf-8", "surrogatepass")), KEY)

        assert isinstance(clean, Reply)
        assert KEY not in str(json.loads(clean.body))
        assert MASK in clean.body.decode("utf-8", "surrogatepass")


def network(message: str, **detail: object) -> TransportFailure:
    """Return a failure with a detail."""
    return TransportFailure(FaultKind.NETWORK, message, (detail,))


MASKED: dict[str, tuple[str, Reply | TransportFailure, Reply | TransportFailure]] = {
    "headers and plain text": (
        KEY,
        Reply(500, {"x-echo": KEY, KEY: "v"}, f"no such {KEY}".encode()),
        Reply(500, {"x-echo": MASK, MASK: "v"}, f"no such {MASK}".encode()),
    ),
    "a broken picture": (
        KEY,
        Reply(403, {}, picture()[:8] + KEY.encode()),
        Reply(403, {}, picture()[:8] + MASK.encode()),
    ),
    "the headers of a picture": (KEY, Reply(200, {"x-echo": KEY}, picture()), Reply(200, {"x-echo": MASK}, picture())),
    "message and details of a failure": (
        KEY,
        network(f"refused {KEY}", sent=KEY, n=1, none=None, deep=[{"all": [2.5, KEY]}]),
        network(f"refused {MASK}", sent=MASK, n=1, none=None, deep=[{"all": [2.5, MASK]}]),
    ),
    "an escape that JSON does not have": ("my-X-key", Reply(422, {}, b"my-\\X-key"), Reply(422, {}, b"my-\\X-key")),
    "four characters": ("abcd", Reply(422, {}, b"my abcd!"), Reply(422, {}, b"my [key]!")),
    "three characters": ("abc", Reply(422, {}, b"my abc!"), Reply(422, {}, b"my abc!")),
}


@for_each(("key", "outcome", "clean"), MASKED.values())
def test_a_key_anywhere_else_is_masked(
    key: str, outcome: Reply | TransportFailure, clean: Reply | TransportFailure
) -> None:
    """A key of four characters or more is masked in each part of an outcome, but for the bytes of a picture."""
    assert clean == scrub(outcome, key)


@for_each(
    ("status", "body"),
    [
        *((422, body) for body in (b"", b"\xff\xfe", b"a \\ in no JSON", b'{"a":"\\n"}', b"[" * 99_999 + b"\\")),
        (200, picture()),
    ],
)
def test_what_holds_no_key_stays_as_it_is(status: int, body: bytes) -> None:
    """A reply without the key is returned as the same object."""
    reply = Reply(status, {"a": "b"}, body)

    assert scrub(reply, KEY) is reply


def test_a_picture_that_holds_the_key_gets_one_warning_and_keeps_its_bytes() -> None:
    """To mask a key in a picture would damage it; what would keep or record the picture sees the warning."""
    reply = Reply(200, {}, picture() + KEY.encode())
    once = scrub(reply, KEY)

    words = "the picture holds a key or a session, so it is neither kept nor recorded; show it to nobody"
    assert Finding("", Severity.WARNING, words) == SECRET_INSIDE
    assert attrs.evolve(reply, warnings=(SECRET_INSIDE,)) == once
    assert scrub(once, KEY) is once
    assert scrub(reply, KEY[:3]) is reply


visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="[]"), min_size=6)


@given(key=visible, status=st.sampled_from([200, 302, 403, 422, 429, 503]))
def test_no_key_reaches_an_error(key: str, status: int) -> None:
    """Neither message nor details of the error of a scrubbed reply hold the key, of any characters."""
    body = json.dumps({"message": f"no such key as ({key})", "errors": [{"value": key}]}).encode()
    error = classify(scrub(Reply(status, {"x-echo": key}, body), key), now=NOON)

    assert error is not None
    assert key not in error.message
    assert key not in [value for detail in error.details for value in detail.values()]


@for_each("depth", [100, 400, 600, 900, 100_000])
def test_json_nested_deep_never_makes_it_raise(depth: int) -> None:
    """A reply with JSON of any depth is returned: it was paid for."""
    body = b'["\\n",' + b"[" * depth + b'"x"' + b"]" * depth + b"]"

    assert isinstance(scrub(Reply(422, {}, body), KEY), Reply)


@pytest.mark.parametrize(
    "text",
    [
        '{"message":"no canary\\/abc+def=9 x',
        'callback({"message":"no canary\\u002fabc\\u002Bdef=9"});',
        '{"n":' + "9" * 5000 + ',"m":"canary\\/abc+def=9"}',
        "plain canary/abc+def=9",
    ],
)
def test_a_key_is_masked_in_what_is_not_whole_json(text: str) -> None:
    """An escaped key is masked in text that is cut off, wrapped, or has a number that is too long for JSON."""
    clean = scrub(Reply(403, {}, text.encode()), "canary/abc+def=9")

    assert isinstance(clean, Reply)
    assert b"abc" not in clean.body
    assert MASK.encode() in clean.body


def test_each_secret_is_masked_in_a_text_and_in_a_body() -> None:
    """Several secrets are masked in a text, also the beginning of a long one, and in the names and texts of a body."""
    long = "k" * 30
    body = {KEY: [f"x{long}", {"n": KEY}], "n": 5}

    assert f"{MASK} and {MASK}, {MASK}" == scrub_text(f"{KEY} and {long}, {long[:24]}", [KEY, long])
    assert {MASK: [f"x{MASK}", {"n": MASK}], "n": 5} == scrub_body(body, [KEY, long])


def test_an_outcome_of_another_type_is_refused() -> None:
    """A transport of the host's own that returns neither a reply nor a failure is named in a ConfigError."""
    nonsense: Any = b"a picture"
    with pytest.raises(
        ConfigError, match=r"^the outcome of a transport must be a Reply or a TransportFailure, not bytes$"
    ):
        scrub(nonsense, KEY)


@pytest.mark.parametrize("key", [KEY, "k" * 30 + "ey" * 20])
def test_a_key_in_a_finding_is_masked(key: str) -> None:
    """A key is masked in path, message and suggestion of a finding, and so are its first 24 characters alone."""
    found = (
        Finding(f"studies.{key}", Severity.ERROR, f'"{key}" is none', key),
        Finding("", Severity.WARNING, key[:40]),
        Finding("", Severity.WARNING, key[:24]),
    )

    clean = scrub_findings(found, ["another-key", key])

    assert [f"studies.{MASK}", "", ""] == [each.path for each in clean]
    assert [f'"{MASK}" is none', f"{MASK}{key[24:40]}", MASK] == [each.message for each in clean]
    assert [MASK, None, None] == [each.suggestion for each in clean]
    assert found == scrub_findings(found, ["another-key"])
