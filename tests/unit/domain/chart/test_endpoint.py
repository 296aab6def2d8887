"""The table of the endpoints."""

from __future__ import annotations

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.chart.endpoint import ENDPOINTS, Answer

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
