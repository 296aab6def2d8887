"""Whole pictures: of the size asked for, the same for the same body, different for different ones."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from chartimg.domain.reply.png import Picture, inspect
from chartimg.emulator.drawing import draw
from chartimg.emulator.drawing.picture import canonical
from chartimg.emulator.drawing.prices import STYLES
from chartimg.emulator.drawing.studies import STUDIES
from rows import for_each

SMALL = {"width": 400, "height": 300}
ODD: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just([{}])
)
ENTRIES = st.fixed_dictionaries(
    {"name": st.sampled_from([*STUDIES, "Horizontal Line", "Zig Zag"]) | st.text(max_size=30)},
    optional={
        "input": st.dictionaries(st.sampled_from(["in_0", "in_1", "length", "price", "text", "rows"]), ODD, max_size=3),
        "forceOverlay": st.booleans(),
    },
)
BODIES: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"width": st.integers(400, 480), "height": st.integers(300, 360)},
    optional={
        "symbol": st.sampled_from(["BINANCE:BTCUSDT", "CME_MINI:NQ1!", "BMV:CEMEX/CPO", "(NASDAQ:MARA+NASDAQ:RIOT)/10"])
        | st.text(min_size=1, max_size=120),
        "interval": st.sampled_from(["1m", "2m", "45m", "1h", "12h", "3D", "1W", "6M", "1Y", "999Y"]),
        "theme": st.sampled_from(["light", "dark"]),
        "style": st.sampled_from(sorted(STYLES)),
        "timezone": st.sampled_from(["Etc/UTC", "America/New_York", "Asia/Kolkata"]),
        "studies": st.lists(ENTRIES, max_size=6),
        "drawings": st.lists(ENTRIES, max_size=3),
        "override": st.dictionaries(st.sampled_from(["showLegend", "showMainPane"]), st.booleans()),
        "watermark": st.text(max_size=40),
        "watermarkSize": st.sampled_from([16, 128]),
    },
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
QUICK = settings(max_examples=25)


@given(body=BODIES)
@QUICK
@pytest.mark.gate
def test_any_legal_body_gives_a_whole_picture_of_its_size(body: dict[str, int]) -> None:
    """Every valid body gives a whole PNG of its size; the order of keys and a trip over the wire change no byte."""
    drawn = draw(body)

    assert Picture(body["width"], body["height"]) == inspect(drawn)
    assert drawn == draw(dict(reversed(json.loads(json.dumps(body)).items())))


@given(pair=st.tuples(BODIES, BODIES).filter(lambda pair: json.dumps(pair[0]) != json.dumps(pair[1])))
@settings(QUICK, max_examples=10)
def test_different_bodies_give_different_pictures(pair: tuple[dict[str, object], dict[str, object]]) -> None:
    """Two different bodies never share a picture."""
    first, second = pair

    assert draw(first) != draw(second)


@pytest.mark.parametrize(
    "other", [{"symbol": "BINANCE:ETHUSDT"}, {"interval": "1h"}, {"timezone": "Asia/Tokyo"}, {"session": "extended"}]
)
def test_every_part_of_a_body_counts(other: dict[str, object]) -> None:
    """A part that is not drawn changes the picture too."""
    assert draw(SMALL) != draw({**SMALL, **other})


@given(body=st.dictionaries(st.text(), JSON, max_size=4))
def test_canonical_text_is_the_same_for_equal_json(body: dict[str, object]) -> None:
    """The order of keys and a trip over the wire do not change the text; 2.0 is 2, and true and a text are others."""
    assert canonical(body) == canonical(dict(reversed(body.items()))) == canonical(json.loads(json.dumps(body)))
    assert canonical({"a": [2]}) == canonical({"a": [2.0]})
    assert 4 == len({canonical({"a": value}) for value in (2, 2.5, True, "2")})


def columns(body: dict[str, object], width: int) -> bytes:
    """Return the pixels of the candles next to the newest one."""
    picture = Image.open(io.BytesIO(draw(body))).convert("RGB")
    newest = picture.width - width
    return picture.crop((newest, 120, newest + 70, picture.height - 60)).tobytes()


def test_the_same_symbol_and_interval_show_the_same_candles() -> None:
    """A study, a theme's absence and a watermark size do not change the candles, nor does an older view change the past."""
    base = {**SMALL, "symbol": "BINANCE:BTCUSDT", "interval": "1h", "override": {"showLegend": False}}

    assert columns(base, 190) == columns({**base, "session": "extended", "watermarkSize": 64}, 190)
    assert columns(base, 190) != columns({**base, "shiftLeft": 5}, 190)


def test_a_layout_names_itself() -> None:
    """The id of a layout is written in the picture."""
    assert draw(SMALL) != draw({**SMALL, "layoutId": "abc"})


@for_each("size", [(400, 300), (800, 600), (2048, 1920)])
@for_each("studies", [0, 50])
@pytest.mark.gate
def test_any_number_of_studies_has_room_at_any_size(size: tuple[int, int], studies: int) -> None:
    """Fifty studies fit into the smallest and the largest picture."""
    names = [*STUDIES, *map(str, range(50))][:studies]
    body = {"width": size[0], "height": size[1], "studies": [{"name": name} for name in names]}

    assert Picture(*size) == inspect(draw(body))


@pytest.mark.gate
def test_threads_and_processes_draw_the_same() -> None:
    """The bytes are the same in other threads and in another process."""
    body = {**SMALL, "studies": [{"name": "MACD"}, {"name": "no such study"}]}
    expected = hashlib.sha256(draw(body)).hexdigest()
    code = "import sys,json,hashlib; from chartimg.emulator.drawing import draw; print(hashlib.sha256(draw(json.loads(sys.argv[1]))).hexdigest())"
    child = subprocess.run([sys.executable, "-c", code, json.dumps(body)], check=True, capture_output=True, text=True)
    with ThreadPoolExecutor(8) as pool:
        drawn = {hashlib.sha256(picture).hexdigest() for picture in pool.map(draw, [body] * 16)}

    assert expected == child.stdout.strip()
    assert {expected} == drawn


@pytest.mark.parametrize(
    ("theme", "form", "expected"),
    [
        ("light", "png", (255, 255, 255)),
        ("dark", "png", (19, 23, 34)),
        (None, "png", (255, 255, 255)),
        (None, "jpeg", (255, 255, 255)),
    ],
)
def test_a_picture_has_the_background_of_its_theme(theme: str | None, form: str, expected: tuple[int, ...]) -> None:
    """The background has the theme's colour, light is the default, and the form is the one asked for."""
    picture = Image.open(io.BytesIO(draw({**SMALL, "theme": theme, "format": form})))

    assert (form.upper(), (400, 300), expected) == (picture.format, picture.size, picture.getpixel((399, 299)))


def test_a_horizontal_line_is_drawn_within_sight() -> None:
    """A line in sight has a blue tag on the axis; a line far away, or without a price, has none."""
    tag = (41, 98, 255)

    def tags(price: object) -> bool:
        drawing = {"name": "Horizontal Line", "input": {"price": price, "text": "here"}}
        picture = Image.open(io.BytesIO(draw({**SMALL, "drawings": [drawing]}))).crop((330, 0, 400, 300))
        return tag in {colour for _, colour in picture.getcolors(100_000) or []}

    assert [True, True, False, False, False] == [tags(price) for price in (65_000, "65000", 1e308, 1, None)]
