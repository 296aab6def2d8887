"""The command ``check``: what it reads, how it tells, and its exit codes."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.app.cli.request_file import MAX_FILE_BYTES
from chartimg.app.cli.sources import sources_of
from chartimg.domain.errors import ConfigError
from command import Result, call, invoke, run_bound
from places import DOCS

GOOD = '{"symbol": "BINANCE:BTCUSDT", "interval": "1h"}'
DOUBTFUL = '{"symbol": "BINANCE:BTCUSDT", "studies": [{"name": "RSI"}]}'
WRONG = '{"symbol": "BINANCE:BTCUSDT", "interval": "1H"}'
LARGE = '{"symbol": "BINANCE:BTCUSDT", "width": 1920, "height": 1080}'
TEMPLATE = {"id": "mine", "description": "", "chartImgSymbolTemplate": "BINANCE:{symbol}", "request": {}}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, with every setting that must not matter set wrongly."""
    monkeypatch.chdir(tmp_path)
    for name in ("CHARTS_TEMPLATES_DIR", "CHARTS_CATALOG"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CHARTS_API_MODE", "CHART_IMG_ACCOUNTS_JSON", "CHARTS_CHECK", "CHARTS_DEFAULT_TIMEZONE"):
        monkeypatch.setenv(name, "wrong")


def check(*arguments: str, stdin: bytes | str | None = None) -> Result:
    """Run the command."""
    return invoke("check", *arguments, stdin=stdin)


def write(name: str, content: str) -> str:
    """Write a file, and give its name."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(content)
    return name


def test_nothing_found_is_one_line() -> None:
    """It says how many files were looked at, on standard output, and the exit code is 0."""
    one, two = write("one.json", GOOD), write("two.json", GOOD)

    for arguments, line in (((one,), "1 file, nothing found\n"), ((one, two), "2 files, nothing found\n")):
        result = check(*arguments)
        assert (0, line, "") == (result.exit_code, result.stdout, result.stderr)


def test_findings_are_lines_of_a_linter() -> None:
    """File, path, severity and text; what they come to is on standard error, and an ERROR is exit code 1."""
    result = check(write("a/b.json", DOUBTFUL), write("c.json", WRONG), write("d.json", "{"), write("e.json", GOOD))

    assert [
        'a/b.json:studies[0].name: WARNING: "RSI" is not in the catalog; did you mean "Relative Strength Index"?',
        'c.json:interval: ERROR: "1H" is not an interval; did you mean "1h"?',
        "d.json: ERROR: is not JSON: Expecting property name enclosed in double quotes at line 1, column 2",
    ] == result.stdout.splitlines()
    assert (1, "2 errors, 1 warning in 4 files\n") == (result.exit_code, result.stderr)


def test_a_warning_alone_is_exit_code_0() -> None:
    """What may be wrong stops no one."""
    result = check(write("a.json", DOUBTFUL))

    assert (0, "0 errors, 1 warning in 1 file\n") == (result.exit_code, result.stderr)


def test_json_is_json_and_nothing_else() -> None:
    """Every finding with its file, and how many there are; the exit code is the same."""
    result = check(write("a.json", DOUBTFUL), write("b.json", WRONG), "--json")
    sound = check(write("c.json", GOOD), "--json")
    report = json.loads(result.stdout)

    assert (1, "", 0, "") == (result.exit_code, result.stderr, sound.exit_code, sound.stderr)
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
    """What it does not allow is an error; its name may be written in any case, and must be one."""
    large = write("large.json", LARGE)

    assert [0, 1, 1, 0, 2] == [
        check(large, *options).exit_code
        for options in ((), ("--plan", "BASIC"), ("--plan", "basic"), ("--plan", "Pro"), ("--plan", "FREE"))
    ]
    assert "BASIC" in check(large, "--plan", "basic").stdout


def test_a_template_is_known_by_its_id_and_by_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A template that ships by its id, one of the settings' folder likewise, and any file that holds one."""
    file = write("templates/mine.json", json.dumps({**TEMPLATE, "request": {"theme": "pink"}}))
    line = 'templates/mine.json:request.theme: ERROR: "pink" is not one of light, dark\n'

    assert "1 file, nothing found\n" == check("price_psar_adi_v1").stdout
    assert line == check(file).stdout
    monkeypatch.setenv("CHARTS_TEMPLATES_DIR", "templates")
    assert line == check("mine").stdout
    with pytest.raises(ConfigError, match="mine"):
        check("price_psar_adi_v1")


def test_what_is_in_the_folder_of_templates_must_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body there is right as a file, and is no template."""
    file = write("templates/mine.json", GOOD)
    monkeypatch.setenv("CHARTS_TEMPLATES_DIR", "templates")

    assert (0, 1) == (check(file).exit_code, check("mine").exit_code)


def test_a_name_that_is_nothing_is_a_mistake_of_usage() -> None:
    """A near id is suggested; without one all ids are listed."""
    with pytest.raises(ConfigError, match="no file or template 'price_psar_adi'; did you mean price_psar_adi_v1"):
        check("price_psar_adi")
    with pytest.raises(ConfigError, match=r"no file or template 'none.json'; .*price_vpvr_obv_v1"):
        check("none.json")


def test_a_folder_is_all_its_json_files() -> None:
    """In the order of their names; what can't be read among them is a finding, and hides none of the others'."""
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
    """Nothing was checked, so nothing can be right."""
    Path("folder").mkdir()
    with pytest.raises(ConfigError, match="folder holds no JSON file"):
        check("folder")


def test_standard_input_is_read() -> None:
    """Under a name of its own, a body or a template of any id."""
    result = check("-", stdin=WRONG)

    assert '<stdin>:interval: ERROR: "1H" is not an interval; did you mean "1h"?\n' == result.stdout
    assert 0 == check("-", stdin=json.dumps(TEMPLATE)).exit_code


def test_no_more_is_read_than_is_needed() -> None:
    """Of something endless the first MiB tell that it is too much."""
    result = check("-", stdin=b" " * (MAX_FILE_BYTES + 2))

    assert "<stdin>: ERROR: holds more than 4 MiB; the body of a chart request has a few KB\n" == result.stdout


def test_standard_input_that_is_closed_is_a_mistake_of_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as what it is."""
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConfigError, match="standard input can't be read: it is closed"):
        sources_of("-")


def test_nothing_in_a_file_steers_the_terminal() -> None:
    """Control characters in keys, values and names of files are written as escapes."""
    content = json.dumps({"symbol": "\x1b[31mA:B", "\x9b31m": 1, "studies": [{"name": "\x1b]0;title\x07\u202e"}]})
    result = check(write("\x1b[2J\n.json", content))

    assert all(line.isprintable() for line in result.stdout.splitlines())
    assert result.stdout.startswith(r"\x1b[2J\n.json:")


@given(st.binary(max_size=64))
def test_any_file_is_told_without_a_traceback(content: bytes) -> None:
    """Whatever it holds, the command ends with 0 or 1 and says how many files it looked at."""
    Path("any.json").write_bytes(content)
    result = check("any.json")

    assert result.exit_code in {0, 1}
    assert "1 file" in result.stdout + result.stderr


def test_rules_of_the_host_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What CHARTS_CATALOG adds is known."""
    doubtful = write("a.json", DOUBTFUL)
    monkeypatch.setenv("CHARTS_CATALOG", write("catalog.txt", '{"studies": [{"name": "RSI"}]}'))

    assert "1 file, nothing found\n" == check(doubtful).stdout
    monkeypatch.setenv("CHARTS_CATALOG", write("catalog.txt", '{"studies": 1}'))
    with pytest.raises(ConfigError, match="CHARTS_CATALOG"):
        check(doubtful)


def test_the_process_needs_no_setting(tmp_path: Path) -> None:
    """In an empty environment files are checked, and a wrong argument is one line and exit code 2."""
    (tmp_path / "a.json").write_text(WRONG)
    found, unknown = call("check", "a.json", cwd=tmp_path), call("check", "none", cwd=tmp_path)

    assert (1, 'a.json:interval: ERROR: "1H" is not an interval; did you mean "1h"?\n') == (
        found.returncode,
        found.stdout,
    )
    assert "1 error, 0 warnings in 1 file\n" == found.stderr
    assert (2, "") == (unknown.returncode, unknown.stdout)
    assert unknown.stderr.startswith("chartimg: there is no file or template 'none'")


def test_a_file_that_may_not_be_read_is_a_mistake_of_usage(tmp_path: Path) -> None:
    """The system's reason is told, with the name of the file."""
    (tmp_path / "a.json").write_text(GOOD)
    (tmp_path / "a.json").chmod(0)
    child = run_bound("check", "a.json", cwd=tmp_path)

    assert (2, "chartimg: 'a.json' can't be read: Permission denied\n") == (child.returncode, child.stderr)


def test_a_pipe_is_read() -> None:
    """What another command writes is checked, as in ``chartimg check <(command)``; the name of a pipe is no id."""
    for content, code in ((WRONG, 1), (json.dumps(TEMPLATE), 0)):
        reading, writing = os.pipe()
        os.write(writing, content.encode())
        os.close(writing)
        result = check(f"/dev/fd/{reading}")
        os.close(reading)

        assert code == result.exit_code


def test_the_documentation_shows_what_is_printed(tmp_path: Path) -> None:
    """Each command of its page, run after those before it, prints what stands below it."""
    page = (DOCS / "checking.md").read_text(encoding="utf-8")
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
