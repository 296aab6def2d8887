"""The gallery: one page with all fixtures, in which only the page's own script can run."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chartimg.app.cli.gallery import render
from chartimg.domain.chart import ChartKey
from chartimg.domain.fixture import FixtureEntry, FixtureKind
from chartimg.testing import picture
from rows import for_each

PNG = picture(8, 6)
DATA = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
NOW = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)
KEY = ChartKey("BINANCE:BTCUSDT", "1h", "price_v1")
PICTURE = FixtureEntry(
    "BINANCE_BTCUSDT__1h__price_v1",
    FixtureKind.PICTURE,
    "picture.png",
    KEY,
    size=len(PNG),
    width=8,
    height=6,
    recorded_at=NOW,
    origin="a test",
)
ERROR = FixtureEntry("A_B__1h__t", FixtureKind.ERROR, "error.json", None, 422, "Invalid Symbol", size=1_234)
FILES = {
    "picture.png": PNG,
    "error.json": b'{"status": 422, "body": {"message": "Invalid Symbol", "at": ["<here>"]}}',
}
VOID = {"br", "img", "input", "meta", "wbr"}
EXPECTED_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "h1", "p", "div", "input", "label", "span", "main"),
    *("article", "button", "img", "strong", "pre", "h2", "wbr", "ul", "li", "script"),
}


class Page(HTMLParser):
    """A page as a browser reads it: its elements with their attributes, and the text in each kind of element."""

    def __init__(self, html: str) -> None:
        """Read *html*, and assert that every element is closed in its turn."""
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert [] == self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert tag == self._open.pop()

    def handle_data(self, data: str) -> None:
        """Record text in all the elements around it."""
        for tag in set(self._open):
            self.texts[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each *tag*."""
        return [attributes for name, attributes in self.elements if name == tag]


def page(*entries: FixtureEntry, files: Mapping[str, bytes] = FILES, title: str = "Fixtures") -> Page:
    """Render *entries* and read the page."""
    return Page(render(entries, lambda name: files[name], title))


def test_a_picture_is_in_the_page_with_all_that_is_known() -> None:
    """A picture's card has the picture, its key, size, date and origin, and a text for those who can't see it."""
    shown = page(PICTURE)
    (image,) = shown.all("img")

    assert (DATA, "BINANCE:BTCUSDT 1h price_v1") == (image["src"], image["alt"])
    assert ["BINANCE:BTCUSDT"] == shown.texts["h2"]
    (card,) = shown.texts["article"]
    assert ["BINANCE:BTCUSDT", "1h", "price_v1", "8 x 6", "0.1 KB", "2026-01-05 12:30 UTC", "a test"] == [
        line for line in card.splitlines() if line
    ]


def test_an_error_is_a_card_with_its_body_laid_out() -> None:
    """An error's card has status, message and JSON, and the stem as its name if the key is unknown."""
    shown = page(ERROR)

    assert ["422"] == shown.texts["strong"]
    assert "Invalid Symbol" in shown.texts["span"]
    assert ['\n{\n  "message": "Invalid Symbol",\n  "at": [\n    "<here>"\n  ]\n}'] == shown.texts["pre"]
    assert ["A_B__1h__t"] == shown.texts["h2"]
    assert [] == shown.all("img")


@for_each(
    ("content", "body"),
    [
        (b'{"status": 500, "body": "plain\\ntext"}', "plain\ntext"),
        (b'{"status": 500, "body": "h\xc3\xa4lf \\ud800"}', r"hälf \ud800"),
        (b"[1]", "[\n  1\n]"),
        (b"oops \xff", "oops \ufffd"),
        (b"[" * 30_000, "[" * 20_000 + "\n… 10,000 more characters"),
    ],
)
def test_an_error_body_of_any_form_is_shown(content: bytes, body: str) -> None:
    """A body is shown as text or laid out as JSON; one that can't be read as it is; a very long one in part."""
    assert [f"\n{body}"] == page(ERROR, files={"error.json": content}).texts["pre"]


def test_the_header_sums_up_the_folder() -> None:
    """The page begins with its title, the counts and the total size."""
    shown = page(PICTURE, ERROR, title="Fixtures in <here>")

    assert ["Fixtures in <here>"] == shown.texts["h1"] == shown.texts["title"]
    assert "1 picture, 1 error, 1 KB, 0 findings" in shown.texts["p"]


def test_findings_are_shown_and_can_be_asked_for() -> None:
    """Each finding is a line of its card, the card is marked, and a box can hide all other cards."""
    flawed = PICTURE.with_finding("picture.png", "it is stale").with_finding("x.json", "it is <never> replayed")
    shown = page(flawed, ERROR)

    assert ["picture.png: it is stale", "x.json: it is <never> replayed"] == shown.texts["li"]
    assert [True, False] == ["data-flawed" in card for card in shown.all("article")]
    assert ["filter", "only"] == [box["id"] for box in shown.all("input")]
    assert ["filter"] == [box["id"] for box in page(PICTURE).all("input")]


@pytest.mark.parametrize(
    "entry",
    [
        FixtureEntry("damaged", FixtureKind.PICTURE, "picture.png", size=5),
        FixtureEntry("notes.txt", FixtureKind.OTHER, "notes.txt"),
        FixtureEntry("alone", FixtureKind.OTHER, None, KEY),
    ],
)
def test_a_fixture_that_is_not_a_picture_has_a_card_without_one(entry: FixtureEntry) -> None:
    """The card of a damaged picture, a stray file or a lone meta file has no content, and no file is read."""
    shown = page(entry, files={})

    assert [] == shown.all("img") == shown.all("pre")
    assert 1 == len(shown.texts["article"])


@pytest.mark.parametrize("entry", [PICTURE, ERROR])
def test_a_file_that_has_gone_since_leaves_its_card(entry: FixtureEntry) -> None:
    """The card of a file that is gone has no content."""

    def gone(name: str) -> bytes:
        raise FileNotFoundError(name)

    shown = Page(render([entry], gone, "Fixtures"))

    assert [] == shown.all("img") == shown.all("pre")
    assert 1 == len(shown.texts["article"])


def test_an_empty_folder_is_said_to_be_empty() -> None:
    """An empty folder has a sentence, and no filter."""
    shown = page()

    assert "There is no fixture here." in shown.texts["p"]
    assert [] == shown.all("input") == shown.all("article")


def test_the_page_needs_nothing_beside_it() -> None:
    """The page has no address, link, frame or form, and its policy allows only pictures inside it."""
    html = render([PICTURE, ERROR], FILES.__getitem__, "Fixtures")
    shown = Page(html)

    assert EXPECTED_TAGS >= {tag for tag, _ in shown.elements}
    assert None is re.search(r"https?:|//\w|@import|url\(", html)
    assert [DATA] == [attributes["src"] for _, attributes in shown.elements if "src" in attributes]
    policy = shown.all("meta")[1]["content"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; ")


def test_the_policy_lets_the_script_of_the_page_run() -> None:
    """The policy names the digest of the page's one script, and allows no other."""
    shown = page(PICTURE)
    (script,) = shown.texts["script"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert f"script-src 'sha256-{digest}'; " in str(shown.all("meta")[1]["content"])
    assert "unsafe-inline" not in str(shown.all("meta")[1]["content"]).partition("script-src")[2]


def test_the_same_folder_gives_the_same_page() -> None:
    """Two pages of the same folder are equal."""
    first, second = (render([PICTURE, ERROR], FILES.__getitem__, "Fixtures") for _ in range(2))

    assert first == second


def test_the_page_is_good_in_light_and_dark_and_on_any_width() -> None:
    """The page tells the browser that it follows dark mode and any width."""
    html = render([PICTURE], FILES.__getitem__, "Fixtures")

    for part in ("prefers-color-scheme: dark", "width=device-width", "auto-fill"):
        assert part in html


@cache
def plain_page() -> Page:
    """Render one card of each kind with harmless texts."""
    return page(
        FixtureEntry("s", FixtureKind.ERROR, "e", KEY, 422, "m", origin="o").with_finding("s", "p"),
        FixtureEntry("s", FixtureKind.PICTURE, "p", KEY, size=1, width=1, height=1, origin="o"),
        FixtureEntry("s", FixtureKind.OTHER, "s").with_finding("s", "p"),
        files={"p": PNG, "e": b"b"},
    )


nasty = st.text(st.characters()) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</pre></article></script><script>alert(1)</script>",
        "' onmouseover='alert(1)",
        "{{ 7 * 7 }}{% raw %}",
        "<!--",
        "]]>",
        "&lt;b&gt;&#x3c;",
        "javascript:alert(1)",
        "\x00",
    ]
)


@given(texts=st.lists(nasty, min_size=8, max_size=8))
@example(texts=['"><img src=x onerror=alert(1)>'] * 8)
@example(texts=["</pre></article></script><script>alert(1)</script>{{ 7 * 7 }}"] * 8)
def test_nothing_in_a_fixture_becomes_a_part_of_the_page(texts: list[str]) -> None:
    """Any text in a name, message, origin, finding, title or body leaves elements and attributes as they are."""
    stem, symbol, timeframe, template, message, origin, problem, body = texts
    key = ChartKey(symbol, timeframe, template)
    error = FixtureEntry(stem, FixtureKind.ERROR, "e", key, 422, message, origin=origin).with_finding(stem, problem)
    image = FixtureEntry(stem, FixtureKind.PICTURE, "p", key, size=1, width=1, height=1, origin=origin)
    other = FixtureEntry(stem, FixtureKind.OTHER, stem).with_finding(stem, problem)
    files = {"p": PNG, "e": body.encode("utf-8", "surrogatepass")}
    html = render([error, image, other], lambda name: files[name], symbol)
    plain, shown = plain_page(), Page(html)
    optional = {"wbr"} | ({"pre"} if not body else set())

    assert html.encode().decode() == html
    assert [(tag, attributes.keys()) for tag, attributes in plain.elements if tag not in optional] == [
        (tag, attributes.keys()) for tag, attributes in shown.elements if tag not in optional
    ]
    assert plain.texts["script"] == shown.texts["script"]


def test_a_name_that_looks_like_a_template_is_shown_as_it_is() -> None:
    """A name with template syntax is not evaluated."""
    assert ["{{ 7 * 7 }}<b>"] == page(FixtureEntry("{{ 7 * 7 }}<b>", FixtureKind.OTHER, None)).texts["h2"]
