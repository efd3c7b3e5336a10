"""Streams of items: what an application registers, and the items that come up.

A stream down is an async generator function: what it yields are the items. A stream up is a coroutine
function that takes the items as an async iterator: its result is what came of the stream. Their tasks are
`_turn.streams`'.
"""

from __future__ import annotations

import collections.abc
import inspect
import typing
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, Self, TypeVar

import trio

from ._app.handlers import (
    data_type,
    invalid,
    is_async,
    is_generator,
    names_of_caller,
    positional,
    reading,
    session_first,
)
from ._app.hooks import checked_name, name_of
from ._data.values import ANYTHING, FAULTS, Decoder
from ._engine import Engine
from ._turn.budget import checkpoint, due
from .errors import Refuse, RemoteError, UsageError

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

REPORT_EVERY: Final = 16
"""Items taken between two words to the core about it; while items wait, the peer's credit may wait, too."""


class Items(Generic[T]):
    """The items of a stream that goes up, in order: `async for item in items`.

    It ends when the peer says that no item follows. A peer that fails raises `RemoteError`, with its code. An
    item that is not of the type raises `Refuse` (`INVALID_MESSAGE`, with every fault named): a handler that
    lets it pass ends the stream with it; one that does not may ask for the next item.

    The peer may send as many items as were taken and a few more, so nothing piles up here: a handler that is
    slow makes a peer that waits. Each item is a cancel point; it is a schedule point when it must be waited
    for, and else after each 64.
    """

    __slots__ = (
        "_closed",
        "_decoder",
        "_engine",
        "_error",
        "_handle",
        "_id",
        "_name",
        "_taken",
        "_task",
        "_waiting",
    )

    def __init__(self, engine: Engine, handle: int, stream: int, name: str, decoder: Decoder) -> None:
        self._engine = engine
        self._handle = handle
        self._id = stream
        self._name = name
        self._decoder = decoder
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._taken = 0  # and not yet reported
        self._closed = False
        self._error: tuple[str, str] | None = None
        self._task: trio.lowlevel.Task | None = None  # which waits for the next item

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """The next item.

        Raises:
            StopAsyncIteration: there is none.
            RemoteError: the peer failed.
            Refuse: the item is not of the type.
            UsageError: another task waits for it already.

        """
        self._engine.here("__anext__")
        if due():
            await checkpoint()
        while not self._waiting:
            self._report()
            if self._closed:
                error, self._error = self._error, None
                if error is not None:
                    raise RemoteError(*error)
                raise StopAsyncIteration
            await self._wait()
        form, data = self._waiting.popleft()
        self._taken += 1
        if self._taken >= REPORT_EVERY:
            self._report()
        try:
            return self._decoder.by_form(form, data)  # type: ignore[no-any-return]
        except FAULTS as error:
            code, text, details = invalid(self._decoder, f"an item of {self._name!r}", form, data, error)
            raise Refuse(code, text, None if details is None else ANYTHING.json(details)) from error

    async def _wait(self) -> None:
        if self._task is not None:
            raise UsageError(f"two tasks wait for the next item of the stream {self._name!r}")
        self._task = trio.lowlevel.current_task()

        def abort(_: object) -> trio.lowlevel.Abort:
            self._task = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def _report(self) -> None:
        """Say how many were taken, so that the peer may send more."""
        if self._taken:
            taken, self._taken = self._taken, 0
            self._engine.core.stream_taken(self._handle, self._id, taken)
            if not self._engine.turning:
                self._engine.wake()

    def _wake(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            trio.lowlevel.reschedule(task)

    def give(self, form: int, data: bytes) -> None:
        """An item came."""
        self._waiting.append((form, data))
        self._wake()

    def close(self, error: tuple[str, str] | None) -> None:
        """No item follows."""
        self._closed = True
        self._error = error
        self._wake()


_ITERATORS: Final = (Items, collections.abc.AsyncIterator, collections.abc.AsyncIterable)


def _item_type(function: Callable[..., Any], names: Mapping[str, Any], at: int) -> Any:
    """The `T` of a parameter `items: Items[T]` or `AsyncIterator[T]`; Any when it is not said."""
    kind = data_type(function, names, at)
    origin = typing.get_origin(kind) or kind
    if kind is Any or origin in _ITERATORS:
        return next(iter(typing.get_args(kind)), Any)
    raise UsageError(
        f"the last parameter of {name_of(function)} takes the items: its type is "
        f"rtcore.Items[...] or AsyncIterator[...], not {kind!r}"
    )


def _decoder(kind: Any, what: str) -> Decoder:
    try:
        return ANYTHING if kind is Any else Decoder(kind)
    except TypeError as error:
        raise UsageError(f"the type of {what} cannot be read: {error}") from error


class StreamHandler:
    """The function of one stream. `bare` ones take no data."""

    __slots__ = ("bare", "decoder", "function", "items", "name", "up")

    def __init__(self, name: str, function: Callable[..., Any], names: Mapping[str, Any]) -> None:
        down = is_generator(function)
        if not down and (inspect.isclass(function) or not is_async(function)):
            raise UsageError(
                f"the stream {name!r} is an async generator function (items go down) or a coroutine function "
                f"(items come up), and {name_of(function)} is neither; what wraps one uses functools.wraps"
            )
        self.name = name
        self.function = function
        self.up = not down
        if down:
            what = f"the stream {name!r} takes (session) or (session, data)"
            self.bare = positional(function, what, 1, 2, ("session", "data")) == 1
            self.items = ANYTHING
        else:
            what = f"the stream {name!r} takes (session, items) or (session, data, items)"
            places = positional(function, what, 2, 3)
            positional(
                function, what, 2, 3, ("session", "data", "items") if places == 3 else ("session", "items")
            )
            self.bare = places == 2
            self.items = _decoder(_item_type(function, names, places - 1), f"the items of {name!r}")
        session_first(function, what, names)
        self.decoder = ANYTHING if self.bare else reading(function, repr(name), names)


class Streaming:
    """What an application registers of streams: a part of `App`."""

    stream_handlers: list[StreamHandler]

    def stream(self, name: str) -> Callable[[F], F]:
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

        Raises:
            UsageError: there is one already, it takes other arguments, a type cannot be read, or it stands
                without its name.

        """
        names = names_of_caller()
        checked_name(name, "@app.stream", '@app.stream("name")')

        def register(function: F) -> F:
            self._open("stream")
            if any(known.name == name for known in self.stream_handlers):
                raise UsageError(f"there is a stream {name!r} already")
            self.stream_handlers.append(StreamHandler(name, function, names))
            return function

        return register

    def _open(self, what: str) -> None:
        raise NotImplementedError


Items.__module__ = "rtcore"
