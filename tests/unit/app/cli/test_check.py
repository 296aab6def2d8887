"""The command ``chartimg check``: the files it reads, the lines it prints, and its exit codes."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.cache import FolderPictureCache
from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.templates import load_templates
from chartimg.app.cli.request_file import MAX_FILE_BYTES
from chartimg.app.cli.sources import sources_of
from chartimg.domain.cached import CachedPicture
from chartimg.domain.chart import ListRequest
from chartimg.domain.errors import ConfigError
from chartimg.domain.finding import Severity
from command import Result, call, invoke, run_bound
from fetching import FETCH, KEY, real
from loopback import LoopbackServer, answer
from places import DOCS

GOOD = '{"symbol": "BINANCE:BTCUSDT", "interval": "1h"}'
DOUBTFUL = '{"symbol": "BINANC:BTCUSDT", "studies": [{"name": "MACD"}]}'
WRONG = '{"symbol": "BINANCE:BTCUSDT", "interval": "1H"}'
LARGE = '{"symbol": "BINANCE:BTCUSDT", "width": 1920, "height": 1080}'
TEMPLATE = {"id": "mine", "description": "", "chartImgSymbolTemplate": "BINANCE:{symbol}", "request": {}}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, with wrong values for all settings that must not matter."""
    monkeypatch.chdir(tmp_path)
    for name in ("CHARTS_TEMPLATES_DIR", "CHARTS_CATALOG"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CHARTS_API_MODE", "CHART_IMG_ACCOUNTS_JSON", "CHARTS_CHECK", "CHARTS_DEFAULT_TIMEZONE"):
        monkeypatch.setenv(name, "wrong")


def check(*arguments: str, stdin: bytes = b"") -> Result:
    """Run the command."""
    return invoke("check", *arguments, stdin=stdin)


def write(name: str, content: str) -> str:
    """Write a file, and return its name."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(content)
    return name


def test_nothing_found_is_one_line() -> None:
    """Files without a finding are one line with their number on standard output, and exit code 0."""
    one, two = write("one.json", GOOD), write("two.json", GOOD)

    for arguments, line in (((one,), "1 file, nothing found\n"), ((one, two), "2 files, nothing found\n")):
        result = check(*arguments)
        assert (0, line, "") == (result.returncode, result.stdout, result.stderr)


def test_findings_are_lines_of_a_linter() -> None:
    """A finding is a line with file, path, severity and text; the counts are on standard error; an ERROR is exit code 1."""
    result = check(write("a/b.json", DOUBTFUL), write("c.json", WRONG), write("d.json", "{"), write("e.json", GOOD))

    assert [
        'a/b.json:symbol: WARNING: the exchange "BINANC" is not in the catalog; did you mean "BINANCE:BTCUSDT"?',
        'c.json:interval: ERROR: "1H" is not an interval; did you mean "1h"?',
        "d.json: ERROR: is not JSON: Expecting property name enclosed in double quotes at line 1, column 2",
    ] == result.stdout.splitlines()
    assert (1, "2 errors, 1 warning in 4 files\n") == (result.returncode, result.stderr)


def test_a_warning_alone_is_exit_code_0() -> None:
    """A WARNING without an ERROR is exit code 0."""
    result = check(write("a.json", DOUBTFUL))

    assert (0, "0 errors, 1 warning in 1 file\n") == (result.returncode, result.stderr)


def test_json_is_json_and_nothing_else() -> None:
    """With --json each finding has its file, both counts follow, and the exit code is the same."""
    result = check(write("a.json", DOUBTFUL), write("b.json", WRONG), "--json")
    sound = check(write("c.json", GOOD), "--json")
    report = json.loads(result.stdout)

    assert (1, "", 0, "") == (result.returncode, result.stderr, sound.returncode, sound.stderr)
    assert {"findings": [], "errors": 0, "warnings": 0} == json.loads(sound.stdout)
    assert (1, 1) == (report["errors"], report["warnings"])
    assert {
        "file": "b.json",
        "path": "interval",
        "severity": "ERROR",
        "message": '"1H" is not an interval; did you mean "1h"?',
        "suggestion": "1h",
    } == report["findings"][1]


def test_a_plan_is_a_limit() -> None:
    """A chart beyond --plan is an ERROR; the name of a plan is read in any case, and an unknown one is refused."""
    large = write("large.json", LARGE)

    assert [0, 1, 1, 0, 2] == [
        check(large, *options).returncode
        for options in ((), ("--plan", "BASIC"), ("--plan", "basic"), ("--plan", "Pro"), ("--plan", "FREE"))
    ]
    assert "BASIC" in check(large, "--plan", "basic").stdout


def test_a_template_is_known_by_its_id_and_by_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A template is checked by its id, in the settings' folder or among those that ship, and by its file."""
    file = write("templates/mine.json", json.dumps({**TEMPLATE, "request": {"theme": "pink"}}))
    line = 'templates/mine.json:request.theme: ERROR: "pink" is not one of light, dark\n'

    assert "1 file, nothing found\n" == check("price_psar_adi_v1").stdout
    assert line == check(file).stdout
    monkeypatch.setenv("CHARTS_TEMPLATES_DIR", "templates")
    assert line == check("mine").stdout
    assert "1 file, nothing found\n" == check("price_psar_adi_v1").stdout
    write("templates/price_psar_adi_v1.json", "{")
    assert "templates/price_psar_adi_v1.json: ERROR: is not JSON" in check("price_psar_adi_v1").stdout


@pytest.mark.parametrize("argument", ["templates", "templates/mine.json", "mine"])
def test_a_body_in_the_folder_of_templates_is_an_error(argument: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body among the templates is an ERROR by folder, by file and by id, since every fetch would refuse it."""
    monkeypatch.setenv("CHARTS_TEMPLATES_DIR", "templates")
    write("templates/mine.json", GOOD)

    result = check(argument)

    assert 1 == result.returncode
    assert "templates/mine.json:description: ERROR: is missing" in result.stdout


@given(
    value=st.dictionaries(
        st.sampled_from([*TEMPLATE, "symbol", "interval", "width"]),
        st.sampled_from([*TEMPLATE.values(), "other", "BINANCE:BTCUSDT", "1h", 800, None, []]),
    )
    | st.sampled_from([[], None, 1])
)
def test_the_check_finds_what_a_fetch_refuses(value: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    """For any file in the folder of templates: if a fetch can't load the folder, the check of it finds an ERROR."""
    folder = tmp_path_factory.mktemp("templates")
    (folder / "mine.json").write_text(json.dumps(value))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARTS_TEMPLATES_DIR", str(folder))
        found = [each for source in sources_of(str(folder)) for each in source.read(shipped_catalog()).findings]
    try:
        dict(load_templates(folder))
    except ConfigError:
        assert any(each.severity is Severity.ERROR for each in found)


def test_a_name_that_is_nothing_is_a_mistake_of_usage() -> None:
    """An unknown argument is answered with the nearest id, or else with all ids."""
    with pytest.raises(ConfigError, match="no file or template 'price_psar_adi'; did you mean price_psar_adi_v1"):
        check("price_psar_adi")
    with pytest.raises(ConfigError, match=r"no file or template 'none.json'; .*price_vpvr_obv_v1"):
        check("none.json")


def test_a_folder_is_all_its_json_files() -> None:
    """All JSON files of a folder are checked by name; a file that can't be read is a finding of its own."""
    write("folder/b.json", WRONG)
    write("folder/a.json", WRONG)
    write("folder/c.txt", WRONG)
    write("folder/deeper/d.json", WRONG)
    Path("folder/e.json").mkdir()
    Path("folder/f.json").symlink_to("nowhere")
    os.mkfifo("folder/g.json")
    result = check("folder")

    assert ["folder/a.json", "folder/b.json", "folder/e.json", "folder/f.json", "folder/g.json"] == [
        line.split(":")[0] for line in result.stdout.splitlines()
    ]
    assert "5 errors, 0 warnings in 5 files\n" == result.stderr


def test_a_folder_without_json_files_is_a_mistake_of_usage() -> None:
    """A folder without JSON files is refused."""
    Path("folder").mkdir()
    with pytest.raises(ConfigError, match="folder holds no JSON file"):
        check("folder")


def test_standard_input_is_read() -> None:
    """Standard input is checked as <stdin>, be it a body or a template."""
    result = check("-", stdin=WRONG.encode())

    assert '<stdin>:interval: ERROR: "1H" is not an interval; did you mean "1h"?\n' == result.stdout
    assert 0 == check("-", stdin=json.dumps(TEMPLATE).encode()).returncode


def test_no_more_is_read_than_is_needed() -> None:
    """Of an endless input only as much is read as shows that it is too long."""
    result = check("-", stdin=b" " * (MAX_FILE_BYTES + 2))

    assert "<stdin>: ERROR: holds more than 4 MiB; the body of a chart request has a few KB\n" == result.stdout


def test_standard_input_that_is_closed_is_a_mistake_of_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed standard input is refused by that name."""
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConfigError, match="standard input can't be read: it is closed"):
        sources_of("-")


def test_nothing_in_a_file_steers_the_terminal() -> None:
    """Control characters in keys, values and file names are printed as escapes."""
    content = json.dumps({"symbol": "\x1b[31mA:B", "\x9b31m": 1, "studies": [{"name": "\x1b]0;title\x07\u202e"}]})
    result = check(write("\x1b[2J\n.json", content))

    assert all(line.isprintable() for line in result.stdout.splitlines())
    assert result.stdout.startswith(r"\x1b[2J\n.json:")


@given(st.binary(max_size=64))
def test_any_file_is_reported_without_a_traceback(content: bytes) -> None:
    """For any bytes in a file the exit code is 0 or 1, and the files are counted."""
    Path("any.json").write_bytes(content)
    result = check("any.json")

    assert result.returncode in {0, 1}
    assert "1 file" in result.stdout + result.stderr


def test_rules_of_the_host_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A study of CHARTS_CATALOG is known, and a mistake in that file is refused."""
    doubtful = write("a.json", '{"symbol": "BINANCE:BTCUSDT", "studies": [{"name": "RSI"}]}')
    monkeypatch.setenv("CHARTS_CATALOG", write("catalog.txt", '{"studies": [{"name": "RSI"}]}'))

    assert "1 file, nothing found\n" == check(doubtful).stdout
    monkeypatch.setenv("CHARTS_CATALOG", write("catalog.txt", '{"studies": 1}'))
    with pytest.raises(ConfigError, match="CHARTS_CATALOG"):
        check(doubtful)


def test_a_file_that_may_not_be_read_is_a_mistake_of_usage(tmp_path: Path) -> None:
    """A file that may not be read is refused with the system's reason."""
    (tmp_path / "a.json").write_text(GOOD)
    (tmp_path / "a.json").chmod(0)
    child = run_bound("check", "a.json", cwd=tmp_path)

    assert (2, "chartimg: 'a.json' can't be read: Permission denied\n") == (child.returncode, child.stderr)


def test_a_pipe_is_read() -> None:
    """A pipe is checked, as in ``chartimg check <(command)``, and its name is not taken for an id."""
    for content, code in ((WRONG, 1), (json.dumps(TEMPLATE), 0)):
        reading, writing = os.pipe()
        os.write(writing, content.encode())
        os.close(writing)
        result = check(f"/dev/fd/{reading}")
        os.close(reading)

        assert code == result.returncode


def test_the_documentation_shows_what_is_printed(tmp_path: Path) -> None:
    """Each command of the two pages, run in order, prints the lines below it."""
    page = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("checking.md", "templates.md"))
    (body,) = re.findall(r"^```json\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "chart.json").write_text(body)
    shown = "".join(re.findall(r"^```console\n(.*?)^```", page, re.DOTALL | re.MULTILINE)).removeprefix("$ ")
    settings: dict[str, str] = {}
    for command, _, expected in (part.partition("\n") for part in shown.split("\n$ ")):
        program, *arguments = command.split()
        if program == "export":
            settings |= dict(setting.split("=") for setting in arguments)
        else:
            child = call(*arguments, cwd=tmp_path, **settings, PYTHONIOENCODING="utf-8")
            printed = [line.rstrip() for line in (child.stdout + child.stderr).splitlines()]

            assert ("chartimg", expected.splitlines()) == (program, printed)
    assert settings


def test_the_check_knows_the_lists_that_are_kept(tmp_path: Path) -> None:
    """A list that a client has read today tells of a symbol, without a call; a place that can't be used tells nothing."""
    request, cache = ListRequest("NASDAQ"), tmp_path / "cache"
    now = datetime.now(UTC)
    FolderPictureCache(cache).keep(
        CachedPicture.of(
            b'{"payload": [{"symbol": "AAPL"}]}',
            body_digest=request.body_digest,
            chart=str(request.key),
            taken_at=now,
            drawn_at=now,
        )
    )
    (tmp_path / "a.json").write_text('{"symbol": "NASDAQ:AAPPL", "interval": "1h"}')
    (tmp_path / "b.json").write_text('{"symbol": 5, "interval": "1h"}')
    known = call("check", "a.json", cwd=tmp_path, CHARTS_CACHE=str(cache))
    others = [
        call("check", "a.json", cwd=tmp_path, CHARTS_CACHE=place) for place in ("off", "memory://", "a.json", "redis:/")
    ]

    assert (
        'a.json:symbol: WARNING: the list of NASDAQ that is kept has no "AAPPL"; did you mean "NASDAQ:AAPL"?'
        in known.stdout
    )
    assert ["1 file, nothing found\n"] * 4 == [each.stdout for each in others]
    assert "symbol: ERROR: must be text" in call("check", "b.json", cwd=tmp_path, CHARTS_CACHE=str(cache)).stdout


# What was refused before


def refused(home: Path, *options: str, **settings: str) -> Result:
    """List what was refused."""
    return call("check", "--refused", *options, cwd=home, **settings)


def test_a_refused_call_is_listed_with_its_body(server: LoopbackServer, tmp_path: Path) -> None:
    """Its line in the file beside the books has the chart, the place, the body, and no key; without books in a file there is none."""
    server.script += [answer(422, b'{"message":"Invalid Symbol"}')] * 2
    assert 1 == call(*FETCH, cwd=tmp_path, **real(server)).returncode
    assert 1 == call(*FETCH, cwd=tmp_path, **real(server, CHARTS_ACCOUNT_STORE="memory://")).returncode
    shown, listed = refused(tmp_path), refused(tmp_path, "--json")
    (found,) = json.loads(listed.stdout)["refused"]

    assert [0, 0, 0] == [
        each.returncode for each in (shown, listed, refused(tmp_path, CHARTS_ACCOUNT_STORE="memory://"))
    ]
    assert "1 final refusal" in shown.stdout
    assert ("BINANCE:BTCUSDT", "1h", 422, ["symbol"]) == (
        *(found["symbol"], found["interval"], found["httpStatus"], found["paths"]),
    )
    assert json.loads(server.requests[0].body) == found["body"]
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert ["accounts.refused.jsonl"] == [path.name for path in kept if path.suffix == ".jsonl"]
    assert not any(KEY.encode() in path.read_bytes() for path in kept)


def test_a_recorded_refusal_is_listed_without_an_account(tmp_path: Path) -> None:
    """An error among the fixtures is a refusal, too; wrong settings of other commands do not matter."""
    fixtures = tmp_path / "fixtures"
    fixtures.mkdir()
    (fixtures / "NYSE_AAPL__1h__t__422.json").write_text('{"status": 422, "body": {"message": "Invalid Symbol"}}')
    result = refused(tmp_path, CHARTS_FIXTURES_DIR=str(fixtures), CHART_IMG_ACCOUNTS_JSON="wrong")

    assert (0, "") == (result.returncode, result.stderr)
    assert "NYSE_AAPL__1h__t__422.json" in result.stdout


def test_a_list_of_refusals_takes_no_files(tmp_path: Path) -> None:
    """A check is of files or of the past, and one of them must be named."""
    for arguments in (("--refused", "x.json"), ("--refused", "--plan", "BASIC"), ()):
        child = call("check", *arguments, cwd=tmp_path)

        assert (2, True) == (child.returncode, "--refused" in child.stderr)
