"""The manifest of an export as JSON, and its versions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import ConfigError, Finding, Severity
from chartimg.app.export.manifest import ExportFailure, ExportItem, Manifest, picture_names, read_manifest
from chartimg.codec import dump
from chartimg.domain.chart import ChartKey
from chartimg.domain.chart.candle import Candle

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ITEM = ExportItem(
    *("A:B", "1h", "price_v1", "A_B__1h__price_v1.png", 61, "0" * 64, 800, 600),
    from_fixture=False,
    account_id="main",
    calls=1,
    warnings=(Finding("width", Severity.WARNING, 'too "wide"\n, "items": []'),),
    body_sha256="1" * 64,
    taken_at=NOW,
    candle=Candle(NOW, NOW + timedelta(hours=1)),
)
FAILURE = ExportFailure("A:B", "4h", "price_v1", "CHART_API_FAILED", "HTTP 503", available_at=NOW)


@given(
    items=st.lists(st.sampled_from([ITEM, attrs.evolve(ITEM, symbol="C:D", candle=None, kept=True)]), max_size=3),
    failures=st.lists(st.just(FAILURE), max_size=3),
    others=st.lists(st.just(ITEM), max_size=2),
)
def test_the_text_in_pieces_is_the_whole_text(
    items: list[ExportItem], failures: list[ExportFailure], others: list[ExportItem]
) -> None:
    """The pieces make the same JSON as the manifest at once, without an empty list of others, and are read as the manifest."""
    manifest = Manifest(NOW, len(items) + len(failures), tuple(items), tuple(failures), others=tuple(others))
    text = "".join(manifest.text())

    assert (dump(manifest) if others else dump(manifest).replace(',\n  "others": []', "")) == text
    assert manifest == read_manifest(text, where="it")
    assert len(items) == manifest.calls


def test_a_manifest_of_version_1_is_read() -> None:
    """A manifest without the fields of version 2 is read; the digest of a body is unknown in it."""
    value: dict[str, Any] = json.loads("".join(Manifest(NOW, 1, (ITEM,), ()).text()))
    value["schemaVersion"] = 1
    for name in ("bodySha256", "takenAt", "candle", "kept"):
        del value["items"][0][name]
    (item,) = read_manifest(json.dumps(value), where="it").items

    assert attrs.evolve(ITEM, body_sha256=None, taken_at=None, candle=None) == item


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "manifest.json is not JSON: "),
        ("[]", "manifest.json: must be an object"),
        ('{"items": [{"file": 1}]}', "manifest.json, in a part of it"),
        (
            '{"createdAt": "2026-01-05T12:00:00Z", "requested": 0, "items": [], "failures": [], "schemaVersion": 3}',
            "manifest.json has the version 3; this chartimg reads 1 and 2",
        ),
    ],
)
def test_a_text_that_is_no_manifest_is_a_mistake(text: str, message: str) -> None:
    """Other JSON, and another version, are a ConfigError that names the file."""
    with pytest.raises(ConfigError) as caught:
        read_manifest(text, where="manifest.json")

    assert str(caught.value).startswith(message)


@given(
    keys=st.lists(
        st.builds(ChartKey, st.sampled_from(["A:B", "a:b", "A_B"]), st.sampled_from(["1m", "1M"]), st.just("x"))
    )
)
def test_names_differ_by_more_than_case(keys: list[ChartKey]) -> None:
    """Each chart has a file of its own, even if the file system ignores case."""
    names = picture_names(keys)

    assert len(keys) == len(names) == len({name.casefold() for name in names})
