"""An application of starlette that answers each post with one picture: the part of a gateway's time that is the framework's.

``python benchmarks/bare.py PORT PICTURE`` serves it with two workers.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request  # noqa: TC002 (starlette reads the signature)
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.supervisors import Multiprocess


def app() -> Starlette:
    """Return the application."""
    picture = Path(os.environ["BARE_PICTURE"]).read_bytes()

    async def chart(request: Request) -> Response:
        """Answer the picture."""
        await request.body()
        return Response(picture, media_type="image/png")

    return Starlette(routes=[Route("/v2/tradingview/advanced-chart", chart, methods=["POST"])])


def main() -> None:
    """Serve until SIGTERM."""
    os.environ["BARE_PICTURE"] = sys.argv[2]
    settings = uvicorn.Config(f"{Path(__file__).stem}:app", factory=True, workers=2, http="h11", access_log=False)
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as the gateway does
        Multiprocess(settings, [listening]).run()


if __name__ == "__main__":
    main()
