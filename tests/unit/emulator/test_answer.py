"""Answers as values."""

from __future__ import annotations

import json

import pytest

from chartimg.emulator.answer import HttpAnswer, as_json, content_type_of, error_answer, with_fault
from chartimg.emulator.rules import AcceptedChart, read_body
from chartimg.emulator.scenario import Effect, Fault, Rule
from rows import for_each

GOOD = HttpAnswer(200, b"picture", "image/png")


@for_each("fault", Fault)
def test_a_fault_replaces_an_answer_or_damages_it(fault: Fault) -> None:
    """Each fault gives another answer, or the right one with its damage."""
    answer = with_fault(GOOD, Effect(rule=Rule(fault)))

    assert answer != GOOD
    assert (answer.body == GOOD.body) == (answer.damage is fault)


def test_a_status_and_a_latency_are_taken_over() -> None:
    """A scripted status comes with its body, and any answer with its latency."""
    scripted = with_fault(GOOD, Effect(1.5, Rule(status=409, body={"message": "no"})))

    assert (409, {"message": "no"}, 1.5) == (scripted.status, json.loads(scripted.body), scripted.latency)
    assert GOOD == with_fault(GOOD, Effect())


@pytest.mark.parametrize(("form", "kind"), [("png", "image/png"), ("jpeg", "image/jpeg")])
def test_a_picture_has_the_type_of_its_format(form: str, kind: str) -> None:
    """The media type follows from the format of the body; an error names its type in a header."""
    chart = read_body(as_json({"format": form}))

    assert isinstance(chart, AcceptedChart)
    assert kind == content_type_of(chart)
    assert {"x-amzn-ErrorType": "E"} == error_answer(403, "no", "E").headers
