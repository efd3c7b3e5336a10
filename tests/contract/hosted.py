"""rtcore below another server: `rtcore.asgi(app)`, served by Hypercorn's Trio worker on a free port.

Run as a script, in the folder of the application: `hosted.py app:app --limit name=value …`. It prints where
it listens, and ends on SIGTERM.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from functools import partial

import trio
from hypercorn.config import Config
from hypercorn.trio import serve

import rtcore


async def main(app: rtcore.App, limits: dict[str, int], data: str | None) -> None:
    """Serve until told to end."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.accesslog = config.errorlog = None
    config.graceful_timeout = 2.0
    stop = trio.Event()
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            binds = await nursery.start(
                partial(
                    serve,
                    rtcore.asgi(app, limits=limits, data=data),
                    config,
                    shutdown_trigger=stop.wait,
                    mode="asgi",
                )
            )
            print(f"below Hypercorn on http://127.0.0.1:{binds[0].rpartition(':')[2]}", flush=True)
            async for _ in signals:
                stop.set()
                return


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("app")
    parser.add_argument("--port", type=int, choices=[0])
    parser.add_argument("--limit", action="append", default=[])
    parser.add_argument("--data")
    given = parser.parse_args()
    sys.path.insert(0, ".")
    module, _, name = given.app.partition(":")
    pairs = (limit.split("=") for limit in given.limit)
    limits = {key: int(value) for key, value in pairs}
    trio.run(main, getattr(importlib.import_module(module), name), limits, given.data)
