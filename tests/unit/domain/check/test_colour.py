"""The provider's notation of a colour."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.check.colour import is_colour
from rows import for_each

CHANNELS = st.integers(0, 255)
ALPHAS = ("0", "1", "0.0", "0.5", ".5", "1.0")


@given(st.tuples(CHANNELS, CHANNELS, CHANNELS), st.sampled_from(ALPHAS), st.sampled_from([",", ", ", " ,", " , "]))
def test_channels_to_255_and_an_alpha_of_one_decimal_are_a_colour(
    channels: tuple[int, int, int], alpha: str, comma: str
) -> None:
    """Any channels and any alpha of one decimal pass, with one space beside a comma."""
    written = comma.join(map(str, channels))

    assert is_colour(f"rgb({written})")
    assert is_colour(f"rgba({written}{comma}{alpha})")


@given(st.tuples(CHANNELS, CHANNELS, st.integers(256, 9999)), st.permutations([0, 1, 2]))
def test_a_channel_over_255_is_not_a_colour(channels: tuple[int, int, int], order: list[int]) -> None:
    """One channel that is too large spoils the colour, at any place."""
    red, green, blue = (channels[place] for place in order)

    assert not is_colour(f"rgb({red},{green},{blue})")
    assert not is_colour(f"rgba({red},{green},{blue},0.5)")


@given(st.integers(2, 6).flatmap(lambda places: st.integers(0, 10**places - 1).map(lambda part: f"{part:0{places}}")))
def test_an_alpha_of_more_decimals_is_not_a_colour(decimals: str) -> None:
    """Two decimals or more are refused, also if they are zeros."""
    assert not is_colour(f"rgba(1,2,3,0.{decimals})")


@for_each(
    "text",
    [
        *(
            "",
            "red",
            "#fff",
            "#2196f3",
            "rgb(1,2)",
            "rgb(1,2,3,0.5)",
            "rgba(1,2,3)",
            "rgba(1,2,3,1.1)",
            "rgba(1,2,3,2)",
        ),
        *("rgb(1,2,3", "rgb(1,2,3) ", "RGB(1,2,3)", "rgb(-1,2,3)", "rgb(1.5,2,3)", "rgb(٣,2,3)", "rgba(1,2,3,50%)"),
        *("rgb(1 2 3)", "hsl(1,2,3)", "rgba(1,2,3,)", "rgb(1,,3)"),
    ],
)
def test_another_notation_is_not_a_colour(text: str) -> None:
    """Names, hexadecimal digits, missing and further numbers are refused."""
    assert not is_colour(text)
