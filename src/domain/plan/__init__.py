"""The provider's plans, their limits, and the demand of a chart (API page, "Pricing")."""

from __future__ import annotations

from .plan import UNKNOWN, CallLimits, ChartLimits, Plan, PlanName, largest_limits, smallest_plan

__all__ = ["UNKNOWN", "CallLimits", "ChartLimits", "Plan", "PlanName", "largest_limits", "smallest_plan"]
