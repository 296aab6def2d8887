"""The picture of a request: a believable chart of invented prices, in TradingView's themes.

- ``order`` reads the body, and ``market`` invents the candles.
- ``indicators`` and ``studies`` compute the studies, and ``panes`` lays them out.
- ``picture`` draws them on a ``canvas`` with ``axes``, ``prices`` and ``legend``, in the colours of a ``theme``.
"""

from __future__ import annotations

from .picture import draw

__all__ = ["draw"]
