"""Strict JSON: values are read back as written, and every mistake is reported with its place and without its value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.codec import dump, dump_line, load, load_parts
from chartimg.domain.account import Account, AccountSnapshot, AccountState
from chartimg.domain.chart.template import ChartTemplate
from chartimg.domain.errors import ConfigError
from chartimg.domain.plan import ChartLimits, PlanName
from rows import for_each

SECRET = "canary-value-93b1"
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)


@attrs.frozen
class Sample:
    """A class with a field of every kind in the library."""

    some_text: str
    whole: int = 0
    number: float = 0.0
    flag: bool = False
    moment: datetime | None = None
    many_numbers: tuple[int, ...] = ()
    serials: frozenset[int] = frozenset()
    payload: Mapping[str, object] = attrs.field(factory=dict)
    inner: tuple[Account, ...] = ()
    state: AccountState = AccountState.AVAILABLE


def sample(**fields: object) -> Sample:
    """Read a sample from *fields* in JSON."""
    return load(json.dumps({"someText": "x", **fields}), Sample, where="S")


def problems(text: str, kind: type = Sample) -> tuple[str, ...]:
    """Return the mistakes in *text*."""
    with pytest.raises(ConfigError) as refusal:
        load(text, kind, where="S")
    assert "\n".join(refusal.value.problems) == str(refusal.value)
    return refusal.value.problems


# There and back

MOMENTS = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 (the strategy adds the zone)
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001 (the same)
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5)), timezone(timedelta(minutes=345))]),
)


@given(
    st.builds(
        AccountSnapshot,
        account_id=st.text(st.characters(), max_size=8),
        window=MOMENTS,
        arrival=MOMENTS,
        key_digest=st.text(max_size=8),
        version=st.integers(),
        state=st.sampled_from(AccountState),
        used=st.integers(),
        until=st.none() | MOMENTS,
        reason=st.text(max_size=8),
        spent=st.booleans(),
        refunded=st.frozensets(st.integers(), max_size=5),
        serial=st.integers(),
        epoch=st.integers(),
        learned_limits=st.builds(ChartLimits, *[st.none() | st.integers()] * 3, st.none() | st.booleans()),
    )
)
def test_a_snapshot_is_read_back_as_it_was(snapshot: AccountSnapshot) -> None:
    """Every field of a snapshot is read back with its type, to the microsecond, and is written the same again."""
    text = dump(snapshot)
    back = load(text, AccountSnapshot, where="S")

    assert snapshot == back
    assert text == dump(back)
    assert AccountState is type(back.state)
    assert frozenset is type(back.refunded)
    assert UTC == back.window.tzinfo


def test_names_in_json_are_in_camel_case() -> None:
    """Names are in camel case but for three with their own; the text is indented and ends in a line break."""
    snapshot = AccountSnapshot("ü", MIDNIGHT, MIDNIGHT, "d", refunded=frozenset({3, 1, 2}))
    template = ChartTemplate("t", "d", "X:{symbol}", {"a_b": 1})

    assert {"accountId": "ü", "keyDigest": "d", "refunded": [1, 2, 3], "until": None}.items() <= json.loads(
        dump(snapshot)
    ).items()
    assert "2026-01-05T00:00:00+00:00" == json.loads(dump(snapshot))["window"]
    assert {
        "id": "t",
        "description": "d",
        "chartImgSymbolTemplate": "X:{symbol}",
        "request": {"a_b": 1},
    } == json.loads(dump(template))
    assert json.loads(dump(snapshot))["told"] == json.loads(dump(snapshot.learned_limits))
    assert dump(snapshot).endswith("}\n")
    assert '  "accountId": "\\u00fc"' in dump(snapshot)


def test_a_moment_of_another_zone_is_written_in_utc() -> None:
    """Equal moments are written alike, in UTC."""
    there = MIDNIGHT.astimezone(timezone(timedelta(hours=9)))

    assert '"moment": "2026-01-05T00:00:00+00:00"' in dump(Sample("x", moment=there))


def test_fields_that_are_left_out_have_their_defaults() -> None:
    """A field that is left out has its default."""
    assert Sample("x") == sample()
    assert (Account("a", SECRET),) == load(json.dumps([{"id": "a", "apiKey": SECRET}]), tuple[Account, ...], where="S")


def test_accounts_are_read_with_all_their_settings() -> None:
    """A plan is read in lower case, too, and null is no plan."""
    text = json.dumps(
        [
            {"id": "a", "apiKey": "k", "dailyLimit": 7, "plan": "pro", "requestsPerSecond": 2, "burst": 5},
            {"id": "b", "apiKey": "k", "plan": None, "requestsPerSecond": 0.5},
        ]
    )

    assert (
        Account("a", "k", 7, PlanName.PRO, 2.0, 5),
        Account("b", "k", requests_per_second=0.5),
    ) == load(text, tuple[Account, ...], where="S")


def test_a_whole_number_is_a_number() -> None:
    """A whole number is accepted as a float."""
    assert 1.0 == sample(number=1).number
    assert 1.5 == sample(number=1.5).number


def test_an_object_is_kept_as_it_stands() -> None:
    """An object of the provider keeps its names and values."""
    payload = {"a_b": [1, "2", None, {"c": True}], "request": {}, "": 0.5}

    assert payload == sample(request=payload).payload


# Strictness

WRONG: list[tuple[str, object, str]] = [
    ("someText", 1, "must be text"),
    ("someText", True, "must be text"),
    ("whole", "44", "must be a whole number"),
    ("whole", True, "must be a whole number"),
    ("whole", 44.0, "must be a whole number"),
    ("number", "1.5", "must be a number"),
    ("number", False, "must be a number"),
    ("flag", 1, "must be true or false"),
    ("moment", "yesterday", "must be a date and time in ISO 8601"),
    ("moment", "2026-02-30T00:00:00Z", "must be a date and time in ISO 8601"),
    ("moment", "2026-01-05T00:00:00", "must be a date and time with its zone"),
    ("moment", "2026-01-05", "must be a date and time with its zone"),
    ("moment", 1_767_571_200, "must be text"),
    ("manyNumbers", {"0": 1}, "must be an array"),
    ("manyNumbers", None, "must be an array"),
    ("serials", {}, "must be an array"),
    ("request", [], "must be an object"),
    ("request", None, "must be an object"),
    ("inner", {}, "must be an array"),
    ("state", "SPENT", "must be one of AVAILABLE, THROTTLED, EXHAUSTED, SUSPENDED"),
    ("state", [], "must be one of AVAILABLE, THROTTLED, EXHAUSTED, SUSPENDED"),
]


@for_each(("name", "value", "said"), WRONG)
def test_a_value_of_the_wrong_kind_is_reported_with_its_place(name: str, value: object, said: str) -> None:
    """A value of the wrong kind is reported by its name in JSON with the expected kind."""
    assert (f"S, at $.{name}: {said}",) == problems(json.dumps({"someText": "x", name: value}))


@for_each(
    ("fields", "said"),
    [
        ({"manyNumbers": [1, "2", 3]}, "S, at $.manyNumbers[1]: must be a whole number"),
        ({"serials": [True]}, "S, at $.serials[0]: must be a whole number"),
        ({"inner": [1]}, "S, at $.inner[0]: must be an object"),
        ({"inner": [{"id": "a", "apiKey": "k"}, {"id": "b"}]}, "S, at $.inner[1].apiKey: is missing"),
        (
            {"inner": [{"id": "a", "apiKey": "k", "dailyLimit": "44"}]},
            "S, at $.inner[0].dailyLimit: must be a whole number",
        ),
        (
            {"inner": [{"id": "a", "apiKey": "k", "api_key": "k"}]},
            "S, at $.inner[0]: has the unknown field api_key; did you mean apiKey?",
        ),
    ],
)
def test_a_mistake_further_in_is_reported_with_its_path(fields: Mapping[str, object], said: str) -> None:
    """A nested mistake is reported with its JSON path."""
    assert (said,) == problems(json.dumps({"someText": "x", **fields}))


@for_each(
    ("kind", "text", "wanted"),
    [
        *((Sample, text, "an object") for text in ("null", "1", '"x"', "true", "[]")),
        *((tuple[Account, ...], text, "an array") for text in ("null", "1", '"x"', "{}")),
    ],
)
def test_a_whole_of_the_wrong_kind_is_reported_without_a_place(kind: type, text: str, wanted: str) -> None:
    """Text that is not the object or the array that it should be is reported without a place."""
    assert (f"S: must be {wanted}",) == problems(text, kind)


def test_missing_and_unknown_fields_are_reported_by_name() -> None:
    """All missing and unknown fields are reported by name."""
    assert {
        "S, at $.someText: is missing",
        "S, at $.flag: must be true or false",
        "S: has the unknown field b, some_text; did you mean someText?",
    } == set(problems('{"some_text": "x", "b": 1, "flag": 0}'))


def test_a_broken_rule_of_an_account_is_reported_with_its_place() -> None:
    """A broken rule of an account is reported with the account's place."""
    text = json.dumps([{"id": "a", "apiKey": "k"}, {"id": "b", "apiKey": "k k", "burst": 0}])
    (problem,) = problems(text, tuple[Account, ...])

    assert problem.startswith("S, at $[1]: apiKey holds a space")
    assert "burst must be at least 1" in problem


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1, column 1"),
        ("{", "line 1, column 2"),
        ('{\n "a": x}', "line 2, column 7"),
        ("{} {}", "line 1, column 4"),
    ],
)
def test_what_is_no_json_is_reported_with_line_and_column(text: str, place: str) -> None:
    """Text that is not JSON is reported in one line with line and column."""
    (problem,) = problems(text)

    assert problem.startswith("S is not JSON: ")
    assert problem.endswith(place)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "is nested too deeply"),
        ('{"someText":' * 100_000, "is nested too deeply"),
        ("1" * 5000, "has a number with too many digits"),
        ('{"whole": ' + "9" * 10_000 + "}", "has a number with too many digits"),
    ],
)
def test_what_is_too_deep_or_too_long_is_a_mistake_and_no_crash(text: str, reason: str) -> None:
    """JSON that is nested too deep, or has too long a number, is a ConfigError of one line."""
    assert (f"S is not JSON that can be read: it {reason}",) == problems(text)


def test_any_depth_is_read_or_told() -> None:
    """JSON nested to any depth is read or reported."""
    for depth in range(200, 1100, 9):
        text = '{"someText": "x", "request": {"a": ' + "[" * depth + "]" * depth + "}}"
        try:
            payload = load(text, Sample, where="S").payload
        except ConfigError:
            continue
        assert ["a"] == list(payload)


@for_each("number", ["1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 400])
def test_a_number_without_bounds_is_refused_by_an_account(number: str) -> None:
    """A rate that is not finite is refused."""
    text = f'[{{"id": "a", "apiKey": "k", "requestsPerSecond": {number}}}]'

    assert 1 == len(problems(text, tuple[Account, ...]))


# Keys

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(SECRET) | st.just(f"a @ {SECRET}"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "apiKey", "dailyLimit", "plan", "requestsPerSecond", "burst", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON_VALUES, max_size=3) | JSON_VALUES)
def test_no_value_is_ever_in_a_message(value: object) -> None:
    """No message shows a value, wherever a key was put by mistake, except an account id."""
    ids = [entry.get("id") for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
    refusal: ConfigError | None = None
    try:
        load(json.dumps(value), tuple[Account, ...], where="S")
    except ConfigError as error:
        refusal = error

    if refusal is not None:
        assert refusal.problems
        assert refusal.__cause__ is None
        assert refusal.__context__ is None or refusal.__suppress_context__
        assert SECRET not in str(refusal) or any(isinstance(each, str) for each in ids)


def test_text_that_is_no_json_is_not_shown() -> None:
    """Text that is not JSON is not shown, since it may be the bare key."""
    for text in (SECRET, f'"{SECRET}', f"[{{'id': 'a', 'apiKey': '{SECRET}'}}]", f'[{{"apiKey": "{SECRET}\n"}}]'):
        assert SECRET not in "".join(problems(text, tuple[Account, ...]))


@attrs.frozen
class _Part:
    """A part of a long text."""

    name: str
    size: int = 0


@attrs.frozen
class _Whole:
    """A long text."""

    parts: tuple[_Part, ...]
    title: str = ""


@given(st.lists(st.builds(_Part, st.text(max_size=5), st.integers(0, 9)), max_size=4))
def test_a_text_in_parts_is_read_as_one_text(parts: list[_Part]) -> None:
    """Reading part by part gives the same value, also from one line."""
    whole = _Whole(tuple(parts), "a title")
    line = dump_line(whole)

    assert ("\n", 1) == (line[-1], line.count("\n"))
    assert whole == load(line, _Whole, where="S") == load_parts(dump(whole), _Whole, {"name": _Part}, where="S")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "S is not JSON: "),
        ('{"parts": [{"name": "a"}, {"name": 5}, {"name": 6}]}', "S, in a part of it, at $.name: must be text"),
        ('{"parts": 5}', "S, at $.parts: must be an array"),
    ],
)
def test_a_mistake_in_a_part_is_reported(text: str, message: str) -> None:
    """The first mistake in a part, or all in the rest, are a ConfigError with the place."""
    with pytest.raises(ConfigError) as caught:
        load_parts(text, _Whole, {"name": _Part}, where="S")

    assert (1, True) == (len(caught.value.problems), str(caught.value).startswith(message)), str(caught.value)
