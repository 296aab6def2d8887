"""The OpenAPI description of the gateway tells the truth: a tester of schemas drives each operation by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok

from gateway import Served, gateway
from places import FIXTURES

Operations = dict[str, "schemathesis.schemas.APIOperation"]  # type: ignore[type-arg]  # its parameters are its own
pytestmark = pytest.mark.gate  # the import of the tester takes seconds

OPERATIONS = (
    "POST /v2/tradingview/advanced-chart",
    "POST /v2/tradingview/advanced-chart/storage",
    "POST /v2/tradingview/layout-chart/{layout_id}",
    "POST /v2/tradingview/layout-chart/storage/{layout_id}",
    "GET /charts/{symbol}/{timeframe}/{template}.png",
    "GET /accounts",
    "GET /healthz",
)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Yield a gateway in mock mode."""
    with gateway({"CHARTS_API_MODE": "mock", "CHARTS_FIXTURES_DIR": str(FIXTURES)}) as mocked:
        yield mocked


@pytest.fixture(scope="module")
def operations(served: Served) -> Operations:
    """Return the operations of the description that the gateway serves."""
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    found = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    return {operation.label: operation for operation in found}


def test_each_route_is_described(operations: Operations) -> None:
    """The description has each operation of the gateway."""
    assert set(OPERATIONS) == set(operations)


@pytest.mark.parametrize("label", OPERATIONS)
def test_answers_are_as_described(label: str, served: Served, operations: Operations) -> None:
    """Whatever is asked, right or wrong by the description, the answer has a described status, type and shape."""

    @given(case=operations[label].as_strategy())
    @settings(max_examples=20, suppress_health_check=list(HealthCheck))
    def asked(case: schemathesis.Case) -> None:  # type: ignore[type-arg]  # its parameter is its own
        # A chart that the schema allows may still be refused: the rules for charts are those of the catalog.
        charts_rules = CHECKS.get_by_names(["positive_data_acceptance"])
        case.call_and_validate(base_url=served.url, excluded_checks=charts_rules)  # type: ignore[arg-type]  # their types differ

    asked()
