"""The command ``chartimg serve``: CHART-IMG over HTTP for hosts in any language."""

from __future__ import annotations

import socket
from importlib.util import find_spec
from typing import Annotated, Final

import typer

from ...address import is_loopback
from ...domain.errors import ConfigError, missing_extra
from ..config import WorkerConfig
from .process import complain

__all__ = ["serve"]

_APP: Final = "chartimg.app.gateway.server:from_env"
_DRAIN_SECONDS: Final = 130  # the longest deadline and some
_LOGGING: Final = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "filters": {"repeated": {"()": "chartimg.app.gateway.repeated.Repeated"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["repeated"]}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
}


def serve(
    *,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8765,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; they share books.")] = 1,
) -> None:
    """Serve CHART-IMG for hosts in any language: they change their base URL and nothing else."""
    if any(find_spec(needed) is None for needed in ("starlette", "uvicorn")):
        raise missing_extra("the gateway", "gateway")
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from ..gateway.protocol import HeadLimitedProtocol
    from ..gateway.settings import TOKENS, read_callers

    config, callers = WorkerConfig.from_env(), read_callers()
    if not is_loopback(host) and not callers:
        raise ConfigError(
            f"--host {host} may be reached from other machines; set {TOKENS} to the callers that may spend your units"
        )
    if workers > 1 and config.account_store == "memory://":
        raise ConfigError("--workers: with CHARTS_ACCOUNT_STORE=memory:// each process would have books of its own")
    listening = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    complain(f"chartimg serves CHART-IMG at http://{shown}:{port} (mode {config.mode}); use it as the base URL")
    settings = uvicorn.Config(
        _APP,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        http=HeadLimitedProtocol,
        ws="none",
        log_config=_LOGGING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    server = uvicorn.Server(settings)
    if workers == 1:
        server.run([listening])
    else:
        Multiprocess(settings, [listening]).run()


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: the address can't be listened on.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family)
    except OSError as error:
        raise ConfigError(f"--host {host} --port {port} can't be listened on: {error.strerror or error}") from None
    # Connections inherit it. Without it the head and the body of an answer are 40 ms apart.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
