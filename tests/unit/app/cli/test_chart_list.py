"""The charts that ``chartimg export`` is asked for: options, and lists in files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import ConfigError, WorkerConfig
from chartimg.app.cli.chart_list import chart_list
from chartimg.domain.chart import ChartKey
from command import call, invoke
from fetching import TEMPLATE, mock, refused

OTHER = "price_ma1226_vol_v1"
MOCK = WorkerConfig(mode="mock")


def keys(file: Path, timeframes: list[str] | None = None, templates: list[str] | None = None) -> list[str]:
    """Return the names of the charts in a list."""
    listed = chart_list(MOCK, symbols=None, source=str(file), timeframes=timeframes, templates=templates)
    return [str(request.key) for request in listed]


@pytest.mark.parametrize(
    ("text", "timeframes", "templates"),
    [
        ("BTCUSDT\n\n# a remark\nETHUSDT\nBTCUSDT\n", ["1h"], [TEMPLATE]),
        ("symbol\r\nBTCUSDT\r\nETHUSDT", ["1h"], [TEMPLATE]),
        ("\ufeffBTCUSDT,1h\nETHUSDT , 1h\n", None, [TEMPLATE]),
        ("timeframe,Symbol\n1h,BTCUSDT\n1h,ETHUSDT\n", None, [TEMPLATE]),
        (f'"BTCUSDT","1h","{TEMPLATE}"\nETHUSDT,1h,{TEMPLATE}\n', None, None),
        (f"symbol,timeframe,template\nBTCUSDT,1h,{TEMPLATE}\nETHUSDT,1h,{TEMPLATE}\n", None, None),
    ],
)
def test_a_list_may_have_one_to_three_columns(
    text: str, timeframes: list[str] | None, templates: list[str] | None, tmp_path: Path
) -> None:
    """Columns that a list lacks come from the options, and each line counts once."""
    (tmp_path / "list").write_text(text, encoding="utf-8")

    assert [f"BINANCE:{name} 1h {TEMPLATE}" for name in ("BTCUSDT", "ETHUSDT")] == keys(
        tmp_path / "list", timeframes, templates
    )


@given(
    symbols=st.lists(st.sampled_from(["A:A", "B:B", "C:C"]), min_size=1, max_size=3, unique=True),
    frames=st.lists(st.sampled_from(["1h", "4h", "1D"]), min_size=1, max_size=3, unique=True),
    looks=st.lists(st.sampled_from([TEMPLATE, OTHER]), min_size=1, max_size=2, unique=True),
)
def test_a_grid_is_the_product_of_its_options(symbols: list[str], frames: list[str], looks: list[str]) -> None:
    """The charts are symbols x timeframes x templates in this order, however they are looked at."""
    listed = chart_list(MOCK, symbols=symbols, source=None, timeframes=[",".join(frames)], templates=looks)
    expected = [ChartKey(symbol, frame, look) for symbol in symbols for frame in frames for look in looks]

    assert expected == [request.key for request in listed] == [listed[place].key for place in range(len(listed))]
    assert expected[::-2] == [request.key for request in listed[::-2]]
    assert expected[-1] == listed[-1].key
    with pytest.raises(IndexError):
        listed[len(listed)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["--from: list has no symbol"]),
        ("symbol\n", ["--from: list has no symbol"]),
        (
            "BTCUSDT,1h\nETHUSDT\n,4h\n",
            ["list, line 2: it has 1 column, not 2 (symbol, timeframe)", "list, line 3: the symbol is empty"],
        ),
        (
            "symbol,interval\nA,1h\n",
            ["--from: list has the column 'interval'; the columns are symbol, timeframe, template"],
        ),
        ("symbol,symbol\nA,B\n", ["--from: list has a column twice"]),
        ("a,b,c,d\n", ["list, line 1: it has 4 columns, not 3 (symbol, timeframe, template)"]),
        ('"BTC"x\n', ["--from: list is not CSV: ',' expected after '\"'"]),
        ("A\n", ["--timeframes is missing, and list has no column timeframe"]),
        ("A,1h,nope\n", ["there is no template 'nope'; the templates are "]),
    ],
)
def test_a_list_that_can_not_be_read_is_reported(text: str, lines: list[str], tmp_path: Path) -> None:
    """Each mistake in a list is a line with its place and exit code 2, and no file is written."""
    (tmp_path / "list").write_text(text)
    told = refused(call("export", "--from", "list", "--out", "out", cwd=tmp_path, **mock(tmp_path / "fixtures")))

    assert len(lines) == len(told)
    assert all(line.startswith(expected) for line, expected in zip(told, lines, strict=True)), told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--timeframes", "1h"), "name the charts by --symbols, or by a file with --from"),
        (("--symbols", "A", "--from", "list"), "name the charts by --symbols, or by a file with --from"),
        (("--symbols", "A"), "--timeframes is missing"),
        (("--from", "nope"), "--from: nope can't be read: No such file or directory"),
        (("--from", "."), "--from: . can't be read: Is a directory"),
        (("--from", "bytes"), "--from: bytes can't be read: it is not UTF-8"),
        (
            ("--from", "list", "--timeframes", "1h"),
            "--timeframes and the column timeframe of list contradict each other",
        ),
        (
            ("--from", "list", "--templates", TEMPLATE),
            "--templates and the column template of list contradict each other",
        ),
        (
            ("--from", "list", "--resume", "--fresh", "off"),
            "--fresh off asks for new pictures, and --resume keeps old ones",
        ),
    ],
)
def test_options_that_do_not_fit_are_reported(options: tuple[str, ...], line: str, tmp_path: Path) -> None:
    """Missing and contradicting options are one line and exit code 2."""
    (tmp_path / "list").write_text(f"A:A,1h,{TEMPLATE}\n")
    (tmp_path / "bytes").write_bytes(b"\xff")
    (told,) = refused(call("export", *options, "--out", "out", cwd=tmp_path, **mock(tmp_path / "fixtures")))

    assert told.startswith(line)


def test_a_list_may_come_on_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With --from - the list is read from standard input."""
    for name, value in mock(tmp_path / "fixtures").items():
        monkeypatch.setenv(name, value)
    child = invoke(
        *(
            "export",
            "--from",
            "-",
            "--timeframes",
            "1h",
            "--templates",
            TEMPLATE,
            "--out",
            str(tmp_path / "out"),
            "--plan",
        ),
        stdin=b"BTCUSDT\nETHUSDT\n",
    )

    assert (0, "2 charts: 0 kept, 0 from fixtures, 0 from the cache, 0 to be called for, 2 without a fixture") == (
        child.returncode,
        child.stdout.splitlines()[0],
    )


def test_a_mistake_on_standard_input_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A mistake in a list on standard input is told with its line."""
    for name, value in mock(tmp_path / "fixtures").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="standard input, line 2: it has 2 columns"):
        invoke("export", "--from", "-", "--timeframes", "1h", "--out", str(tmp_path / "out"), stdin=b"A\nB,1h\n")
