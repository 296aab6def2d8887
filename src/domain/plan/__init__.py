"""The provider's plans, and whether one allows what a chart asks of it (API page, "Pricing")."""

from __future__ import annotations

from .plan import UNKNOWN, CallLimits, ChartLimits, Plan, PlanName, largest_limits, smallest_plan

__all__ = ["UNKNOWN", "CallLimits", "ChartLimits", "Plan", "PlanName", "largest_limits", "smallest_plan"]
