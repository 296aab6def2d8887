"""The command ``chartimg`` (extra ``cli``): one module for each group of commands."""

from __future__ import annotations

from .main import app, run

__all__ = ["app", "run"]
