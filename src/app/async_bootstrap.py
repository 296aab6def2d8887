"""The public constructor of the asynchronous client. It is not in ``bootstrap``, since it alone imports asyncio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self, Unpack

from ..domain.account import Account
from ..domain.argument import require
from ..domain.errors import ConfigError
from ..domain.ports import Transport
from .async_client import AsyncClient
from .bootstrap import Options, open_routes, refuse_unknown
from .config import WorkerConfig
from .pool import Pool
from .workers import Workers

__all__ = ["AsyncChartClient"]


class AsyncChartClient(AsyncClient):
    """Fetches charts like :class:`ChartClient`, for callers on one event loop.

    Args:
        config: the settings.
        transport: any :class:`chartimg.domain.ports.Transport`, instead of a config. It blocks, in a worker thread.
        accounts: as for :class:`ChartClient`.
        in_flight: worker threads at most, so also calls at once. Waits need none.
        options: the other arguments of :class:`ChartClient`.

    Raises:
        ConfigError: as for :class:`ChartClient`.
    """

    def __init__(
        self,
        config: WorkerConfig | None = None,
        *,
        transport: Transport | None = None,
        accounts: Pool | Sequence[Account] | None = None,
        in_flight: int = 32,
        **options: Unpack[Options],
    ) -> None:
        refuse_unknown(options)
        require("in_flight", in_flight, int)
        if in_flight < 1:
            raise ConfigError(f"in_flight must be at least 1, not {in_flight}")
        super().__init__(open_routes(config, transport, accounts, **options), Workers(in_flight))

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, in_flight: int = 32, **options: Unpack[Options]
    ) -> Self:
        """Build a client from environment variables, by default those of the process. *options* win over variables.

        Raises:
            ConfigError: with one line for every mistake in the settings.
        """
        return cls(WorkerConfig.from_env(environ), in_flight=in_flight, **options)
