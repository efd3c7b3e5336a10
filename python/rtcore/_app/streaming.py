"""What an application registers of streams of items: a part of `App`.

A stream down is an async generator function: what it yields are the items. A stream up is a coroutine
function that takes the items as an async iterator: its result is what came of the stream. Their tasks are
`_turn.streams`'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, TypeVar

from rtcore.errors import UsageError
from rtcore.session import Session

from .handlers import names_of_caller
from .hooks import checked_event, checked_name
from .registry import Registry
from .spelling import spelt
from .stream_handlers import StreamHandler

S = TypeVar("S", bound=Callable[Concatenate[Session, ...], Any])


@spelt
class Streaming:
    """What an application registers of streams: a part of `App`."""

    _registry: Registry
    _prefix: str

    def stream(self, name: str, *, away: float | None = None) -> Callable[[S], S]:
        """Decorator: a stream of items, which a peer opens by its name.

        An async generator function `(session)` or `(session, data)`: items go down. It is asked for its next
        item only while the peer has given credit for it and has not fallen behind. A coroutine function
        `(session, items)` or `(session, data, items)`: items come up, `items` is the async iterator of them
        (`Items`), and its result is told to the peer at the end. The last parameter is always the items.

        `data` is what the peer opened it with. msgspec reads and checks it by its annotation, and items by
        theirs: `items: rtcore.Items[Chunk]`, or `AsyncIterator[Chunk]`.

        Each stream runs as a task of its own. It is cancelled when the peer cancels it or its session ends; a
        generator waits meanwhile at its `yield`, and what it has in `finally` has run before `on_disconnect`
        is called. `Refuse` tells the peer its own code, any other exception `INTERNAL`.

        Args:
            name: 1 to 255 bytes.
            away: seconds for which its peer may be without a connection; then the stream is cancelled, and
                the peer is told `STREAM_LOST` when it is back. For what costs money while nobody reads it.
                None: it goes on, as far as its credit goes, until the session ends.

        Raises:
            UsageError: there is one already, it takes other arguments, a type cannot be read, `away` is no
                number of seconds, or it stands without its name.

        """
        names = names_of_caller()
        checked_event(name, "@app.stream", '@app.stream("name")')
        name = checked_name(self._prefix + name, "@app.stream", '@app.stream("name")')

        def register(function: S) -> S:
            self._registry.open("stream")
            if any(known.name == name for known in self._registry.stream_handlers):
                raise UsageError(f"there is a stream {name!r} already")
            answers = not self._registry.layer.middleware
            self._registry.stream_handlers.append(StreamHandler(name, function, names, away, answers=answers))
            return function

        return register
