"""The warnings about a picture: its size, its one colour, and its duplicates."""

from __future__ import annotations

import functools
import io
import tracemalloc
import zlib
from collections.abc import Mapping, Sequence

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from chartimg import ChartRequest
from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.picture import duplicate_of, is_duplicate, mean_the_same, picture_warnings
from chartimg.domain.finding import Finding, Severity
from chartimg.testing import picture
from places import FIXTURES
from rows import for_each

SMALLEST, LARGEST = (400, 300), (2048, 1920)  # pixels that the provider draws
ONE_COLOUR = Finding("", Severity.WARNING, "the picture is of one colour")


def is_of_one_colour(data: bytes) -> bool:
    """Return whether the warnings say so."""
    return ONE_COLOUR in picture_warnings(data, ChartRequest("A:B", "1h", "price_v1"))


def filtered(raw: bytes, above: bytes, unit: int, kind: int) -> bytes:
    """Filter a row as the specification says, byte by byte."""
    written = bytearray([kind])
    for place, value in enumerate(raw):
        left = raw[place - unit] if place >= unit else 0
        up = above[place] if above else 0
        corner = above[place - unit] if above and place >= unit else 0
        guess = left + up - corner
        paeth = min((left, up, corner), key=lambda near: abs(guess - near))  # the first of equally near ones
        written.append((value - (0, left, up, (left + up) // 2, paeth)[kind]) % 256)
    return bytes(written)


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Write a chunk with its checksum."""
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def png(width: int, height: int, depth: int, colour: int, data: bytes, interlaced: int = 0) -> bytes:
    """Write a PNG around compressed *data*, none of it checked."""
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([depth, colour, 0, 0, interlaced])
    middle = len(data) // 2
    images = chunk(b"IDAT", data[:middle]) + chunk(b"IDAT", data[middle:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + images + chunk(b"IEND")


def encoded(image: Image.Image, level: int = 6) -> bytes:
    """Encode with Pillow."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=level)
    return file.getvalue()


def rgb(rows: Sequence[bytes], kinds: Sequence[int], level: int) -> bytes:
    """Write rows of RGB pixels, each under the next of the filters *kinds*."""
    cached = functools.cache(filtered)
    stream = b"".join(
        cached(row, rows[number - 1] if number else b"", 3, kinds[number % len(kinds)])
        for number, row in enumerate(rows)
    )
    return png(len(rows[0]) // 3, len(rows), 8, 2, zlib.compress(stream, level))


@for_each("level", [1, 3, 6, 9])
@for_each(
    ("mode", "size"),
    [*((mode, SMALLEST) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")), ("RGB", LARGEST)],
)
def test_one_colour_is_a_warning_and_one_other_pixel_is_none(mode: str, size: tuple[int, int], level: int) -> None:
    """Pictures of every mode and compression are told apart, up to the last pixel."""
    image = Image.new(mode, size, (19, 23, 34, 255)[: len(mode)] if mode.startswith("RGB") else 0)
    assert is_of_one_colour(encoded(image, level))

    image.putpixel((size[0] - 1, size[1] - 1), (1,) * len(image.getbands()) if len(image.getbands()) > 1 else 1)
    assert not is_of_one_colour(encoded(image, level))


def test_one_colour_is_a_warning_at_16_bits_of_four_samples() -> None:
    """The largest picture of the most bits a pixel is inflated."""
    width, height = LARGEST
    data = zlib.compress((b"\0" + bytes(8 * width)) * height)

    assert is_of_one_colour(png(width, height, 16, 6, data))
    assert not is_of_one_colour(png(width, height, 16, 6, data, interlaced=1))


@given(
    pixel=st.binary(min_size=3, max_size=3),
    kinds=st.lists(st.integers(0, 4), min_size=1, max_size=5),
    level=st.integers(1, 9),
)
def test_one_colour_is_found_under_any_filters(pixel: bytes, kinds: list[int], level: int) -> None:
    """The filters of the rows do not matter."""
    assert is_of_one_colour(rgb([pixel * 400] * 300, kinds, level))


KINDS = st.lists(st.integers(0, 4), min_size=1, max_size=5)


@example(kinds=[1], x=0, y=0, value=5)
@given(kinds=KINDS, x=st.integers(0, 399), y=st.integers(0, 299), value=st.integers(1, 255))
def test_one_other_pixel_is_enough_under_any_filters(kinds: list[int], x: int, y: int, value: int) -> None:
    """A picture is of several colours if any pixel differs."""
    rows = [bytes(1200)] * 300
    rows[y] = bytes(3 * x) + bytes([0, value, 0]) + bytes(3 * (399 - x))

    assert not is_of_one_colour(rgb(rows, kinds, 6))


@example(kinds=[0, *[1] * 299], pixels=(b"abc", b"abd"), rows=1)
@example(kinds=[1, *[0] * 299], pixels=(b"abc", b"abd"), rows=1)
@given(
    kinds=KINDS,
    pixels=st.tuples(*[st.binary(min_size=3, max_size=3)] * 2).filter(lambda two: two[0] != two[1]),
    rows=st.integers(1, 299),
)
def test_a_picture_of_two_colours_has_no_warning(kinds: list[int], pixels: tuple[bytes, bytes], rows: int) -> None:
    """A picture with one colour above and another one below, or left and right, is of two, under any filters."""
    above, below = (pixel * 400 for pixel in pixels)

    assert not is_of_one_colour(rgb([above] * rows + [below] * (300 - rows), kinds, 6))
    assert not is_of_one_colour(rgb([pixels[0] * rows + pixels[1] * (400 - rows)] * 300, kinds, 6))


def test_stripes_of_a_pixel_are_of_two_colours() -> None:
    """A picture of one byte a pixel is of two colours if they take turns."""
    assert is_of_one_colour(png(*SMALLEST, 8, 0, zlib.compress((b"\0" + b"aa" * 200) * 300)))
    assert not is_of_one_colour(png(*SMALLEST, 8, 0, zlib.compress((b"\0" + b"ab" * 200) * 300)))


@given(data=st.one_of(st.binary(), st.binary().map(lambda rest: picture(9, 9)[:33] + rest)))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    """Bytes that are not a picture are not of one colour."""
    assert not is_of_one_colour(data)


@given(data=st.data())
def test_damage_does_not_make_it_raise(data: st.DataObject) -> None:
    """A changed byte gives a yes or a no."""
    changed = bytearray(encoded(Image.new("L", SMALLEST)))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))

    assert is_of_one_colour(bytes(changed)) in {True, False}


@pytest.mark.parametrize("missing", [1, 401, 401 * 299, 401 * 300])
def test_a_picture_with_too_few_rows_is_not_judged(missing: int) -> None:
    """The image data must hold every row; more of it does not matter."""
    stream = bytes(401 * 300)

    assert is_of_one_colour(png(*SMALLEST, 8, 0, zlib.compress(stream + stream)))
    assert not is_of_one_colour(png(*SMALLEST, 8, 0, zlib.compress(stream[missing:])))


@pytest.mark.parametrize("longer", [0, 1])
def test_a_picture_of_one_colour_is_compressed_to_a_fiftieth(longer: int) -> None:
    """A file of a fiftieth of its rows or less is judged, and one more byte is a chart."""
    data = zlib.compress(bytes(401 * 300))
    room = 401 * 300 // 50 - len(png(*SMALLEST, 8, 0, data)) + longer

    assert (not longer) is is_of_one_colour(png(*SMALLEST, 8, 0, data + bytes(room)))


def test_a_picture_that_claims_too_much_is_not_inflated() -> None:
    """A picture of more bytes than the provider's largest one takes no memory."""
    data = zlib.compress(bytes(8192 * 4097), 1)
    tracemalloc.start()
    try:
        assert not is_of_one_colour(png(8191, 4097, 8, 0, data))
        assert not is_of_one_colour(png(2**31 - 1, 2**31 - 1, 16, 6, data))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 2**22


def warning(message: str, path: str = "") -> Finding:
    """Return a warning."""
    return Finding(path, Severity.WARNING, message)


@for_each(
    ("size", "payload", "findings"),
    [
        ((800, 600), {}, []),
        ((800, 600), {"width": 800, "height": 600.0}, []),
        ((640, 480), {"width": 640, "height": 480}, []),
        ((1920, 600), {}, [warning("the picture is 1920 pixels wide; the default is 800", "width")]),
        ((400, 600), {"width": 800}, [warning("the picture is 400 pixels wide; 800 were asked for", "width")]),
        ((800, 480), {"width": 800}, [warning("the picture is 480 pixels high; the default is 600", "height")]),
        (
            (8, 6),
            {"width": 1920},
            [
                warning("the picture is 8 pixels wide; 1920 were asked for", "width"),
                warning("the picture is 6 pixels high; the default is 600", "height"),
            ],
        ),
        ((400, 600), {"width": "400"}, [warning("the picture is 400 pixels wide; the default is 800", "width")]),
        ((1, 600), {"width": True}, [warning("the picture is 1 pixel wide; the default is 800", "width")]),
        ((800, 600), {"width": True, "height": False}, []),
    ],
)
def test_another_size_than_asked_is_a_warning(
    size: tuple[int, int], payload: dict[str, object], findings: list[Finding]
) -> None:
    """Each side that differs from the request, or from the default of 800 x 600, is reported with both numbers."""
    request = ChartRequest("A:B", "1h", "price_v1", payload)

    assert tuple(findings) == picture_warnings(picture(*size), request)


def test_one_colour_comes_after_the_size() -> None:
    """It is a warning about the whole picture."""
    size = warning("the picture is 480 pixels high; the default is 600", "height")

    assert (size, ONE_COLOUR) == picture_warnings(
        encoded(Image.new("RGB", (800, 480))), ChartRequest("A:B", "1h", "price_v1")
    )


def test_a_chart_as_asked_has_no_warning() -> None:
    """The shipped fixtures, charts of the default size, have no warning."""
    request = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1")
    charts = [path.read_bytes() for path in FIXTURES.glob("*.png")]

    assert charts
    assert [()] * len(charts) == [picture_warnings(chart, request) for chart in charts]


PARAMETERS = shipped_catalog().parameters
NAMES = [row.name for row in PARAMETERS if row.name not in {"symbol", "interval"}]
VALUES: st.SearchStrategy[object] = st.sampled_from(
    [None, 0, 17, 800, 800.0, "light", "dark", "Etc/UTC", [], {"in_0": None}, (1, 2)]
)
payloads = st.dictionaries(st.sampled_from([*NAMES, "more"]), VALUES)


def asking(payload: Mapping[str, object], symbol: str = "A:B") -> ChartRequest:
    """Return a request with *payload*."""
    return ChartRequest(symbol, "1h", "price_v1", payload)


@given(payload=payloads, more=st.sets(st.sampled_from(NAMES)), nulls=st.sets(st.sampled_from([*NAMES, "none"])))
def test_stated_defaults_do_not_change_the_meaning(payload: dict[str, object], more: set[str], nulls: set[str]) -> None:
    """Defaults and nulls may be added to a body, under any template id."""
    defaults = {row.name: row.default for row in PARAMETERS if row.name in more}
    longer = attrs.evolve(asking(dict.fromkeys(nulls) | defaults | payload), chart_template_id="price_v2")

    assert mean_the_same(asking(payload), longer, PARAMETERS)
    assert mean_the_same(longer, asking(payload), PARAMETERS)


@given(payload=payloads, name=st.sampled_from([*NAMES, "more"]), value=st.integers(1000) | st.text("xyz", min_size=1))
def test_another_value_changes_the_meaning(payload: dict[str, object], name: str, value: object) -> None:
    """A value other than the default, or another symbol, asks for another picture."""
    assert not mean_the_same(asking(payload), asking({**payload, name: value}), PARAMETERS)
    assert not mean_the_same(asking(payload), asking(payload, "A:C"), PARAMETERS)


def test_without_a_catalog_only_nulls_are_left_out() -> None:
    """An unknown default is a value like any other, and a time zone is always posted."""
    assert mean_the_same(asking({}), asking({"width": None}), ())
    assert not mean_the_same(asking({}), asking({"width": 800}), ())
    assert not mean_the_same(asking({}), asking({"timezone": None}), ())


def test_a_null_within_a_value_is_a_value() -> None:
    """A null within an object may stand for another default."""
    assert not mean_the_same(asking({"override": {}}), asking({"override": {"style": None}}), PARAMETERS)


def test_a_duplicate_names_the_other_chart() -> None:
    """The warning has the key of the other request."""
    assert warning(
        "its bytes are those of BINANCE:BTCUSDT 4h price_v1, which was asked for with another body"
    ) == duplicate_of(ChartRequest("BINANCE:BTCUSDT", "4h", "price_v1"))


def test_a_duplicate_is_told_from_other_warnings() -> None:
    """The warning about a duplicate is recognised, and no other one: of other words, or about a field."""
    duplicate = duplicate_of(ChartRequest("A:B", "1h", "price_v1"))

    assert is_duplicate(duplicate)
    assert not is_duplicate(warning("all its pixels have one colour"))
    assert not is_duplicate(attrs.evolve(duplicate, path="symbol"))
