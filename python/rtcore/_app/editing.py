"""Texts for clients that speak as y-websocket's does: a part of `App`."""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from rtcore._turn.yjs import hubs_of, refuse
from rtcore.errors import Forbidden, Refuse, UsageError
from rtcore.raw import RawSocket

from .handlers import positional
from .hooks import name_of
from .spelling import spelt
from .texts import SharedText

F = TypeVar("F", bound=Callable[..., Any])
Y = TypeVar("Y", bound=Callable[[RawSocket, str], SharedText | Awaitable[SharedText | None] | None])


@spelt
class Editing:
    """Raw sockets on which texts are edited."""

    if TYPE_CHECKING:

        def websocket(self, path: str, *, max_message: int | None = None) -> Callable[[F], F]: ...

    def yjs(self, path: str, *, max_message: int | None = None) -> Callable[[Y], Y]:
        """Decorator: texts for y-websocket's own client. `(socket, name) -> SharedText | None`.

            @app.yjs("/yjs/*")
            def text_of(socket, name):
                return app.collection("pages:home").text(name, "body")

        The function, plain or a coroutine function, decides: what it gives is edited, None and `Refuse`
        refuse.
        `name` is what stands in the place of the `*`, decoded. Nobody was authenticated: look at
        `socket.query` and `socket.headers`, as for any raw socket. `may` of the collection is not asked;
        `text(..., writable=False)` is for who may only read.

        Args:
            path: as of `@app.websocket`, mostly one that ends with `/*`.
            max_message: longest message in bytes; None: the limit `max_message`.

        Raises:
            UsageError: the path has one already, it takes other arguments, or it stands without its path.

        """

        def register(function: Y) -> Y:
            positional(function, f"who says which text is edited at {path!r} takes (socket, name)", 2, 2)

            @functools.wraps(function)
            async def edit(socket: RawSocket) -> None:
                name = unquote(socket.path[len(path) - 1 :]) if path.endswith("/*") else ""
                try:
                    text = function(socket, name)
                    if isinstance(text, Awaitable):
                        text = await text
                except Refuse as error:
                    await refuse(socket, error)
                    return
                if text is None:
                    await refuse(socket, Forbidden("this text may not be edited from here"))
                    return
                if not isinstance(text, SharedText):
                    raise UsageError(
                        f"{name_of(function)} gives a text of a collection, as "
                        f'`app.collection("pages:home").text("p1", "body")`, or None; not {text!r}'
                    )
                await hubs_of(socket._engine).serve(socket, text)

            del edit.__wrapped__  # it takes the socket alone
            self.websocket(path, max_message=max_message)(edit)
            return function

        return register
