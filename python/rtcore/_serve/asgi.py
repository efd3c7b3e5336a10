"""`rtcore.asgi`: an application for another ASGI server on Trio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtcore._ground.asgi import ASGI
from rtcore.config import Config

from .console import Console
from .given import settled
from .served import Served

if TYPE_CHECKING:
    from rtcore.app import App


def asgi(app: App, config: Config | None = None, *, mount: ASGI | None = None, **settings: object) -> Served:
    """The application as an ASGI application, for another ASGI server on Trio.

        site = rtcore.asgi(app)          # hypercorn -k trio module:site

        live = rtcore.asgi(app)          # or inside an application of yours
        site = FastAPI(lifespan=live.lifespan)
        site.mount("/live", live)        # clients connect to /live/rt/ws

    Args:
        app: the application.
        config: the settings; or give them one by one. Those about listening, TLS and logs are the other
            server's business; `host` says on what it listens: while that is loopback alone (the default)
            only loopback names and `hosts` are taken in `Host`.
        mount: an ASGI application for every request that is not rtcore's own. Its lifespan is run too.
        **settings: the settings, named and written as in the file.

    Raises:
        UsageError: what is served or mounted is no such application.
        ConfigError: a setting is unknown or wrong.

    """
    return Served(app, settled(app, config, mount, settings), mount, Console)
