"""The front proxy's process: the API's address and the WebSocket API's, side by side.

`python -m volexlocal.front --port 8004 --socket-port 8005 --gateway URL --outputs FILE`
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from aiohttp import web

from volexlocal import proxy, sockets

PATIENCE = 2.0
"""Seconds that open calls have to end in."""


async def serve(apps: dict[int, web.Application], host: str) -> None:
    """Listen with each application on its port until the process is asked to end."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    runners = {port: web.AppRunner(app, access_log=None, shutdown_timeout=PATIENCE) for port, app in apps.items()}
    try:
        for port, runner in runners.items():
            await runner.setup()
            await web.TCPSite(runner, host, port).start()
        await ended.wait()
    finally:
        for runner in runners.values():
            await runner.cleanup()


def main() -> None:
    """`python -m volexlocal.front`"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="of the API")
    parser.add_argument("--socket-port", type=int, required=True, help="of the WebSocket API")
    parser.add_argument("--gateway", required=True, help="address of the AWS emulator")
    parser.add_argument("--outputs", type=Path, required=True, help="the deployment's outputs")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    apps = {
        arguments.port: proxy.application(arguments.gateway, arguments.outputs),
        arguments.socket_port: sockets.application(arguments.gateway, arguments.outputs),
    }
    asyncio.run(serve(apps, arguments.host))


if __name__ == "__main__":
    main()
