"""The PNG check: the size of a whole valid picture, or a phrase about its fault."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chartimg.domain.reply.png import Header, Picture, image_data, inspect, read_header
from rows import for_each

SIGNATURE = b"\x89PNG\r\n\x1a\n"
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Write a chunk with its checksum."""
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def header(width: int = 4, height: int = 3, depth: int = 8, colour: int = 2, rest: bytes = b"\0\0\0") -> bytes:
    """Write IHDR."""
    return chunk(b"IHDR", width.to_bytes(4) + height.to_bytes(4) + bytes([depth, colour]) + rest)


DATA = zlib.compress(b"the picture's rows, which nobody inflates")
PALETTE = chunk(b"PLTE", bytes(range(6)))
IDAT, IEND = chunk(b"IDAT", DATA), chunk(b"IEND")
PNG = SIGNATURE + header() + chunk(b"tEXt", b"a\0b") + IDAT + IEND


@st.composite
def pngs(draw: st.DrawFn) -> tuple[bytes, Picture]:
    """Write any PNG that is legal as far as it is checked."""
    colour = draw(st.sampled_from(sorted(DEPTHS)))
    depth = draw(st.sampled_from(DEPTHS[colour]))
    size = draw(st.integers(1, 2**31 - 1)), draw(st.integers(1, 2**31 - 1))
    ancillary = st.lists(st.binary(max_size=9).map(lambda data: chunk(b"tEXt", data)), max_size=2).map(b"".join)
    cuts = sorted(draw(st.lists(st.integers(0, len(DATA)), max_size=4)))
    pieces = [DATA[start:end] for start, end in zip([0, *cuts], [*cuts, len(DATA)], strict=True)]
    entries = draw(st.integers(1, 2**depth if colour == 3 else 256))
    palette = chunk(b"PLTE", bytes(entries * 3)) if colour == 3 or (colour in {2, 6} and draw(st.booleans())) else b""
    parts = (
        SIGNATURE,
        header(*size, depth, colour, bytes([0, 0, draw(st.integers(0, 1))])),
        draw(ancillary),
        palette,
        draw(ancillary),
        *(chunk(b"IDAT", piece) for piece in pieces),
        draw(ancillary),
        IEND,
    )
    return b"".join(parts), Picture(*size)


@given(png=pngs())
def test_every_legal_picture_is_accepted_and_read(png: tuple[bytes, Picture]) -> None:
    """A PNG of any colour type, palette and chunks is a picture of its size; IHDR and all image data are read in order."""
    data, picture = png
    _, depth, colour, _, _, interlaced = data[23:29]

    assert picture == inspect(data)
    assert picture == inspect(memoryview(data))
    assert Header(picture.width, picture.height, depth, colour, bool(interlaced)) == read_header(data)
    assert DATA == b"".join(image_data(data))


def test_each_colour_type_has_its_depths() -> None:
    """The legal pairs of colour type and depth are those of the specification, and no others."""
    pairs = [(colour, depth) for colour in range(8) for depth in range(18)]
    legal = [
        (colour, depth)
        for colour, depth in pairs
        if not isinstance(inspect(SIGNATURE + header(colour=colour, depth=depth) + PALETTE + IDAT + IEND), str)
        or not isinstance(inspect(SIGNATURE + header(colour=colour, depth=depth) + IDAT + IEND), str)
    ]

    assert [(colour, depth) for colour, depths in DEPTHS.items() for depth in depths] == legal


@for_each("window", range(9, 16))
@for_each("level", [0, 1, 6, 9])
@for_each("cut", [0, 1, 2])
def test_image_data_is_any_zlib_stream(window: int, level: int, cut: int) -> None:
    """Image data of any window and level is legal, also if its head is split over two chunks."""
    packer = zlib.compressobj(level, wbits=window)
    data = packer.compress(b"rows") + packer.flush()
    parts = chunk(b"IDAT", data[:cut]) + chunk(b"IDAT", data[cut:])

    assert Picture(4, 3) == inspect(SIGNATURE + header() + parts + IEND)


@pytest.mark.parametrize("depth", DEPTHS[3])
def test_a_palette_has_a_colour_for_each_index_at_most(depth: int) -> None:
    """A palette of 2**depth entries is legal, and one entry more is not."""
    full, larger = (
        SIGNATURE + header(depth=depth, colour=3) + chunk(b"PLTE", bytes(3 * entries)) + IDAT + IEND
        for entries in (2**depth, 2**depth + 1)
    )

    assert (Picture(4, 3), "its PLTE has an impossible length") == (inspect(full), inspect(larger))


@given(png=pngs(), data=st.data())
def test_no_damage_goes_unnoticed(png: tuple[bytes, Picture], data: st.DataObject) -> None:
    """A picture with any one byte changed, by one bit or more, or cut off anywhere, is refused."""
    whole, place = bytearray(png[0]), data.draw(st.integers(0, len(png[0]) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))

    assert isinstance(inspect(bytes(whole)), str)
    assert isinstance(inspect(png[0][:place]), str)


@given(
    more=st.binary(min_size=1).filter(lambda more: more.strip(b"\0\t\n\r ")) | st.just(b" " * 65) | st.just(PNG),
    padding=st.text("\0\t\n\r ", max_size=64).map(str.encode),
)
@example(more=b"\n" * 65, padding=b"\n" * 64)
def test_only_padding_may_follow_the_end(more: bytes, padding: bytes) -> None:
    """A picture is whole if a few line breaks, spaces or zero bytes follow IEND; other data is damage at a named place."""
    assert Picture(4, 3) == inspect(PNG + padding)
    assert f"data follows IEND at byte {len(PNG)}" == inspect(PNG + more)


@given(data=st.one_of(st.binary(), st.binary().map(lambda data: SIGNATURE + data)))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    """Any bytes are refused with a phrase, and read to an end without an error."""
    assert isinstance(inspect(data), str)
    assert read_header(data) is None
    assert sum(map(len, image_data(data))) <= len(data)


METHOD = "IHDR states an unknown compression, filter or interlace method"
HEADS = (b"", b"\x78", b"\x78\x9d", b"\x79\x95", b"\x88\x1c", b"\x78\xbb")


@for_each(
    ("data", "phrase"),
    [
        (b"", "it is empty"),
        (b"<html>", "it does not begin with the PNG signature"),
        (SIGNATURE, "it has no IEND"),
        (SIGNATURE + b"\0\0", "it is cut off at byte 10"),
        (SIGNATURE + IDAT + IEND, "its first chunk is not a legal IHDR"),
        (SIGNATURE + chunk(b"IHDR", b"short") + IEND, "its first chunk is not a legal IHDR"),
        (SIGNATURE + header(width=0) + IDAT + IEND, "IHDR states an impossible size: 0 x 3"),
        (SIGNATURE + header(height=0) + IDAT + IEND, "IHDR states an impossible size: 4 x 0"),
        (SIGNATURE + header(height=2**31) + IDAT + IEND, "IHDR states an impossible size: 4 x 2147483648"),
        (SIGNATURE + header(depth=3) + IDAT + IEND, "IHDR states an impossible colour: type 2 with 3 bits"),
        (SIGNATURE + header(colour=1) + IDAT + IEND, "IHDR states an impossible colour: type 1 with 8 bits"),
        *((SIGNATURE + header(rest=rest) + IDAT + IEND, METHOD) for rest in (b"\1\0\0", b"\0\1\0", b"\0\0\2")),
        (SIGNATURE + header() + IEND, "it has no IDAT"),
        *(
            (SIGNATURE + header() + chunk(b"IDAT", head) + IEND, "its IDAT does not begin a zlib stream")
            for head in HEADS
        ),
        (SIGNATURE + header() + IDAT + chunk(b"tEXt") + IDAT + IEND, "its IDAT chunks are not consecutive"),
        (SIGNATURE + header() + IDAT + chunk(b"IEND", b"x"), "its IEND is not empty"),
        (SIGNATURE + header() + header() + IDAT + IEND, "it has the unknown critical chunk IHDR"),
        (SIGNATURE + header() + chunk(b"ABCD") + IDAT + IEND, "it has the unknown critical chunk ABCD"),
        (SIGNATURE + header() + chunk(b"Abcd") + IDAT + IEND, "it has the unknown critical chunk Abcd"),
        (SIGNATURE + header(colour=3) + IDAT + IEND, "it has indexed colours and no PLTE before IDAT"),
        (SIGNATURE + header() + chunk(b"PLTE", bytes(4)) + IDAT + IEND, "its PLTE has an impossible length"),
        (SIGNATURE + header() + chunk(b"PLTE") + IDAT + IEND, "its PLTE has an impossible length"),
        (SIGNATURE + header() + chunk(b"PLTE", bytes(257 * 3)) + IDAT + IEND, "its PLTE has an impossible length"),
        (SIGNATURE + header() + PALETTE + PALETTE + IDAT + IEND, "its PLTE is in the wrong place"),
        (SIGNATURE + header() + IDAT + PALETTE + IEND, "its PLTE is in the wrong place"),
        (SIGNATURE + header(colour=0) + PALETTE + IDAT + IEND, "its PLTE is in the wrong place"),
        (SIGNATURE + header(colour=4) + PALETTE + IDAT + IEND, "its PLTE is in the wrong place"),
        (SIGNATURE + b"\xff\xff\xff\xffIHDR" + bytes(20), "the head of the chunk at byte 8 is not legal"),
        (SIGNATURE + b"\x7f\xff\xff\xffIHDR" + bytes(20), "it is cut off at byte 36, inside IHDR"),
        (SIGNATURE + chunk(b"I\0DR", bytes(13)), "the head of the chunk at byte 8 is not legal"),
        (SIGNATURE + header() + (5000).to_bytes(4) + b"IDAT" + bytes(20), "it is cut off at byte 61, inside IDAT"),
        (PNG[:-1] + b"\0", "the checksum of IEND at byte 109 is wrong"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, phrase: str) -> None:
    """A picture that breaks one rule is refused with the phrase of that rule."""
    assert phrase == inspect(data)
