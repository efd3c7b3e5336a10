"""The application: what is registered before it is served, and the ways to speak while it is."""

from __future__ import annotations

from ._app.around import Surrounding
from ._app.collecting import Collecting
from ._app.comings import Coming
from ._app.editing import Editing
from ._app.including import Including
from ._app.registering import Registering
from ._app.registry import Registry
from ._app.rooming import Rooming
from ._app.speaking import Speaking
from ._app.spelling import spelt_when_made
from ._app.streaming import Streaming
from ._app.watching import Watching


@spelt_when_made
class App(
    Speaking, Registering, Coming, Rooming, Collecting, Editing, Streaming, Surrounding, Watching, Including
):
    """An application: its handlers, its decisions, its rooms.

    Everything is registered before it is served. Then `room`, `user`, `all` and `sessions` reach its peers.
    """

    def __init__(self) -> None:
        self._registry = Registry()
        self._prefix = ""
        self._engine = None
        self._rooms = {}


App.__module__ = "rtcore"
