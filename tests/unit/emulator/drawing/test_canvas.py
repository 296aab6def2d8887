"""The canvas has the right size, fits its texts, and covers whole pixels."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFont

from chartimg.domain.reply.png import Picture, inspect
from chartimg.emulator.drawing.canvas import Canvas

WHITE, RED = (255, 255, 255), (255, 0, 0)
TEXTS = st.text(alphabet=st.characters(), max_size=60)


def pixels(canvas: Canvas) -> Image.Image:
    """Return the canvas as Pillow reads it."""
    return Image.open(io.BytesIO(canvas.encoded("png")))


@pytest.mark.parametrize("size", [(1, 1), (400, 300), (1200, 900)])
def test_a_picture_has_the_size_and_form_asked_for(size: tuple[int, int]) -> None:
    """The size is right, as PNG or JPEG, drawn at three times its size or at twice."""
    canvas = Canvas(*size, WHITE)
    jpeg = Image.open(io.BytesIO(canvas.encoded("jpeg")))

    assert Picture(*size) == inspect(canvas.encoded("png"))
    assert ("JPEG", size) == (jpeg.format, jpeg.size)


def test_ink_is_where_it_belongs() -> None:
    """A box excludes its right and bottom edge, a dashed line has gaps, half opacity mixes, and shapes colour their middle."""
    canvas = Canvas(40, 40, WHITE)
    canvas.box(2, 3, 5, 6, RED)
    canvas.dashes(10, 40, RED)
    canvas.box(2, 15, 5, 18, (*RED, 128))
    canvas.line([(0, 20), (40, 20)], RED, 3)
    canvas.shape([(5, 22), (30, 22), (15, 38)], RED)
    canvas.dot((35, 35), RED)
    picture = pixels(canvas)

    assert [RED, RED, WHITE, WHITE] == [picture.getpixel(at) for at in ((2, 3), (4, 5), (5, 5), (4, 6))]
    assert [RED, WHITE, RED] == [picture.getpixel((x, 10)) for x in (1, 5, 9)]
    assert (255, 127, 127) == picture.getpixel((3, 16))
    assert [RED] * 3 == [picture.getpixel(at) for at in ((20, 20), (15, 26), (35, 34))]


@given(text=TEXTS, room=st.integers(0, 300))
def test_any_text_is_made_to_fit(text: str, room: int) -> None:
    """A fitted text is one line no wider than the room, even with lone surrogates; one over the limit is cut."""
    canvas = Canvas(30, 20, WHITE)
    fitted = canvas.fitted(text, room)

    assert canvas.measure(fitted) <= room
    assert canvas.text((0, 10), fitted, RED) == canvas.measure(fitted)
    assert fitted in {"", canvas.fitted(text, 10_000)} or fitted.endswith("…")
    assert canvas.fitted("i" * 1_000_000, 10_000).endswith("i…")


def test_a_pillow_without_fonts_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names FreeType and the command that installs it."""
    monkeypatch.setattr(ImageFont, "load_default", lambda _size: ImageFont.ImageFont())
    with pytest.raises(OSError, match="FreeType"):
        Canvas(30, 20, WHITE).text((0, 0), "x", RED, size=77)
