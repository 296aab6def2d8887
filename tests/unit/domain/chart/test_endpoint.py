"""The table of the endpoints."""

from __future__ import annotations

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.chart.endpoint import (
    ADVANCED_CHART,
    ENDPOINTS,
    EXCHANGE_LISTS,
    LAYOUT_CHART,
    Answer,
    ChartEndpoint,
)
from chartimg.domain.plan.demand import Demand
from rows import for_each

DRAWING = [each for each in ENDPOINTS if each.answer is Answer.PICTURE]


def test_each_endpoint_has_a_path_and_a_folder_of_its_own() -> None:
    """No path and no folder belongs to two endpoints, and the catalog documents each path."""
    documented = {each.path.partition("/<")[0] for each in shipped_catalog().paths}

    assert len(ENDPOINTS) == len({each.folder for each in ENDPOINTS}) == len({each.path for each in ENDPOINTS})
    assert {each.path for each in ENDPOINTS} <= documented


def test_each_endpoint_that_draws_has_a_sibling_that_stores_the_picture() -> None:
    """The sibling takes the same body and the same time; its path is that of the endpoint and ``/storage``."""
    for each in DRAWING:
        assert each.storage in ENDPOINTS
        assert (f"{each.path}/storage", Answer.ADDRESS) == (each.storage.path, each.storage.answer)
        assert each.min_timeout_seconds == each.storage.min_timeout_seconds


def test_the_catalog_knows_the_keys_of_each_endpoint_that_draws() -> None:
    """Each has a table of its own, with the size of the picture in it."""
    tables = [shipped_catalog().rows_of(endpoint) for endpoint in DRAWING]

    assert all({"width", "height", "format"} <= set(table) for table in tables)
    assert len(tables) == len({tuple(table) for table in tables})


@for_each(
    ("endpoint", "folder", "method", "answer", "seconds", "draws_body"),
    [
        (ADVANCED_CHART, "advanced-chart-v2", "POST", "a picture", 0.0, True),
        (LAYOUT_CHART, "layout-chart-v2", "POST", "a picture", 60.0, False),
        (ADVANCED_CHART.storage, "advanced-chart-storage-v2", "POST", "the address of a picture, as JSON", 0.0, True),
        (LAYOUT_CHART.storage, "layout-chart-storage-v2", "POST", "the address of a picture, as JSON", 60.0, False),
        (EXCHANGE_LISTS, "exchange-lists-v3", "GET", "a list, as JSON", 0.0, False),
    ],
)
def test_an_endpoint_is_called_as_documented_and_its_folder_keeps_its_name(
    endpoint: ChartEndpoint, folder: str, method: str, answer: str, seconds: float, *, draws_body: bool
) -> None:
    """A layout has its own symbol and studies, and takes its time; a list is got; the fixtures of hosts lie in the folder."""
    demand = endpoint.demand_of({"width": 900, "studies": [{}], "drawings": [{}, {}]})

    assert (folder, method, answer) == (endpoint.folder, endpoint.method, endpoint.answer.value)
    assert (seconds, draws_body) == (endpoint.min_timeout_seconds, endpoint.needs_symbol)
    assert Demand(900, 600, 1 if draws_body else 0, 2 if draws_body else 0) == demand


def test_only_what_draws_has_a_sibling_that_stores() -> None:
    """Neither a list nor a sibling has one itself."""
    assert set(DRAWING) == {each for each in ENDPOINTS if each.storage is not None}
