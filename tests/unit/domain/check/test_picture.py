"""A picture and what was asked for: size and colour are compared, whatever the encoder did, and nothing is made up."""

from __future__ import annotations

import io
import tracemalloc
import zlib
from collections.abc import Mapping, Sequence

import attrs
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from PIL import Image

from chartimg import ChartRequest
from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.picture import duplicate_of, is_of_one_colour, mean_the_same, picture_warnings
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.reply.png import inspect
from chartimg.testing import picture
from places import FIXTURES

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PASSES = (
    *(("1", range(0, 99, 8), range(0, 99, 8)), ("2", range(4, 99, 8), range(0, 99, 8))),
    *(("3", range(0, 99, 4), range(4, 99, 8)), ("4", range(2, 99, 4), range(0, 99, 4))),
    *(("5", range(0, 99, 2), range(2, 99, 4)), ("6", range(1, 99, 2), range(0, 99, 2))),
    ("7", range(99), range(1, 99, 2)),
)


@attrs.frozen
class Raster:
    """Pixels, as numbers of *bits* bits, and how they are to be written."""

    pixels: list[list[int]]
    depth: int
    colour: int
    interlaced: bool
    filters: list[int]
    spare: list[int]
    level: int
    cuts: list[int]

    @property
    def bits(self) -> int:
        """The bits of a pixel."""
        return self.depth * SAMPLES[self.colour]

    @property
    def is_plain(self) -> bool:
        """Whether all pixels are the same."""
        return len({pixel for row in self.pixels for pixel in row}) == 1

    def passes(self) -> list[list[list[int]]]:
        """Give the rows of each pass."""
        if not self.interlaced:
            return [self.pixels]
        height, width = len(self.pixels), len(self.pixels[0])
        grids = [
            [[self.pixels[y][x] for x in columns if x < width] for y in rows if y < height]
            for _, columns, rows in PASSES
        ]
        return [grid for grid in grids if grid and grid[0]]

    def stream(self) -> bytes:
        """Write all rows, each under the next of the filters, and with the next of the spare bits at its end.

        Without any, the spare bits are as the first pixel.
        """
        turn, stream, spare = 0, b"", self.spare or [full(self.pixels[0][0], self.bits)]
        for grid in self.passes():
            above = b""
            for row in grid:
                raw = packed(row, self.bits, spare[turn % len(spare)])
                kind = self.filters[turn % len(self.filters)]
                stream += bytes([kind]) + filtered(raw, above, max(self.bits // 8, 1), kind)
                above, turn = raw, turn + 1
        return stream

    def encoded(self, stream: bytes | None = None) -> bytes:
        """Write it as a PNG, with *stream* in place of its rows if that is given."""
        compressed = zlib.compress(self.stream() if stream is None else stream, self.level)
        cuts = sorted(cut % len(compressed) for cut in self.cuts)
        data = [compressed[start:end] for start, end in zip([0, *cuts], [*cuts, len(compressed)], strict=True)]
        return png(len(self.pixels[0]), len(self.pixels), self.depth, self.colour, self.interlaced, data)


def packed(row: Sequence[int], bits: int, spare: int) -> bytes:
    """Write pixels as bytes; what is left of the last one holds the low bits of *spare*."""
    rest = -len(row) * bits % 8
    number = 0
    for pixel in row:
        number = number << bits | pixel
    return (number << rest | spare & (1 << rest) - 1).to_bytes((len(row) * bits + rest) // 8)


def filtered(raw: bytes, above: bytes, unit: int, kind: int) -> bytes:
    """Filter a row as the specification says, byte by byte."""
    written = bytearray()
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


def png(width: int, height: int, depth: int, colour: int, interlaced: bool, data: Sequence[bytes]) -> bytes:  # noqa: FBT001 (a field of IHDR)
    """Write a PNG around compressed *data*, with a palette if need be, and none of it checked."""
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([depth, colour, 0, 0, interlaced])
    palette = chunk(b"PLTE", bytes(index // 3 for index in range(3 * 2**depth))) if colour == 3 else b""
    images = b"".join(chunk(b"IDAT", piece) for piece in data)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + images + chunk(b"IEND")


@st.composite
def rasters(draw: st.DrawFn, *, colours: int, deepest: int = 16) -> Raster:
    """Draw pixels of at most so many *colours*, and a way to write them."""
    colour = draw(st.sampled_from([colour for colour in DEPTHS if DEPTHS[colour][0] <= deepest]))
    depth = draw(st.sampled_from([depth for depth in DEPTHS[colour] if depth <= deepest]))
    values = draw(st.lists(st.integers(0, 2 ** (depth * SAMPLES[colour]) - 1), min_size=1, max_size=colours))
    width = draw(st.integers(1, 40))
    pixels = draw(
        st.lists(
            st.lists(st.sampled_from(values), min_size=width, max_size=width),
            min_size=1,
            max_size=20,
        )
        if colours > 1
        else st.integers(1, 20).map(lambda height: [[values[0]] * width for _ in range(height)])
    )
    filters = draw(st.lists(st.integers(0, 4), min_size=1, max_size=7))
    spare = draw(st.lists(st.integers(0, 255), max_size=5)) if filters == [0] else []
    return Raster(
        pixels,
        depth,
        colour,
        draw(st.booleans()),
        filters,
        spare,
        draw(st.integers(0, 9)),
        draw(st.lists(st.integers(0, 2000), max_size=4)),
    )


def full(pixel: int, bits: int) -> int:
    """Repeat a pixel of at most eight bits; of others no bits are spare."""
    return int(f"{pixel:0{bits}b}" * 8, 2)


def opened(data: bytes) -> Image.Image:
    """Decode a PNG with Pillow, which must find nothing wrong with it."""
    assert not isinstance(inspect(data), str), inspect(data)
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@given(raster=rasters(colours=1))
def test_one_colour_is_found_however_it_is_written(raster: Raster) -> None:
    """All colour types, depths, filters, interlaced or not, and however the data is compressed and cut."""
    assert is_of_one_colour(raster.encoded())


@given(raster=rasters(colours=1), data=st.data())
def test_one_other_pixel_is_enough(raster: Raster, data: st.DataObject) -> None:
    """A picture is of several colours if any one pixel of it differs in any one bit."""
    width, height = len(raster.pixels[0]), len(raster.pixels)
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    raster.pixels[y][x] ^= 1 << data.draw(st.integers(0, raster.bits - 1))

    assert (width * height == 1) == is_of_one_colour(raster.encoded())


@given(raster=rasters(colours=3))
def test_it_agrees_with_the_pixels(raster: Raster) -> None:
    """What is said of a picture is what its pixels say."""
    event(f"one colour: {raster.is_plain}, interlaced: {raster.interlaced}")

    assert raster.is_plain == is_of_one_colour(raster.encoded())


@given(raster=rasters(colours=2, deepest=4), spare=st.lists(st.integers(0, 255), min_size=1, max_size=5))
def test_spare_bits_never_make_one_colour_of_two(raster: Raster, spare: list[int]) -> None:
    """Whatever is in the bits that are no pixel's, under every filter, two colours are never taken for one."""
    assert raster.is_plain >= is_of_one_colour(attrs.evolve(raster, spare=spare).encoded())


@given(raster=rasters(colours=2, deepest=8))
def test_another_decoder_agrees(raster: Raster) -> None:
    """Pillow sees the same: what is of one colour here is so there, with a palette that holds no colour twice."""
    image = opened(raster.encoded())
    colours = image.getcolors(maxcolors=1000)

    assert (len(raster.pixels[0]), len(raster.pixels)) == image.size
    assert colours is not None
    assert (len(colours) == 1) == is_of_one_colour(raster.encoded())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("level", [0, 9])
def test_another_encoder_is_read(mode: str, level: int) -> None:
    """Pillow's own pictures are read, and one pixel of another colour at the end is found."""
    image = Image.new(mode, (321, 243))
    assert is_of_one_colour(written(image, level))

    image.putpixel((320, 242), (1,) * len(image.getbands()) if len(image.getbands()) > 1 else 1)
    assert not is_of_one_colour(written(image, level))


def written(image: Image.Image, level: int) -> bytes:
    """Encode with Pillow."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=level)
    return file.getvalue()


@given(data=st.one_of(st.binary(), st.binary().map(lambda rest: picture(9, 9)[:33] + rest)))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    """What isn't a picture is not of one colour, and nothing is said of its size unless it states one."""
    assert not is_of_one_colour(data)
    assert isinstance(picture_warnings(data, ChartRequest("A:B", "1h", "price_v1")), tuple)


@given(raster=rasters(colours=1), data=st.data())
def test_damage_does_not_make_it_raise(raster: Raster, data: st.DataObject) -> None:
    """Whichever byte is another, it is a yes or a no."""
    changed = bytearray(raster.encoded())
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))

    assert is_of_one_colour(bytes(changed)) in {True, False}


@given(raster=rasters(colours=1), data=st.data())
def test_less_than_promised_is_not_one_colour(raster: Raster, data: st.DataObject) -> None:
    """What isn't there isn't judged, and what follows the last row doesn't matter."""
    stream = raster.stream()

    assert not is_of_one_colour(raster.encoded(stream[: data.draw(st.integers(0, len(stream) - 1))]))
    assert is_of_one_colour(raster.encoded(stream + data.draw(st.binary())))


def test_an_unknown_filter_is_not_one_colour() -> None:
    """A row that can't be decoded isn't judged."""
    assert not is_of_one_colour(png(1, 1, 8, 0, False, [zlib.compress(b"\5\0")]))  # noqa: FBT003 (a field of IHDR)


def test_a_picture_that_claims_too_much_is_not_looked_at() -> None:
    """A side beyond 8192 pixels makes no work, and it is not of one colour; one of 8192 is still judged."""
    data = [zlib.compress(bytes(2 * 8193))]

    assert is_of_one_colour(png(1, 8192, 8, 0, False, data))  # noqa: FBT003 (a field of IHDR)
    assert not is_of_one_colour(png(1, 8193, 8, 0, False, data))  # noqa: FBT003 (a field of IHDR)
    assert not is_of_one_colour(png(2**31 - 1, 2**31 - 1, 16, 6, True, data))  # noqa: FBT003 (a field of IHDR)


def test_what_follows_the_stream_is_not_looked_at() -> None:
    """Megabytes behind its end are neither inflated nor kept, which would cost their square in time."""
    data = png(8, 6, 8, 0, False, [zlib.compress(b"") + bytes(2**24)])  # noqa: FBT003 (a field of IHDR)
    tracemalloc.start()
    try:
        assert not is_of_one_colour(data)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 2**20


def test_a_bomb_takes_no_memory() -> None:
    """64 million pixels of one colour in as many kilobytes are never in memory together."""
    data = png(8192, 8192, 8, 0, False, [zlib.compress(bytes(8193 * 8192), 1)])  # noqa: FBT003 (a field of IHDR)
    tracemalloc.start()
    try:
        assert is_of_one_colour(data)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 8 * 2**20


def warning(message: str, path: str = "") -> Finding:
    """Expect a warning."""
    return Finding(path, Severity.WARNING, message)


@pytest.mark.parametrize(
    ("size", "payload", "findings"),
    [
        ((800, 600), {}, []),
        ((800, 600), {"width": 800, "height": 600.0}, []),
        ((640, 480), {"width": 640, "height": 480}, []),
        ((1920, 600), {}, [warning("the picture is 1920 pixels wide, the default is 800", "width")]),
        ((400, 600), {"width": 800}, [warning("the picture is 400 pixels wide, 800 were asked for", "width")]),
        ((800, 480), {"width": 800}, [warning("the picture is 480 pixels high, the default is 600", "height")]),
        (
            (8, 6),
            {"width": 1920},
            [
                warning("the picture is 8 pixels wide, 1920 were asked for", "width"),
                warning("the picture is 6 pixels high, the default is 600", "height"),
            ],
        ),
        ((400, 600), {"width": "400"}, [warning("the picture is 400 pixels wide, the default is 800", "width")]),
        ((1, 600), {"width": True}, [warning("the picture is 1 pixels wide, the default is 800", "width")]),
        ((800, 600), {"width": True, "height": False}, []),
    ],
)
def test_another_size_than_asked_is_a_warning(
    size: tuple[int, int], payload: dict[str, object], findings: list[Finding]
) -> None:
    """Each side that is other than asked, or than the default of 800 x 600, is told with both numbers and its place."""
    request = ChartRequest("A:B", "1h", "price_v1", payload)

    assert tuple(findings) == picture_warnings(picture(*size), request)


def test_one_colour_is_a_warning_of_the_whole_picture() -> None:
    """It has no place in the body, and comes after what is said of the size."""
    plain = png(800, 480, 8, 0, False, [zlib.compress(bytes(801 * 480))])  # noqa: FBT003 (a field of IHDR)
    size = warning("the picture is 480 pixels high, the default is 600", "height")

    assert (size, warning("the picture is of one colour")) == picture_warnings(
        plain, ChartRequest("A:B", "1h", "price_v1")
    )


def test_a_chart_as_asked_is_beyond_doubt() -> None:
    """Nothing is said of the shipped fixtures, which are charts of the default size."""
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
    """Ask for a chart with *payload*."""
    return ChartRequest(symbol, "1h", "price_v1", payload)


@given(payload=payloads, more=st.sets(st.sampled_from(NAMES)), nulls=st.sets(st.sampled_from([*NAMES, "none"])))
def test_what_is_there_by_default_may_be_said(payload: dict[str, object], more: set[str], nulls: set[str]) -> None:
    """Defaults and nulls that are added to a body mean nothing, under either of two templates."""
    defaults = {row.name: row.default for row in PARAMETERS if row.name in more}
    longer = attrs.evolve(asking(dict.fromkeys(nulls) | defaults | payload), chart_template_id="price_v2")

    assert mean_the_same(asking(payload), longer, PARAMETERS)
    assert mean_the_same(longer, asking(payload), PARAMETERS)


@given(payload=payloads, name=st.sampled_from([*NAMES, "more"]), value=st.integers(1000) | st.text("xyz", min_size=1))
def test_what_is_not_there_by_default_means_something(payload: dict[str, object], name: str, value: object) -> None:
    """A body in which one value is another, and no default, asks for another picture; so does another symbol."""
    assert not mean_the_same(asking(payload), asking({**payload, name: value}), PARAMETERS)
    assert not mean_the_same(asking(payload), asking(payload, "A:C"), PARAMETERS)


def test_without_a_catalog_just_nulls_mean_nothing() -> None:
    """A default that isn't known is a value like any other; a time zone is always posted."""
    assert mean_the_same(asking({}), asking({"width": None}), ())
    assert not mean_the_same(asking({}), asking({"width": 800}), ())
    assert not mean_the_same(asking({}), asking({"timezone": None}), ())


def test_a_null_within_a_value_is_a_value() -> None:
    """What an object leaves out may have a default of its own."""
    assert not mean_the_same(asking({"override": {}}), asking({"override": {"style": None}}), PARAMETERS)


def test_a_twin_names_the_other_chart() -> None:
    """A person finds both."""
    assert warning(
        "its bytes are those of BINANCE:BTCUSDT 4h price_v1, which was asked for with another body"
    ) == duplicate_of(ChartRequest("BINANCE:BTCUSDT", "4h", "price_v1"))
