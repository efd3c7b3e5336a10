"""A part of an application, in a module of its own: handlers and rooms whose names begin alike."""

from __future__ import annotations

from ._app.around import Surrounding
from ._app.comings import Coming
from ._app.hooks import checked_name
from ._app.including import Includable, Including
from ._app.registering import Registering
from ._app.registry import Registry
from ._app.rooming import Rooming
from ._app.spelling import spelt_when_made
from ._app.streaming import Streaming
from .errors import UsageError


@spelt_when_made
class Router(Includable, Registering, Coming, Rooming, Streaming, Surrounding, Including):
    """Everything that an `App` registers, kept until `app.include(router)`.

    With a prefix each name of an event, a stream and a room (or pattern of rooms) begins with it: of a
    `Router(prefix="chat:")`, `@router.on("say")` is the handler of "chat:say", and `@router.authorize()`
    speaks for "chat:*". Paths of raw sockets, and rooms of rtcore's own, stay as they are.

    A router may include others: their names get its prefix in front of their own. It is included once.
    """

    def __init__(self, *, prefix: str = "") -> None:
        """Make an empty router.

        Args:
            prefix: what names begin with, at most 254 bytes; without `*`, and not beginning with `$`.

        Raises:
            UsageError: the prefix cannot be one.

        """
        if prefix != "":
            checked_name(prefix, "rtcore.Router", 'rtcore.Router(prefix="chat:")')
            if "*" in prefix or prefix.startswith("$"):
                raise UsageError(
                    "the prefix of a router is the beginning of a name, without `*` and without `$` in "
                    f"front; not {prefix!r}"
                )
        self._registry = Registry()
        self._prefix = prefix

    def __repr__(self) -> str:
        return f"Router(prefix={self._prefix!r})"


Router.__module__ = "rtcore"
