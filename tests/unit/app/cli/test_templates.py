"""The commands ``chartimg templates``: list and show even broken files, and write valid ones."""

from __future__ import annotations

import json
import os
import re
import shlex
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.templates import SHIPPED, load_templates
from chartimg.app.bootstrap import check
from chartimg.domain.chart.template import ChartTemplate
from chartimg.domain.errors import ConfigError
from command import Result, invoke, run_bound
from rows import for_each

CATALOG = shipped_catalog()
MINE = {"id": "mine", "description": "d", "chartImgSymbolTemplate": "NASDAQ:{symbol}", "request": {"width": 1_000}}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder with its templates in "templates", and wrong values for all settings that must not matter."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHARTS_CATALOG", raising=False)
    monkeypatch.setenv("CHARTS_TEMPLATES_DIR", "templates")
    for name in ("CHARTS_API_MODE", "CHART_IMG_ACCOUNTS_JSON", "CHARTS_CHECK", "CHARTS_DEFAULT_TIMEZONE"):
        monkeypatch.setenv(name, "wrong")


def templates(*arguments: str) -> Result:
    """Run the command."""
    return invoke("templates", *arguments)


def write(name: str, content: object) -> None:
    """Write a file into the folder of templates: text, or a value as JSON."""
    Path("templates").mkdir(exist_ok=True)
    Path("templates", name).write_text(content if isinstance(content, str) else json.dumps(content))


def listed(folder: str | Path) -> list[str]:
    """List a folder."""
    return sorted(file.name for file in Path(folder).iterdir())


def new(*arguments: str) -> ChartTemplate:
    """Write a template, and load the folder as a client does."""
    result = templates("new", *arguments)
    assert 0 == result.returncode, result.stderr
    return load_templates("templates")[arguments[0]]


def test_the_templates_that_ship_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the settings name no folder, the templates that ship are listed, without findings."""
    monkeypatch.setenv("CHARTS_TEMPLATES_DIR", " ")
    result = templates("list")
    rows = result.stdout.splitlines()[2:]

    assert (0, "") == (result.returncode, result.stderr)
    assert list(load_templates()) == [row.split()[0] for row in rows]
    (row,) = [row for row in rows if row.startswith("price_psar_adi_v1")]
    assert all(
        part in row
        for part in ("Price with the parabolic SAR", "BINANCE:{symbol}", "800x600", "Parabolic SAR, Average", "BASIC")
    )


def test_one_broken_file_hides_none_of_the_others() -> None:
    """A broken file has a row, its findings are on standard error, and the exit code is 0."""
    write("mine.json", MINE)
    write("broken.json", "{")
    write("body.json", {"symbol": "BINANCE:BTCUSDT"})
    Path("templates/folder.json").mkdir()
    Path("templates/nowhere.json").symlink_to("nowhere/at/all")
    os.mkfifo("templates/pipe.json")
    result = templates("list")

    assert 0 == result.returncode
    assert ["body", "broken", "folder", "mine", "nowhere", "pipe", *load_templates()] == [
        row.split()[0] for row in result.stdout.splitlines()[2:]
    ]
    assert 5 == result.stdout.count("can't be loaded")
    assert "templates/broken.json: ERROR: is not JSON" in result.stderr
    assert "templates/body.json:id: ERROR: is missing\n" in result.stderr
    assert "templates/pipe.json: ERROR: can't be read" in result.stderr
    assert "mine" not in result.stderr


def test_the_list_in_json_has_every_finding() -> None:
    """With --json the document has the folder, and each template with its fields, plan and findings."""
    write("broken.json", "{")
    write("mine.json", {**MINE, "request": {"width": 1_000, "studies": [{"name": "RSI"}]}})
    report = json.loads(templates("list", "--json").stdout)
    broken, mine, *shipped = report["templates"]

    assert ("templates", list(load_templates())) == (report["directory"], [each["id"] for each in shipped])
    assert ("broken", None, "ERROR") == (broken["id"], broken["description"], broken["findings"][0]["severity"])
    assert {
        "id": "mine",
        "description": "d",
        "chartImgSymbolTemplate": "NASDAQ:{symbol}",
        "width": 1_000,
        "height": 600,
        "studies": ["RSI"],
        "drawings": [],
        "plan": "PRO",
    } == {name: value for name, value in mine.items() if name != "findings"}
    assert ["request.studies[0].name"] == [finding["path"] for finding in mine["findings"]]


def test_a_setting_that_names_no_folder_is_a_mistake_of_usage() -> None:
    """A setting that names a missing folder is refused by each command that reads templates."""
    for command in (("templates", "list"), ("templates", "show", "mine"), ("check", "mine")):
        with pytest.raises(ConfigError, match="CHARTS_TEMPLATES_DIR names templates, which is not a folder"):
            invoke(*command)


def test_a_folder_can_be_named() -> None:
    """--dir names another folder; one that is empty or can't be read is refused."""
    Path("empty").mkdir()
    write("mine.json", MINE)
    Path("templates").rename("elsewhere")

    assert "mine" in templates("list", "--dir", "elsewhere").stdout
    assert json.loads(templates("show", "mine", "--dir", "elsewhere").stdout) == MINE
    for folder, message in (
        ("empty", "holds no JSON file"),
        ("nowhere", "No such file"),
        ("elsewhere/mine.json", "Not a"),
    ):
        with pytest.raises(ConfigError, match=message):
            templates("list", "--dir", folder)


@pytest.mark.parametrize("template_id", list(load_templates()))
def test_a_template_is_shown_as_it_is_in_its_file(template_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output for a template that ships is its file, byte for byte."""
    monkeypatch.delenv("CHARTS_TEMPLATES_DIR")
    result = templates("show", template_id)

    assert ((SHIPPED / f"{template_id}.json").read_text(), "", 0) == (result.stdout, result.stderr, result.returncode)


@given(st.dictionaries(st.text(), st.text() | st.floats(allow_nan=False) | st.lists(st.booleans())))
def test_what_is_shown_is_the_json_of_the_file_and_steers_no_terminal(value: dict[str, Any]) -> None:
    """The output for any file is its JSON, and printable."""
    write("mine.json", value)
    shown = templates("show", "mine").stdout

    assert value == json.loads(shown)
    assert shown.replace("\n", "").isprintable()


def test_what_is_wrong_with_a_template_that_is_shown_is_on_standard_error() -> None:
    """The findings of a template are on standard error, and a file that is not JSON is exit code 1."""
    write("mine.json", {"request": 1})
    write("broken.json", "[1")
    shown, broken = templates("show", "mine"), templates("show", "broken")

    assert ({"request": 1}, 0) == (json.loads(shown.stdout), shown.returncode)
    assert "templates/mine.json:request: ERROR: must be an object\n" in shown.stderr
    assert ("", 1) == (broken.stdout, broken.returncode)
    assert "templates/broken.json: ERROR: is not JSON: Expecting ',' delimiter at line 1, column 3\n" == broken.stderr


def test_a_template_that_does_not_exist_is_a_mistake_of_usage() -> None:
    """An unknown id is answered with the nearest id, or else with all ids; a path is not an id."""
    write("mine.json", MINE)
    for wrong, message in (
        ("mnie", "did you mean mine"),
        ("else", "the templates are mine"),
        ("../mine", "no template"),
    ):
        with pytest.raises(ConfigError, match=message):
            templates("show", wrong)


def test_a_new_template_has_the_providers_defaults() -> None:
    """A new template without options has the provider's defaults, and its folder is made."""
    result = templates("new", "plain")
    template = load_templates("templates")["plain"]

    assert "templates/plain.json: Price; the smallest plan is BASIC\n" == result.stdout
    assert ("Price", "BINANCE:{symbol}") == (template.description, template.symbol_pattern)
    assert {"theme": "light", "width": 800, "height": 600} == template.payload
    assert ["plain.json"] == listed("templates")


def test_a_new_template_has_what_is_asked_for() -> None:
    """A new template has the size, theme, exchange and studies of its options, and the defaults of each study."""
    template = new(
        *("mine", "--exchange", "nasdaq", "--width", "1920", "--height", "1080", "--theme", "dark"),
        *("--study", "rsi", "--study", "volume"),
    )

    assert "NASDAQ:{symbol}" == template.symbol_pattern
    assert "Price with Relative Strength Index, Volume" == template.description
    assert {
        "theme": "dark",
        "width": 1_920,
        "height": 1_080,
        "studies": [
            {"name": "Relative Strength Index", "input": {"length": 14, "smoothingLine": "SMA", "smoothingLength": 14}},
            {"name": "Volume"},
        ],
    } == template.payload


@given(
    st.lists(st.sampled_from(CATALOG.studies), max_size=6),
    st.sampled_from([each for each in CATALOG.exchanges if each not in CATALOG.unavailable_exchanges]),
    st.integers(400, 2_048),
    st.integers(300, 1_920),
    st.sampled_from(["light", "dark"]),
    st.text("abcXYZ019_-.", min_size=1).filter(lambda text: text[0] not in "-."),
)
def test_every_new_template_is_valid(
    studies: list[Any], exchange: str, width: int, height: int, theme: str, template_id: str
) -> None:
    """A new template can be loaded by its id, and its request passes the check."""
    wanted = [part for study in studies for part in ("--study", study.name)]
    with tempfile.TemporaryDirectory() as folder:
        options = ("--exchange", exchange, "--width", str(width), "--height", str(height), "--theme", theme)
        result = templates("new", template_id, "--dir", folder, *options, *wanted)
        template = load_templates(folder)[template_id]

    assert (0, "") == (result.returncode, result.stderr)
    assert [] == check(template.request("BTCUSDT", "1h"))
    assert [study.name for study in studies] == [
        each["name"] for each in json.loads(json.dumps(template.payload)).get("studies", [])
    ]


def test_a_new_template_can_start_from_another() -> None:
    """A new template can start from one that ships or one of the folder; options replace its values, and studies are added."""
    start = load_templates()["price_psar_adi_v1"]
    copied = new("copied", "--from", "price_psar_adi_v1")
    changed = new("changed", "--from", "copied", "--study", "VWAP", "--theme", "light")

    assert (start.description, start.symbol_pattern, start.payload) == (
        copied.description,
        copied.symbol_pattern,
        copied.payload,
    )
    assert f"{start.description}, with VWAP" == changed.description
    assert isinstance(start.payload["studies"], list)
    studies = [*start.payload["studies"], {"name": "VWAP"}]
    assert {**start.payload, "theme": "light", "studies": studies} == changed.payload


BODY = {"symbol": "KRAKEN:BTCUSD", "interval": "4h", "theme": "dark", "width": 640, "studies": [{"name": "Volume"}]}
CURL = r"""curl -X POST 'https://api.chart-img.com/v2/tradingview/advanced-chart' \
  -H "x-api-key: canary-key-7f3a9" -H 'content-type: application/json' \
  --data-raw 'BODY' -o chart.png
"""


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(BODY),
        json.dumps(BODY, indent=2),
        CURL.replace("BODY", json.dumps(BODY, indent=2)),
        CURL.replace("--data-raw 'BODY'", "-d" + shlex.quote(json.dumps(BODY))),
        CURL.replace("--data-raw 'BODY'", f"--json={shlex.quote(json.dumps(BODY))}"),
        CURL.replace("'BODY'", json.dumps(json.dumps(BODY))),
        CURL.replace("'BODY'", f"${shlex.quote(json.dumps(BODY))}"),
        CURL.replace("BODY", json.dumps(BODY)).replace("canary-key-7f3a9", "{canary}"),
    ],
    ids=["JSON", "indented", "curl", "attached", "json", "double quotes", "bash", "a brace in a header"],
)
def test_a_template_is_made_of_a_body_that_is_posted_today(content: str) -> None:
    """A template has the fields of a body or of a curl command, and the exchange of its symbol as the pattern; no key."""
    Path("posted.txt").write_text(content)
    made = new("mine", "--from-request", "posted.txt")
    piped = invoke("templates", "new", "piped", "--from-request", "-", stdin=content.encode())

    assert ("KRAKEN:{symbol}", "Price with Volume") == (made.symbol_pattern, made.description)
    assert {"theme": "dark", "width": 640, "studies": [{"name": "Volume"}]} == made.payload
    assert {**BODY, "timezone": "Etc/UTC"} == made.request("BTCUSD", "4h").body
    assert 0 == piped.returncode
    assert made.payload == load_templates("templates")["piped"].payload
    assert "canary" not in Path("templates/mine.json").read_text()


def test_a_posted_body_can_be_changed_and_need_have_no_symbol() -> None:
    """Other options change the template of a body; without the symbol of one exchange the pattern is that of BINANCE."""
    Path("posted.json").write_text("{}")
    Path("formula.json").write_text('{"symbol": "(NASDAQ:MARA+NASDAQ:RIOT)/10"}')
    plain = new("plain", "--from-request", "posted.json", "--study", "VWAP", "--theme", "dark")

    assert ("BINANCE:{symbol}", "Price with VWAP") == (plain.symbol_pattern, plain.description)
    assert {"theme": "dark", "studies": [{"name": "VWAP"}]} == plain.payload
    assert "BINANCE:{symbol}" == new("formula", "--from-request", "formula.json").symbol_pattern
    assert "NYSE:{symbol}" == new("other", "--from-request", "formula.json", "--exchange", "NYSE").symbol_pattern


@for_each(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xff", "is not UTF-8"),
        (b"[]", "must hold an object, the body of a chart request"),
        (b'{"theme": canary}', "is not JSON"),
        (b"curl -d '{\"theme\": canary}'", "is not JSON"),
        (b"curl -H 'x-api-key: canary", "a quote in it has no end"),
        (b"curl -H 'x-api-key: canary' -d @body.json", "if a command posts a file (--data @FILE), name that file"),
        (json.dumps(MINE).encode(), "holds a template, not a body"),
    ],
)
def test_a_file_without_a_body_is_a_mistake_of_usage(content: bytes, message: str) -> None:
    """A file without a body is one line with the file and the reason, and nothing of its content, which may be a key."""
    Path("posted").write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        templates("new", "mine", "--from-request", "posted")

    (problem,) = caught.value.problems
    assert problem.startswith("posted ")
    assert "canary" not in problem
    assert not Path("templates").exists()


def test_a_template_has_one_beginning() -> None:
    """--from and --from-request together, and a file that can't be read, are mistakes of usage."""
    with pytest.raises(ConfigError, match="--from and --from-request are two beginnings"):
        templates("new", "mine", "--from", "price_psar_adi_v1", "--from-request", "posted.json")
    with pytest.raises(ConfigError, match=r"'posted\.json' can't be read: No such file"):
        templates("new", "mine", "--from-request", "posted.json")


def test_a_posted_body_that_the_provider_would_refuse_is_not_written() -> None:
    """The check of a new template holds for a posted body, too."""
    Path("posted.json").write_text(json.dumps({**BODY, "theme": "pink"}))
    result = templates("new", "mine", "--from-request", "posted.json")

    assert 1 == result.returncode
    assert "templates/mine.json:request.theme: ERROR" in result.stderr
    assert not Path("templates").exists()


def test_what_can_not_be_started_from_is_a_mistake_of_usage() -> None:
    """An unknown base is answered with the nearest id, and a broken one with its findings."""
    write("broken.json", "{")
    with pytest.raises(ConfigError, match="did you mean price_psar_adi_v1"):
        templates("new", "mine", "--from", "price_psar_adi")
    with pytest.raises(ConfigError, match=r"--from broken: templates/broken\.json: ERROR: is not JSON"):
        templates("new", "mine", "--from", "broken")
    assert ["broken.json"] == listed("templates")


def test_what_the_provider_would_refuse_is_not_written() -> None:
    """A template that the provider would refuse is not written; its errors are on standard error, with exit code 1."""
    for options, path in (
        (("--width", "100"), "request.width"),
        (("--height", "5000"), "request.height"),
        (("--theme", "drak"), "request.theme"),
        (("--exchange", "A;B"), "chartImgSymbolTemplate"),
        (("--study", "Volume") * 51, "request.studies"),
    ):
        result = templates("new", "mine", *options)

        assert (1, "") == (result.returncode, result.stdout)
        assert result.stderr.startswith(f"templates/mine.json:{path}: ERROR: ")
    assert not Path("templates").exists()


def test_a_template_with_warnings_is_written_and_they_are_reported() -> None:
    """A template with an unknown exchange is written, with a WARNING."""
    result = templates("new", "mine", "--exchange", "NEWEX")

    assert 0 == result.returncode
    assert (
        'templates/mine.json:chartImgSymbolTemplate: WARNING: the exchange "NEWEX" is not in the catalog\n'
        == result.stderr
    )
    assert "NEWEX:{symbol}" == load_templates("templates")["mine"].symbol_pattern


def test_a_study_that_does_not_exist_or_may_be_several_is_a_mistake_of_usage() -> None:
    """An unknown study is answered with the nearest name, and an ambiguous one with its meanings."""
    with pytest.raises(ConfigError, match=r"no study 'Volme'; did you mean Volume\?"):
        templates("new", "mine", "--study", "Volme")
    with pytest.raises(
        ConfigError, match="--study 'tsi' may mean Trend Strength Index, True Strength Index; write one of them"
    ):
        templates("new", "mine", "--study", "tsi")


def test_a_study_is_named_by_what_people_call_it() -> None:
    """A study is found by alias before initials."""
    made = new("mine", "--study", "sma", "--study", "stoch rsi", "--study", "exponential moving average")

    assert "Price with Moving Average, Stochastic RSI, Moving Average Exponential" == made.description


def test_nothing_is_overwritten_unless_it_is_asked_for() -> None:
    """A template, a broken file or a dead link is overwritten only with --force."""
    write("mine.json", MINE)
    write("broken.json", "{")
    Path("templates/link.json").symlink_to("nowhere")
    for name in ("mine", "broken", "link"):
        with pytest.raises(ConfigError, match=rf"templates/{name}.json exists already; overwrite it with --force"):
            templates("new", name)
        assert 0 == templates("new", name, "--force").returncode
    assert ["Price"] * 3 == [template.description for template in load_templates("templates").values()]


@for_each("template_id", ["", " ", "a b", "../a", "a/b", ".a", "a,b", "a\n", "ä", "a:b", "a" * 200, "\udc80"])
def test_an_id_that_can_not_name_files_is_refused(template_id: str) -> None:
    """An id that can't be a file name, or has a comma, is refused."""
    with pytest.raises(ConfigError, match="can't be the id of a template"):
        templates("new", template_id)
    assert not Path("templates").exists()


def test_without_a_folder_of_ones_own_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder of the host's own a new template is refused, and the templates that ship stay as they are."""
    before = listed(SHIPPED)
    monkeypatch.delenv("CHARTS_TEMPLATES_DIR")
    with pytest.raises(ConfigError, match="set CHARTS_TEMPLATES_DIR, or name a folder with --dir"):
        templates("new", "mine")

    assert before == listed(SHIPPED)
    assert 0 == templates("new", "mine", "--dir", "new/deeper").returncode
    assert ["mine"] == list(load_templates("new/deeper"))


def test_a_folder_that_can_not_be_written_is_a_mistake_of_usage(tmp_path: Path) -> None:
    """A folder that can't be written is one line with the system's reason, and no file is left in it."""
    (tmp_path / "file").touch()
    (tmp_path / "closed").mkdir(mode=0o500)
    for folder, reason in (("file", "File exists"), ("closed", "Permission denied")):
        child = run_bound("templates", "new", "mine", "--dir", folder, cwd=tmp_path)

        assert (2, "") == (child.returncode, child.stdout)
        assert f"chartimg: {folder}/mine.json can't be written: {reason}\n" == child.stderr
    assert [] == listed(tmp_path / "closed")
