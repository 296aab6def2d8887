"""The command ``chartimg mcp``: charts for models, over standard input and output."""

from __future__ import annotations

import logging
import sys

from ...domain.errors import ConfigError, missing_extra
from ..config import WorkerConfig

__all__ = ["mcp"]


def mcp() -> None:
    """Serve charts to a model by the Model Context Protocol, on standard input and output."""
    try:
        from ..mcp.server import serve
    except ModuleNotFoundError:
        raise missing_extra("chartimg mcp", "mcp") from None
    from ..mcp.settings import read_budget

    for name, stream in (("input", sys.stdin), ("output", sys.stdout)):
        if stream is None:
            raise ConfigError(
                f"chartimg mcp is spoken to by standard input and output, but standard {name} is closed; let a client start it"
            )
    config, budget = WorkerConfig.from_env(), read_budget()
    logging.basicConfig(  # the SDK finds it, and configures no other
        format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr, level=logging.WARNING
    )
    serve(config, budget)
