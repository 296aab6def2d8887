"""The table of the endpoints that draw."""

from __future__ import annotations

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.chart.endpoint import ENDPOINTS


def test_each_endpoint_has_paths_and_a_folder_of_its_own() -> None:
    """No path and no folder belongs to two endpoints, and the catalog documents each path."""
    documented = {each.path.removesuffix("/<LAYOUT_ID>") for each in shipped_catalog().paths}

    assert len(ENDPOINTS) == len({each.folder for each in ENDPOINTS})
    assert {path for each in ENDPOINTS for path in (each.path, each.storage_path)} <= documented


def test_the_catalog_knows_the_keys_of_each_endpoint() -> None:
    """Each endpoint has a table of its own, with the size of the picture in it."""
    tables = [shipped_catalog().rows_of(endpoint) for endpoint in ENDPOINTS]

    assert all({"width", "height", "format"} <= set(table) for table in tables)
    assert len(tables) == len({tuple(table) for table in tables})
