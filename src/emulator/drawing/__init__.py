"""The picture of a request: a believable chart of invented prices, in TradingView's themes.

``order`` reads the body, ``market`` invents the candles, ``indicators`` and ``studies`` compute the studies, ``panes`` lays
them out, and ``picture`` draws them with ``axes``, ``prices`` and ``legend`` on a ``canvas``, in the colours of a ``theme``.
"""

from __future__ import annotations

from .picture import draw

__all__ = ["draw"]
