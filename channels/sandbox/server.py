"""Start and stop: `run(Options(...))` serves until SIGTERM or SIGINT."""

import asyncio
import errno
import gc
import signal
import socket
import sys
from dataclasses import replace

from aiohttp import web

from .app import DIALECTS, create_app
from .options import Options

BACKLOG = 2048

# Requests that hang on purpose are cut, so the server need not wait for them.
STOP_SECONDS = 0.3


def run(options: Options) -> None:
    """Serve until told to stop. Raises SystemExit(1), with one line on stderr, without a port."""
    try:
        listener = socket.create_server((options.host, options.port), backlog=BACKLOG)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "the port is taken" if taken else error.strerror or str(error)
        where = f"{options.host}:{options.port}"
        print(f"sandbox upstream cannot listen on {where}: {reason}", file=sys.stderr)
        raise SystemExit(1) from None
    asyncio.run(_serve(replace(options, port=listener.getsockname()[1]), listener))
    # The process ends now. Without this Python walks through all tasks once more before it goes,
    # two seconds for a hundred thousand.
    gc.freeze()


async def _serve(options: Options, listener: socket.socket) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    # Without an access log: writing it costs more than most answers.
    runner = web.AppRunner(create_app(options), access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, listener, backlog=BACKLOG).start()
        for dialect in DIALECTS:
            print(f"sandbox upstream listens on {options.address}{dialect.base}", flush=True)
        await stopped.wait()
    finally:
        await runner.cleanup()
