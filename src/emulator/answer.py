"""Requests as received and answers as sent, as values, and the answers of faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from .rules import AcceptedChart
from .scenario import Effect, Fault, Rule
from .storage import StoredPicture

__all__ = ["HttpAnswer", "HttpRequest", "as_json", "content_type_of", "error_answer", "with_fault"]


@attrs.frozen
class HttpRequest:
    """One request as received; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    query: Mapping[str, str] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class HttpAnswer:
    """An answer: *status* with *body*, with the picture of *chart*, or with the address of the *stored* one.

    Attributes:
        latency: seconds to wait before it is sent.
        damage: the fault that it meets on its way.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = MappingProxyType({})
    chart: AcceptedChart | None = None
    stored: StoredPicture | None = None
    latency: float = 0.0
    damage: Fault | None = None


_FAULTY_ANSWERS: Final[Mapping[Fault, HttpAnswer]] = MappingProxyType(
    {
        Fault.SERVER_ERROR: HttpAnswer(500, b'{"message":"Something Went Wrong"}'),
        Fault.UNAVAILABLE: HttpAnswer(503, b'{"message":"Service Unavailable"}'),
        Fault.TIMEOUT: HttpAnswer(504, b'{"message":"External Request Timeout"}'),
        Fault.GATEWAY_TIMEOUT: HttpAnswer(504, b'{"message":"Endpoint request timed out"}'),
        Fault.BAD_GATEWAY: HttpAnswer(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"),
        Fault.SILENT_429: HttpAnswer(429, b"{}"),
        Fault.REDIRECT: HttpAnswer(302, headers={"location": "https://charts.invalid/elsewhere"}),
        Fault.JSON: HttpAnswer(200, b'{"url":"https://charts.invalid/chart.png"}'),
    }
)
"""The answers in place of the right one; every other fault damages the right one on its way."""


def content_type_of(chart: AcceptedChart) -> str:
    """Return the media type of the picture of *chart*."""
    return "image/jpeg" if chart.body["format"] == "jpeg" else "image/png"


def with_fault(answer: HttpAnswer, effect: Effect) -> HttpAnswer:
    """Return *answer* with the fault and the delay of *effect*."""
    match effect.rule:
        case Rule(status=int(status), body=body):
            answer = HttpAnswer(status, b"" if body is None else as_json(body))
        case Rule(fault=Fault() as fault):
            answer = _FAULTY_ANSWERS.get(fault) or attrs.evolve(answer, damage=fault)
    return attrs.evolve(answer, latency=effect.latency) if effect.latency else answer


def error_answer(status: int, message: str, kind: str | None = None) -> HttpAnswer:
    """Return an error in the provider's words."""
    return HttpAnswer(status, as_json({"message": message}), headers={} if kind is None else {"x-amzn-ErrorType": kind})


def as_json(content: object) -> bytes:
    """Return *content* as compact JSON."""
    return json.dumps(content, separators=(",", ":")).encode()
