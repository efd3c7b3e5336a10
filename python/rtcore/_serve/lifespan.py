"""What is around the serving: the lifespans of the application and of what is mounted. Each ends in time."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import trio

from rtcore._app.hooks import name_of
from rtcore._ground.failures import Guard, write
from rtcore._turn.budget import checkpoint
from rtcore.errors import StartError, UsageError

from .stop import Stop, given_up

if TYPE_CHECKING:
    from rtcore.app import App

log = logging.getLogger("rtcore.serve")
_T = TypeVar("_T")


class Surroundings:
    """What is around the serving: entered one after the other, left in the opposite order.

    Each has so many seconds for its end, and its start is given up when shutdown is asked for. Each has a
    cancel scope around it, which is entered before it and left after it: a lifespan may hold a nursery open.
    """

    def __init__(self, stop: Stop, patience: float, ending: Callable[[float], None]) -> None:
        self._stop = stop
        self._patience = patience
        self._ending = ending
        self._stack = contextlib.AsyncExitStack()

    async def enter(self, around: contextlib.AbstractAsyncContextManager[_T]) -> _T:
        """Start one. Cancelled if shutdown is asked for meanwhile; `__aexit__` takes that for a good end."""
        scope = self._stack.enter_context(trio.CancelScope())
        with given_up(self._stop, scope):
            value = await self._stack.enter_async_context(around)
        self._stack.callback(self._begin_end, scope)
        return value

    def _begin_end(self, scope: trio.CancelScope) -> None:
        scope.deadline = trio.current_time() + self._patience
        self._ending(self._patience)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stack.__aexit__(kind, error, trace)


class Lifespan:
    """The lifespan of an ASGI application: started before the first request, ended after the last.

    An application that does not know lifespans raises when it is asked for one, and is served without. What
    is no `Exception` (`SystemExit`) says that it cannot start.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._started, self._ended = trio.Event(), trio.Event()
        self._failure: str | None = None
        self.state: dict[str, Any] = {}

    @contextlib.asynccontextmanager
    async def running(self, patience: float) -> AsyncIterator[dict[str, Any]]:
        """Within this the application is started, and has filled the state that is given.

        `patience` bounds (in seconds) both its start and its end. Raises `StartError` when it says that it
        cannot start, or is not ready in time.
        """
        say, hear = trio.open_memory_channel[dict[str, Any]](2)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._live, hear.receive)
            await say.send({"type": "lifespan.startup"})
            with trio.move_on_after(patience) as wait:
                await self._started.wait()
            if wait.cancelled_caught:
                self._failure = f"it was not ready within {patience:g} s"
            if self._failure is None:
                try:
                    yield self.state
                finally:
                    with trio.move_on_after(patience, shield=True):
                        await say.send({"type": "lifespan.shutdown"})
                        await self._ended.wait()
            nursery.cancel_scope.cancel()
        if self._failure is not None:
            raise StartError(f"the mounted application did not start: {self._failure}")

    async def _live(self, receive: Any) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        with Guard(self._raised):
            await self._app(scope, receive, self._answer)
        self._started.set()
        self._ended.set()

    def _raised(self, error: BaseException) -> None:
        started = self._started.is_set()
        if not started and not isinstance(error, Exception):
            self._failure = f"it raised {type(error).__name__}"
        level = logging.ERROR if started or self._failure is not None else logging.DEBUG
        write(log, level, "the mounted application's lifespan raised", error=error)

    async def _answer(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.failed":
            self._failure = str(message.get("message") or "it gave no reason")
        elif kind == "lifespan.shutdown.failed":
            log.error("the mounted application did not end well: %s", message.get("message"))
        (self._started if kind.startswith("lifespan.startup") else self._ended).set()
        await checkpoint()


@contextlib.asynccontextmanager
async def of_application(app: App, function: Callable[..., Any]) -> AsyncIterator[None]:
    """A lifespan of the application's own: within this it has started.

    Raises:
        UsageError: it is no context manager, or did not come to its `yield`.

    """
    surrounding = function(app)
    if isinstance(surrounding, AsyncGenerator):  # what it gives decides, however it is wrapped
        generator: AsyncGenerator[Any, None] = surrounding
        surrounding = contextlib.asynccontextmanager(lambda: generator)()
    if not hasattr(type(surrounding), "__aenter__"):
        raise UsageError(
            f"the lifespan {name_of(function)} gives {surrounding!r}: it is an async generator function with "
            "one `yield`, or gives an async context manager"
        )
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(surrounding)
        except RuntimeError as error:
            if str(error) != "generator didn't yield":  # contextlib's words
                raise
            text = (
                f"the lifespan {name_of(function)} ended before its `yield`: there the application is served"
            )
            raise UsageError(text) from error
        yield
