"""The outcome of one exchange: a reply or a failure, and how to read it."""

from __future__ import annotations

from .reply import OK, Reply, TransportFailure

__all__ = ["OK", "Reply", "TransportFailure"]
