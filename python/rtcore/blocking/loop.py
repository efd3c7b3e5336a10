"""The thread in which a client lives, and how others have things done there."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import trio

from rtcore.client import Client as AsyncClient
from rtcore.client import ClientClosed, RequestTimeout
from rtcore.client import connect as connect_async

T = TypeVar("T")


class Loop:
    """The thread in which the client lives."""

    def __init__(self) -> None:
        self._token: trio.lowlevel.TrioToken | None = None
        self._ready = threading.Event()
        self._stop: trio.Event | None = None
        self._failed: BaseException | None = None
        self.client: AsyncClient | None = None
        self._thread: threading.Thread | None = None

    def start(self, url: str, options: dict[str, Any]) -> AsyncClient:
        """Start it, and wait until the client is ready. Raises what `rtcore.connect` raises."""
        self._thread = threading.Thread(
            target=self._run, args=(url, options), name="rtcore client", daemon=True
        )
        self._thread.start()
        self._ready.wait()
        if self.client is None:
            self._thread.join()
            raise self._failed or ClientClosed("the client did not start")
        return self.client

    def _run(self, url: str, options: dict[str, Any]) -> None:
        try:
            trio.run(self._main, url, options)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits for it
            self._failed = error
        finally:
            self._ready.set()

    async def _main(self, url: str, options: dict[str, Any]) -> None:
        self._stop = trio.Event()
        self._token = trio.lowlevel.current_trio_token()
        async with connect_async(url, **options) as client:
            self.client = client
            self._ready.set()
            await self._stop.wait()

    def do(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Run a coroutine function there, and wait for what it gives."""
        try:
            return trio.from_thread.run(function, *args, trio_token=self._token)
        except (trio.RunFinishedError, trio.Cancelled):
            raise ClientClosed("the client was closed") from None

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """The same for a plain function."""
        try:
            return trio.from_thread.run_sync(function, *args, trio_token=self._token)
        except (trio.RunFinishedError, trio.Cancelled):
            raise ClientClosed("the client was closed") from None

    def stop(self) -> None:
        """End it in good order, and wait for the end."""
        if self._stop is not None and self._thread is not None and self._thread.is_alive():
            with suppress(trio.RunFinishedError):
                trio.from_thread.run_sync(self._stop.set, trio_token=self._token)
            self._thread.join()
        if self._failed is not None and not isinstance(self._failed, ClientClosed):
            raise self._failed


def threaded(handler: Callable[[Any], object]) -> Callable[[Any], Awaitable[object]]:
    """A handler that may block, called in a thread."""

    async def call(item: Any) -> object:
        return await trio.to_thread.run_sync(handler, item)

    return call


async def within(timeout: float | None, what: str, wait: Callable[[], Awaitable[T]]) -> T:
    """Wait so many seconds for what it gives. Raises `RequestTimeout`."""
    with trio.move_on_after(float("inf") if timeout is None else timeout):
        return await wait()
    raise RequestTimeout(f"{what} took longer than {timeout:g} s", maybe_done=True)


async def following(items: AsyncIterator[T]) -> T:
    """The next of them."""
    return await anext(items)


async def of(stage: Awaitable[T]) -> T:
    """What it gives."""
    return await stage
