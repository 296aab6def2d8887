"""The OpenAPI description of the gateway."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from ...version import __version__

__all__ = ["description"]


@cache
def description() -> bytes:
    """Return the description as JSON."""
    described = json.loads(files(__package__).joinpath("openapi.json").read_text("utf-8"))
    described["info"]["version"] = __version__
    return json.dumps(described).encode()
