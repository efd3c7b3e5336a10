"""What the application has around its serving: its lifespans, in the order of registration."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from rtcore._app.hooks import name_of
from rtcore.errors import UsageError

if TYPE_CHECKING:
    from rtcore.app import App


@asynccontextmanager
async def around(app: App) -> AsyncIterator[None]:
    """Within this the application is served.

    Raises:
        UsageError: a lifespan is no context manager, or did not come to its `yield`.

    """
    async with AsyncExitStack() as stack:
        for function in app.lifespans:
            await _enter(stack, app, function)
        yield


@asynccontextmanager
async def lifespan(app: App, function: Callable[..., Any]) -> AsyncIterator[None]:
    """One of them. Raises what `around` does."""
    async with AsyncExitStack() as stack:
        await _enter(stack, app, function)
        yield


async def _enter(stack: AsyncExitStack, app: App, function: Callable[..., Any]) -> None:
    surrounding = function(app)
    if isinstance(surrounding, AsyncGenerator):  # what it gives decides, however it is wrapped
        generator: AsyncGenerator[Any, None] = surrounding
        surrounding = asynccontextmanager(lambda: generator)()
    if not hasattr(type(surrounding), "__aenter__"):
        raise UsageError(
            f"the lifespan {name_of(function)} gives {surrounding!r}: it is an async generator function with "
            "one `yield`, or gives an async context manager"
        )
    try:
        await stack.enter_async_context(surrounding)
    except RuntimeError as error:
        if str(error) != "generator didn't yield":  # contextlib's words
            raise
        text = f"the lifespan {name_of(function)} ended before its `yield`: there the application is served"
        raise UsageError(text) from error
