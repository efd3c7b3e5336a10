"""The client for programs without Trio: threads, and ordinary calls.

    with rtcore.blocking.connect("https://example.org/rt") as client:
        tea = client.join("tea", last=20)
        client.emit("chat:message", {"room": "tea", "text": "hello"}, timeout=5)
        for event in tea:
            print(event.name, event.data)

One thread of the client's own runs Trio; each call hands its work over and waits. Any thread may call,
several at
a time. Handlers are called in worker threads, one at a time. Errors are those of `rtcore.client`.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import trio

from rtcore.client import Client as AsyncClient
from rtcore.client import ClientClosed, Event, Gap, RequestTimeout, Status
from rtcore.client import Room as AsyncRoom
from rtcore.client import Sent as AsyncSent
from rtcore.client import connect as connect_async

T = TypeVar("T")
H = TypeVar("H", bound=Callable[[Any], object])


class _Loop:
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


def _threaded(handler: Callable[[Any], object]) -> Callable[[Any], Awaitable[object]]:
    """A handler that may block, called in a thread."""

    async def call(item: Any) -> object:
        return await trio.to_thread.run_sync(handler, item)

    return call


async def _within(timeout: float | None, what: str, wait: Callable[[], Awaitable[T]]) -> T:
    with trio.move_on_after(float("inf") if timeout is None else timeout):
        return await wait()
    raise RequestTimeout(f"{what} took longer than {timeout:g} s", maybe_done=True)


class Sent:
    """A request on its way. Each wait takes a `timeout` in seconds, None for as long as it takes."""

    def __init__(self, loop: _Loop, sent: AsyncSent) -> None:
        self._loop, self._sent = loop, sent

    @property
    def name(self) -> str:
        """Its name, which no other request ever has."""
        return self._sent.name

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._sent.done

    def queued(self, timeout: float | None = None) -> None:
        """Wait until it is kept here; with an outbox on disk: committed."""
        self._loop.do(_within, timeout, "queueing", lambda: _of(self._sent.queued))

    def accepted(self, timeout: float | None = None) -> None:
        """Wait until the server has taken it. Raises a `RequestError`."""
        self._loop.do(_within, timeout, "being accepted", lambda: _of(self._sent.accepted))

    def applied(self, timeout: float | None = None) -> Any:
        """Wait for its result. Raises a `RequestError`; after a timeout it goes on, and may be waited for
        again.
        """
        return self._loop.do(_within, timeout, "the answer", lambda: _of(self._sent.applied))

    def take_back(self) -> None:
        """Wait no longer: what was not written is not sent; what was written may have been done."""
        self._loop.call(self._sent.take_back)


async def _next(events: AsyncIterator[Event | Gap]) -> Event | Gap:
    return await anext(events)


async def _of(stage: Awaitable[T]) -> T:
    return await stage


class Room:
    """A room that the client is in. Iterating hears: history first, then live."""

    def __init__(self, loop: _Loop, room: AsyncRoom) -> None:
        self._loop, self._room = loop, room

    def __repr__(self) -> str:
        return repr(self._room)

    @property
    def name(self) -> str:
        """Its name."""
        return self._room.name

    @property
    def members(self) -> list[dict[str, Any]]:
        """Who is here, as `{session, user, info}`."""
        return self._loop.call(lambda: self._room.members)

    @property
    def state(self) -> Any:
        """What the application's state function said."""
        return self._room.state

    def __iter__(self) -> Iterator[Event | Gap]:
        events = self._loop.call(aiter, self._room)
        while True:
            try:
                yield self._loop.do(_next, events)
            except StopAsyncIteration:
                return

    def publish(self, event: str, data: Any = None, **options: Any) -> int | None:
        """As `rtcore.client.Room.publish`."""
        return self._loop.do(lambda: self._room.publish(event, data, **options))

    def history(self, **options: Any) -> tuple[list[Event | Gap], bool]:
        """As `rtcore.client.Room.history`."""
        return self._loop.do(lambda: self._room.history(**options))

    def on(self, event: str | None = None) -> Callable[[H], H]:
        """Call a function, in a worker thread, with each event of this name; None: of every name, and
        gaps.
        """

        def register(handler: H) -> H:
            self._loop.call(lambda: self._room.on(event)(_threaded(handler)))
            return handler

        return register

    def leave(self, *, timeout: float | None = None) -> None:
        """Leave."""
        self._loop.do(lambda: self._room.leave(timeout=timeout))


class Client:
    """As `rtcore.Client`, with calls that wait. Made by `connect`."""

    def __init__(self, loop: _Loop, client: AsyncClient) -> None:
        self._loop, self._client = loop, client

    @property
    def status(self) -> Status:
        """How it is doing, as of now."""
        return self._loop.call(lambda: self._client.status)

    @property
    def transport(self) -> str:
        """The transport in use, or tried last."""
        return self._client.transport

    @property
    def session(self) -> str | None:
        """The name of the session."""
        return self._client.session

    @property
    def user(self) -> str | None:
        """Who the application says this session belongs to."""
        return self._client.user

    @property
    def position(self) -> str | None:
        """`epoch.seq`: everything up to here was heard, or told as a gap."""
        return self._client.position

    @property
    def restored(self) -> list[Sent]:
        """What the outbox held when it was opened."""
        return [Sent(self._loop, sent) for sent in self._client.restored]

    def emit(self, event: str, data: Any = None, **options: Any) -> Any:
        """As `rtcore.Client.emit`."""
        return self._loop.do(lambda: self._client.emit(event, data, **options))

    def send(self, event: str, data: Any = None, **options: Any) -> Sent:
        """As `rtcore.Client.send`."""
        return Sent(self._loop, self._loop.call(lambda: self._client.send(event, data, **options)))

    def join(self, name: str, **options: Any) -> Room:
        """As `rtcore.Client.join`."""
        return Room(self._loop, self._loop.do(lambda: self._client.join(name, **options)))

    def stream(self, name: str, data: Any = None) -> Iterator[Any]:
        """The items of a stream of the application's. Leaving the loop cancels it."""
        items = self._loop.call(self._client.stream, name, data)
        try:
            while True:
                try:
                    yield self._loop.do(items.__anext__)
                except StopAsyncIteration:
                    return
        finally:
            self._loop.do(items.aclose)

    def upload(self, name: str, items: Iterable[Any], data: Any = None) -> Any:
        """As `rtcore.Client.upload`; the items are had from a worker thread."""
        return self._loop.do(lambda: self._client.upload(name, _in_thread(items), data))

    def on(self, event: str | None = None) -> Callable[[H], H]:
        """As `rtcore.Client.on`; the function is called in a worker thread."""

        def register(handler: H) -> H:
            self._loop.call(lambda: self._client.on(event)(_threaded(handler)))
            return handler

        return register

    def answer(self, event: str) -> Callable[[H], H]:
        """As `rtcore.Client.answer`; the function is called in a worker thread."""

        def register(handler: H) -> H:
            self._loop.call(lambda: self._client.answer(event)(_threaded(handler)))
            return handler

        return register

    def ready(self, timeout: float | None = None) -> None:
        """Wait until the client is live. Raises `ConnectError`."""
        self._loop.do(self._client.ready, timeout)

    def reconnect(self) -> None:
        """Give the connection up and come back at once."""
        self._loop.call(self._client.reconnect)

    def close(self) -> None:
        """Wait for the answers to what was written (5 s), and end. Other threads' waits raise
        `ClientClosed`.
        """
        self._loop.stop()


@contextmanager
def connect(url: str, **options: Any) -> Iterator[Client]:
    """A client for as long as the block runs; the options are those of `rtcore.connect`.

    Raises:
        ConnectError: the server cannot be reached in time, or refuses.

    """
    loop = _Loop()
    client = Client(loop, loop.start(url, options))
    try:
        yield client
    finally:
        loop.stop()


async def _in_thread(items: Iterable[Any]) -> AsyncIterator[Any]:
    each, over = iter(items), object()
    while (item := await trio.to_thread.run_sync(next, each, over)) is not over:
        yield item
