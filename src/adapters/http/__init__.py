"""CHART-IMG over HTTPS with urllib3 (API page, "API v2 TradingView Advanced Chart")."""

from __future__ import annotations

from .transport import Urllib3Transport

__all__ = ["Urllib3Transport"]
