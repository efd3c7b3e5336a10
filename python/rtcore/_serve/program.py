"""Serving as a program: with its log, its line on the standard output, and an end that is sure to come."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING

import trio

from rtcore._ground.asgi import ASGI
from rtcore.config import Config

from .given import settled
from .last_words import into_the_log
from .listeners import Address
from .logs import announce, keep_standard_streams, set_up_logging
from .serve import serve_here
from .signals import LastResort, deaf_at_the_end
from .stop import Stop

if TYPE_CHECKING:
    from rtcore.app import App


def run(app: App, config: Config | None = None, *, mount: ASGI | None = None, **settings: object) -> None:
    """Serve an application, as a program: `rtcore.run(app, port=9000)`. Returns after a clean shutdown.

    Says on the standard output where it serves, and logs as the configuration says, unless logging is set up
    already. In the main thread it ends the process, with status 0, if something does not end within a second
    after it was cancelled, at a third signal, and at one that comes after it.

    Raises:
        UsageError: what is served or mounted is no such application.
        ConfigError: a setting is unknown or wrong.
        StartError: an address is in use, or the mounted application does not start.

    """
    resort = run_program(app, settled(app, config, mount, settings), mount)
    if resort is not None:
        resort.close()


def run_program(app: App, config: Config, mount: ASGI | None) -> LastResort | None:
    """The same for a program that ends then, too: the last resort is still there, and may be told to wait."""
    keep_standard_streams()
    mine = not logging.root.handlers
    set_up_logging(config.log_level, config.log_format)
    if mine and config.log_format == "json":
        into_the_log()
    here = threading.current_thread() is threading.main_thread()
    resort = LastResort(config.grace + config.shutdown_delay) if here else None
    if here:
        deaf_at_the_end()
    try:
        trio.run(partial(_announced, app, config, mount, resort))
    except BaseException:
        if resort is not None:
            resort.close()
        raise
    return resort


async def _announced(app: App, config: Config, mount: ASGI | None, resort: LastResort | None) -> None:
    async with trio.open_nursery() as nursery:
        serving = partial(serve_here, app, config, mount, Stop(), signals=True, resort=resort)
        addresses: list[Address] = await nursery.start(serving)
        if addresses:
            announce(f"rtcore serves {' '.join(map(str, addresses))}")
