"""All that one exchange with the provider, or with the fixtures, can yield."""

from __future__ import annotations

from .reply import Reply, TransportFailure

__all__ = ["Reply", "TransportFailure"]
