"""The documentation is true: its examples run, its commands exist, its links lead somewhere, its tables are complete."""

from __future__ import annotations

import codeop
import itertools
import json
import os
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from chartimg.adapters.catalog import load_catalog
from chartimg.adapters.logs import LOG_NAMES
from chartimg.app.cli.main import app
from chartimg.app.config import SETTINGS
from chartimg.app.gateway.settings import read_callers
from chartimg.domain.faults import FaultKind
from chartimg.emulator.scenario import Fault, read_scenario
from chartimg.testing import emulator
from forks import forked
from places import FIXTURES, ROOT, SRC
from rows import for_each

PROGRAMS = [file for file in (ROOT / "docs/examples").iterdir() if file.suffix in {".py", ".mjs"}]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "benchmarks/yield.md"]


def fences(page: Path) -> list[tuple[str, str]]:
    """List the code blocks of a page, each with its language."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def blocks(page: Path, *languages: str) -> list[str]:
    """List the code blocks of a page in any of the *languages*."""
    return [code for language, code in fences(page) if language in languages]


TESTS = re.findall(
    r"^<!-- pytest -->\n```python\n(.*?)^```", (ROOT / "docs/testing.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
)


def examples() -> Iterator[object]:
    """List every Python example that is a program."""
    for page in PAGES:
        for number, block in enumerate(blocks(page, "python"), start=1):
            if block not in TESTS:
                yield pytest.param(block, id=f"{page.name} {number}")


def run_example(example: str, tmp_path: Path) -> str:
    """Run a Python block by itself, in mock mode on the shipped fixtures, and return its output."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "CHARTS_API_MODE": "mock",
        "CHARTS_FIXTURES_DIR": str(FIXTURES),
    }
    if not (tmp_path / "fixtures").exists():
        (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    done = forked(example, cwd=tmp_path, environ=environ, options=("-W", "error"))

    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


@pytest.mark.parametrize("example", list(examples()))
def test_every_example_runs(example: str, tmp_path: Path) -> None:
    """Each Python block runs without a warning, and prints the comments at its end."""
    (shown,) = re.findall(r"(?:^# .*\n)*\Z", example, re.MULTILINE)[:1]
    output = run_example(example, tmp_path)

    assert not shown or shown == "".join(f"# {line}\n" for line in output.splitlines())


@pytest.mark.parametrize("example", list(examples()))
def test_every_example_can_be_pasted(example: str) -> None:
    """An interpreter that reads line by line takes each Python block: a block of code ends with an empty line."""
    compiler, read = codeop.CommandCompiler(), list[str]()
    for line in [*example.splitlines(), ""]:
        read.append(line)
        if compiler("\n".join(read)) is not None:
            read.clear()

    assert "" == "".join(read)


def test_the_tests_of_the_documentation_pass(pytester: pytest.Pytester) -> None:
    """The example of the plugin is three tests that pass, with warnings as errors."""
    (example,) = TESTS
    pytester.makeconftest('pytest_plugins = ["chartimg.pytest_plugin"]')
    pytester.makepyfile(example)

    pytester.runpytest_inprocess("-W", "error", "-p", "no:cacheprovider").assert_outcomes(passed=3)


def test_the_first_example_fetches_the_same_chart_in_every_mode(tmp_path: Path) -> None:
    """The first example of README saves one picture, byte for byte, in all three modes; record mode calls once."""
    example, mode = blocks(ROOT / "README.md", "python")[0], '{"CHARTS_API_MODE": "mock"}'
    saved = tmp_path / "chart.png"
    assert mode in example
    run_example(example, tmp_path)
    replayed = saved.read_bytes()
    with emulator() as provider:
        recording = {**provider.environ, "CHARTS_API_MODE": "record", "CHARTS_FIXTURES_DIR": "recorded"}
        for environ, calls in ((provider.environ, 1), (recording, 2), (recording, 2)):
            saved.unlink()
            run_example(example.replace(mode, repr(dict(environ))), tmp_path)

            assert calls == provider.ledger().accounts["demo"].total.charged
            assert replayed == saved.read_bytes()


def test_every_program_is_included_in_a_page_and_run_by_a_test() -> None:
    """Each program of docs/examples is shown by the page that links to it, and a contract test names it."""
    programs = {file.name for file in PROGRAMS}
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    shown = re.findall(
        r"\]\(examples/(\S+)\)(?:(?!\n#).)*?^<!-- include examples/\1 -->$", text, re.DOTALL | re.MULTILINE
    )
    tests = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests/contract").glob("test_*.py"))

    assert programs == set(shown) == {*re.findall(r"^<!-- include examples/(\S+) -->$", text, re.MULTILINE)}
    assert [] == [
        name for name in programs if f'{name}"' not in tests and f'{name.removesuffix(".py")}:app"' not in tests
    ]


def test_code_is_no_wider_than_a_page_of_the_site() -> None:
    """A line of a program or of a page's code has at most 94 columns, but for lines of a crontab, and for output."""
    texts = [file.read_text(encoding="utf-8") for file in PROGRAMS]
    for page in PAGES:
        texts += [code for language, code in fences(page) if language not in {"mermaid", "console"}]
    lines = [line for text in texts for line in text.splitlines()]

    assert [] == [line for line in lines if len(line) > 94 and not re.match(r"# |\d+ [\d*]", line)]


def test_every_kind_of_error_has_an_address() -> None:
    """The page of errors has one heading for each kind, in the order of the table."""
    text = (ROOT / "docs/errors.md").read_text(encoding="utf-8")

    assert [*FaultKind] == re.findall("^## (.*)$", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["accounts.md", "design.md"])
def test_the_site_draws_every_arrow_and_every_name_of_a_diagram(name: str) -> None:
    """The site's text for dot has each arrow of a page's diagrams, and each name in a box."""
    site = runpy.run_path(str(ROOT / "docs/conf.py"))
    for mermaid in blocks(ROOT / "docs" / name, "mermaid"):
        drawn = site["dot"](mermaid)

        assert mermaid.count(" --> ") == drawn.count(" -> ")
        for label in re.findall(r"--> \w+: (.*)$|\"(.*)\"\]", mermaid, re.MULTILINE):
            assert "".join(label).replace(", ", " ") in drawn.replace("\\n", " ")


STOPS = {"--", "|", ">", "&&", "||"}
"""Words before which a command ends."""


def commands(page: Path) -> Iterator[list[str]]:
    """List the commands of chartimg, make and Python in the code of a page: of shells, crontabs, units and workflows."""
    shown = "".join(blocks(page, "sh", "console", "ini", "yaml", "")).replace("\\\n", " ")
    for line in re.findall(r"^.*(?<![\w-])(?:chartimg|make|\.venv/bin/python) .*$", shown, re.MULTILINE):
        words = iter(shlex.split(line, comments=True))
        while command := [*itertools.takewhile(lambda word: word not in STOPS, words)]:
            while command and not re.fullmatch(r"(.*/)?chartimg|make|\.venv/bin/python", command[0]):
                del command[0]
            if command:
                yield command


@for_each("page", PAGES)
@pytest.mark.gate
def test_every_command_exists(page: Path) -> None:
    """Each command of a page is one of chartimg with its options, a target of make, or a script."""
    for program, *words in commands(page):
        line = " ".join((program, *words))
        if program.endswith("chartimg"):
            command: Any = typer.main.get_command(app)
            while hasattr(command, "commands") and words and words[0] in command.commands:
                command = command.commands[words.pop(0)]
            options = {option for parameter in command.params for option in parameter.opts}
            assert not hasattr(command, "commands") or command.invoke_without_command, line
            assert [] == [word for word in words if word.startswith("-") and word not in options | {"-"}], line
        elif program == "make":
            assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE), line
        else:
            assert (ROOT / words[0]).exists(), line


def test_every_program_of_a_command_exists() -> None:
    """Each path of an example in the code of a page is a file."""
    named = {path for page in PAGES for _, code in fences(page) for path in re.findall(r"docs/examples/[\w.]+", code)}

    assert len(named) >= 4
    assert [] == [path for path in named if not (ROOT / path).exists()]


def test_settings_in_json_are_what_their_readers_take(tmp_path: Path) -> None:
    """The catalog of docs/freshness.md and the callers of docs/gateway.md can be read."""
    (catalog,), (callers,) = (blocks(ROOT / "docs" / name, "json") for name in ("freshness.md", "gateway.md"))
    (tmp_path / "catalog.json").write_text(catalog)

    assert ("MYDEX",) == load_catalog(tmp_path / "catalog.json").crypto_exchanges
    assert ["node-bot", "sheet"] == [caller.name for caller in read_callers({"CHARTS_GATEWAY_TOKENS": callers})]


@pytest.mark.parametrize(
    ("name", "arrows"),
    [
        ("accounts.md", ["    AVAILABLE --> THROTTLED: throttle\n"]),
        (
            "design.md",
            ["        direction TB\n", "    TakeClaim --> Await: barred\n", "    UP --> DOWN: third failure\n"],
        ),
    ],
)
def test_every_diagram_is_that_of_its_table(name: str, arrows: list[str], tmp_path: Path) -> None:
    """The script that draws a page's diagrams changes nothing on it, and restores lines that are missing."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for file in (ROOT / "pyproject.toml", *(ROOT / "docs").glob("*.[mp][dy]")):
        shutil.copy(file, tmp_path if file.suffix == ".toml" else docs)
    text = stale = (docs / name).read_text(encoding="utf-8")
    for arrow in arrows:
        assert arrow in text
        stale = stale.replace(arrow, "", 1)
    for before in (text, stale):
        (docs / name).write_text(before, encoding="utf-8")
        runpy.run_path(str(docs / "diagrams.py"), run_name="__main__")

        assert text == (docs / name).read_text(encoding="utf-8")


def test_the_scenario_of_the_documentation_can_be_played() -> None:
    """The command can read the scenario of docs/testing.md, and the page names every fault."""
    page = ROOT / "docs/testing.md"
    text, (example,) = page.read_text(encoding="utf-8"), blocks(page, "json")

    assert 3 == len(read_scenario(example, where="the page").rules)
    assert [] == [fault for fault in Fault if f"`{fault}`" not in text]


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


@for_each("page", PAGES)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each relative link and picture of a page leads to a file of the repository, and to a heading if it names one."""
    text = page.read_text(encoding="utf-8")
    for link in [*re.findall(r"\]\((?!https?://)([^)]+)\)", text), *re.findall(r'(?:src|srcset|href)="([^"]+)"', text)]:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page

        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_setting_is_documented() -> None:
    """The table of docs/settings.md has a row for each setting that the code reads, and no other row."""
    source = "".join(file.read_text(encoding="utf-8") for file in SRC.rglob("*.py"))
    read = set(re.findall(r'"(CHARTS_[A-Z_]+|CHART_IMG_[A-Z_]+)"', source))

    assert read == set(
        re.findall(r"^\| `(CHART\w+)` \|", (ROOT / "docs/settings.md").read_text(encoding="utf-8"), re.MULTILINE)
    )


def test_the_settings_of_agents_start_the_command() -> None:
    """Each JSON block for an agent starts ``chartimg mcp`` with settings that exist, and a key or mock mode."""
    for block in blocks(ROOT / "docs/agents.md", "json"):
        settings = json.loads(block)
        (server,) = settings.get("mcpServers", settings.get("servers")).values()

        assert ("chartimg", ["mcp"]) == (server["command"], server["args"])
        assert server["env"].keys() <= SETTINGS
        assert {"CHART_IMG_API_KEY", "CHARTS_API_MODE"} & server["env"].keys()


def test_every_log_event_is_documented() -> None:
    """The table of docs/logs.md has a row, with its level, for each event."""
    levels = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR"}
    text = (ROOT / "docs/logs.md").read_text(encoding="utf-8")

    assert [] == [name for name, level in LOG_NAMES.values() if f"| `{name}` | {levels[level]} |" not in text]


def test_every_file_of_the_questions_exists() -> None:
    """The table of questions in CONTRIBUTING.md and that of the emulator in docs/design.md name existing files."""
    asked = re.findall(
        r"^\|[^|]+\| `([\w/]+(?:\.py|/))`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    design = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    emulated = re.findall(r"^\|[^|]+\| `(\w+(?:\.py|/))` \|$", design, re.MULTILINE)

    assert len(asked) >= 30
    assert [] == [file for file in asked if not (ROOT / "src" / file).exists()]
    assert len(emulated) >= 8
    assert [] == [file for file in emulated if not (ROOT / "src/emulator" / file).exists()]
