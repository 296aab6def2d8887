"""The server of tools, driven by the SDK's own client in this process."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chartimg
from chartimg.testing import EmulatedAccount, Emulator, Fault, Rule, emulator
from model import Answer, Model, server
from places import FIXTURES

KEY = "canary-key"
MOCK = {"CHARTS_API_MODE": "mock", "CHARTS_FIXTURES_DIR": str(FIXTURES)}
CHART = {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "template": "price_psar_adi_v1"}
ON_BASIC = f'[{{"id": "main", "apiKey": "{KEY}", "plan": "BASIC"}}]'
SYMBOLS = [f"BINANCE:{name}USDT" for name in ("BTC", "ETH", "SOL", "XRP", "ADA", "BNB")]

opened: list[Path] = []
"""The files that this process opens, while it is watched."""
watched = False


def watch(event: str, arguments: tuple[object, ...]) -> None:
    """Note each file or folder that is opened."""
    if watched and event in {"open", "os.listdir", "os.scandir"} and isinstance(arguments[0], str | os.PathLike):
        opened.append(Path(arguments[0]).resolve())


@pytest.fixture(scope="module")
def provider() -> Iterator[Emulator]:
    """Yield a provider."""
    with emulator() as running:
        yield running


@pytest.fixture(scope="module")
def mocked() -> Iterator[Model]:
    """Yield a model that gets recorded charts."""
    with server(MOCK) as model:
        yield model


def anew(provider: Emulator, *rules: Rule, plan: str = "BASIC") -> dict[str, str]:
    """Begin the provider anew, and return the settings of its clients."""
    provider.reset(EmulatedAccount("main", KEY, 20, plan, 1000.0, 1000), rules=rules)
    return dict(provider.environ)


def charged(provider: Emulator) -> int:
    """Return the number of calls that the provider has charged."""
    return provider.ledger().accounts["main"].total.charged


def test_the_schemas_tell_a_model_what_to_write(mocked: Model) -> None:
    """Each argument has a description and no other argument is allowed; only the chart may cost units."""
    tools = mocked.tools()
    schemas = {name: tool.input_schema for name, tool in tools.items()}

    assert ["symbol", "interval"] == schemas["chart"]["required"]
    assert {"symbol", "interval", "template", "studies", "width", "height"} == schemas["chart"]["properties"].keys()
    assert (800, 600) == tuple(schemas["chart"]["properties"][side]["default"] for side in ("width", "height"))
    assert [] == [name for name, schema in schemas.items() if schema["additionalProperties"] is not False]
    assert all("description" in each for schema in schemas.values() for each in schema["properties"].values())
    assert ["chart"] == [
        name for name, tool in tools.items() if not (tool.annotations and tool.annotations.read_only_hint)
    ]


def test_mock_mode_tries_it_without_a_key(mocked: Model) -> None:
    """In mock mode the five tools are there, a chart that is not recorded names those that are, and units are not counted."""
    unknown = mocked.call("chart", symbol="NASDAQ:AAPL", interval="1D")

    assert ["chart", "check", "find_study", "templates", "quota"] == list(mocked.tools())
    assert unknown.is_error
    assert "Recorded are (symbol, interval, template): BINANCE:BTCUSDT 1h price_ma1226" in unknown.text
    assert "units left: not counted in mock mode" == mocked.call("quota").text


def test_a_wrong_call_costs_no_unit_and_says_what_to_write(provider: Emulator) -> None:
    """Each mistake that can be known before a call is an error of the tool with its correction, and costs no unit."""
    with server({**anew(provider), "CHART_IMG_ACCOUNTS_JSON": ON_BASIC}) as model:
        wrong = model.call("chart", symbol="AAPL", interval="1H", studies=["RSI"], width=4000)
        unknown = model.call("chart", symbol="BINANCE:BTCUSDT", interval="1h", indicators=["RSI"])
        missing = model.call("chart", symbol="BINANCE:BTCUSDT")
        both = model.call("chart", **CHART, studies=["MACD"])

    assert all(each.is_error and not each.pictures for each in (wrong, unknown, missing, both))
    for part in ("AAPL", "1h", "Relative Strength Index", "BASIC allows (800)"):
        assert part in wrong.text
    assert "there is no argument 'indicators'; the arguments are symbol, interval, template" in unknown.text
    assert "interval: Field required" == missing.text
    assert "leave out template or studies" in both.text
    assert 0 == charged(provider)


def test_the_check_of_a_body_knows_the_lists_that_are_kept(provider: Emulator, tmp_path: Path) -> None:
    """A list that another program has read, and that the cache keeps, tells where a bare symbol is listed."""
    settings = {**anew(provider), "CHARTS_CACHE": str(tmp_path / "kept")}
    with chartimg.ChartClient.from_env(settings) as client:
        assert client.symbols("NASDAQ").ok
    with server(settings) as model:
        said = model.call("check", body={"symbol": "AAPL", "interval": "1h"}).text

    assert "it is listed by NASDAQ" in said


def test_a_session_stays_within_its_budget_however_many_ask_at_once(provider: Emulator) -> None:
    """Of six charts at once a budget of three pays three; the others say so, and kept pictures are still free."""
    charts = [{"symbol": symbol, "interval": "1M"} for symbol in SYMBOLS]
    with server(anew(provider), budget=3) as model:
        answers = model.call_at_once("chart", *charts)
        quota = model.call("quota").text
        again = model.call(
            "chart", **next(chart for chart, answer in zip(charts, answers, strict=True) if answer.pictures)
        )
    refused = {answer.text for answer in answers if answer.is_error}

    assert 3 == charged(provider) == sum(len(answer.pictures) for answer in answers)
    assert ["This session has spent its budget of 3 units (CHARTS_MCP_BUDGET)"] == [
        text.partition(",")[0] for text in refused
    ]
    assert (
        "units left: 17 today, 0 in this session\nsession: 0 of 3 units left\nmain: AVAILABLE, 17 of 20 units left"
        in quota
    )
    assert "source CACHE, units left: 17 today, 0 in this session" in again.text


def test_retries_are_paid_from_the_budget(provider: Emulator) -> None:
    """A chart whose first call fails has one unit of a budget of one, and so no retry."""
    with server(anew(provider, Rule(Fault.SERVER_ERROR)), budget=1) as model:
        answer = model.call("chart", **CHART)

    assert answer.is_error
    assert 1 == charged(provider)


def test_a_larger_picture_is_on_request_where_the_plan_allows(provider: Emulator) -> None:
    """The plan PRO draws 1200x800 on request; for BASIC it is a mistake that costs no unit."""
    large = {**CHART, "width": 1200, "height": 800}
    with server(anew(provider, plan="PRO")) as model:
        drawn = model.call("chart", **large)
    with server({**anew(provider), "CHART_IMG_ACCOUNTS_JSON": ON_BASIC}) as model:
        refused = model.call("chart", **large)

    assert (1200, 800) == tuple(int.from_bytes(drawn.pictures[0][at : at + 4]) for at in (16, 20))
    assert "width: ERROR: 1200 is more than BASIC allows (800)" in refused.text
    assert 0 == charged(provider)


def test_no_error_holds_a_key_or_a_session(provider: Emulator) -> None:
    """If the provider repeats the key and the session in an error, no tool shows them."""
    secrets = {"message": f"{KEY} canary-session", "errors": [{"msg": "canary-sign", "value": KEY}]}
    own = '{"sessionId": "canary-session", "sessionIdSign": "canary-sign"}'
    rule = Rule(status=422, body=secrets)
    with server({**anew(provider, rule), "CHARTS_TRADINGVIEW_SESSION_JSON": own}) as model:
        answers = [model.call("chart", **CHART), model.call("quota")]

    assert answers[0].is_error
    assert not [answer.text for answer in answers if "canary" in answer.text]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Rule(status=422, body={"message": "Invalid Symbol"}), "Change the chart, or tell a person."),
        (Rule(Fault.SERVER_ERROR), "The same call may succeed in a minute. It may cost another unit."),
        (Rule(status=429, body={"message": "Limit Exceeded"}), "Do not ask again before 20"),
    ],
)
def test_an_error_says_what_to_do(provider: Emulator, rule: Rule, said: str) -> None:
    """An error of the provider is an error of the tool with the next step, and never holds the key."""
    with server({**anew(provider, rule), "CHARTS_MAX_ATTEMPTS": "1"}) as model:
        answer = model.call("chart", **CHART)

    assert answer.is_error
    assert said in answer.text
    assert KEY not in answer.text


def test_books_that_are_gone_are_an_error_without_a_call_or_a_path(provider: Emulator, tmp_path: Path) -> None:
    """If the store of the accounts can't be used, the tools say so; the message has no path."""
    books = tmp_path / "books.sqlite3"
    with server({**anew(provider), "CHARTS_ACCOUNT_STORE": f"sqlite:///{books}"}) as model:
        model.call("quota")
        with sqlite3.connect(books) as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                connection.execute(f'DROP TABLE "{name}"')
        connection.close()
        answers = [model.call("quota"), model.call("chart", **CHART)]

    assert ["The books of the accounts can't be reached, so no call was made"] * 2 == [
        answer.text.partition(".")[0] for answer in answers
    ]
    assert 0 == charged(provider)


def test_the_check_is_that_of_the_plan_and_costs_nothing(provider: Emulator) -> None:
    """A body is checked by the plan of the accounts: ERRORs come first, and a right body has no mistake."""
    right = {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "width": 800, "height": 600}
    with server({**anew(provider), "CHART_IMG_ACCOUNTS_JSON": ON_BASIC}) as model:
        answers = [
            model.call("check", body=body) for body in (right, {**right, "width": 900}, {**right, "colour": "red"})
        ]

    assert "No mistake was found." == answers[0].text
    assert answers[1].text.startswith(
        "The provider would refuse this chart:\nwidth: ERROR: 900 is more than BASIC allows"
    )
    assert answers[2].text.startswith("The provider would draw this chart, but look at:\ncolour: WARNING: ")
    assert not any(answer.is_error for answer in answers)
    assert 0 == charged(provider)


def test_a_study_is_found_by_the_names_that_people_use(mocked: Model) -> None:
    """One study is shown with a piece for the chart and its inputs; many are listed by name; a slip gets the nearest."""
    one, all_of_them, slip = (mocked.call("find_study", text=text) for text in ("rsi", "", "Volme"))

    assert '{"name": "Relative Strength Index", "input": {"length": 14, ' in one.text
    assert "\n  length: Integer, at least 1, at most 2000" in one.text
    assert all_of_them.text.startswith("92 studies: Accumulation/Distribution, ")
    assert slip.is_error
    assert "did you mean Volume?" in slip.text


def test_templates_are_listed_with_their_looks_and_a_broken_one_says_so(tmp_path: Path) -> None:
    """Each template has one line with its studies; a file that can't be read is one line, too, and spoils no other."""
    (tmp_path / "mine.json").write_text("{")
    with server({**MOCK, "CHARTS_TEMPLATES_DIR": str(tmp_path)}) as model:
        lines = model.call("templates").text.splitlines()

    assert 6 == len(lines)
    assert "mine: can't be used: " in lines[0]
    assert any(line.endswith("(800x600; studies: Parabolic SAR, Average Directional Index)") for line in lines)


@given(
    st.fixed_dictionaries(
        {"symbol": st.text(), "interval": st.text()}, optional={"template": st.text(), "studies": st.lists(st.text())}
    )
)
def test_no_argument_reaches_a_path(mocked: Model, arguments: dict[str, object]) -> None:
    """Any text in the arguments of a chart opens no file outside of the fixtures and templates, and is no crash."""
    answer, paths = while_watched(mocked, arguments)

    assert answer.is_error
    assert "Error executing tool" not in answer.text
    allowed = (FIXTURES, Path(chartimg.__file__).parent / "data")
    assert [] == [path for path in paths if not any(path.is_relative_to(folder) for folder in allowed)]


def test_the_watch_sees_the_file_of_a_recorded_chart(mocked: Model) -> None:
    """While a recorded chart is drawn, its file is seen to be opened."""
    answer, paths = while_watched(mocked, CHART)

    assert answer.pictures
    assert FIXTURES / "BINANCE_BTCUSDT__1h__price_psar_adi_v1.png" in paths


def while_watched(model: Model, arguments: Mapping[str, object]) -> tuple[Answer, list[Path]]:
    """Draw a chart, and return the answer and the files that were opened meanwhile."""
    global watched  # noqa: PLW0603 (an audit hook can't be taken back)
    opened.clear()
    watched = True
    try:
        return model.call("chart", **arguments), list(opened)
    finally:
        watched = False


sys.addaudithook(watch)
