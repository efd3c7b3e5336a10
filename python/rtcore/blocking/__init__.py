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

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, overload

import trio

from rtcore.client import Client as AsyncClient
from rtcore.client import Event, Gap, Status
from rtcore.client import Room as AsyncRoom
from rtcore.client import Sent as AsyncSent

from .collection import Collection as Collection
from .loop import Loop, following, of, threaded, within

K = TypeVar("K")
H = TypeVar("H", bound=Callable[[Any], object])


class Sent:
    """A request on its way. Each wait takes a `timeout` in seconds, None for as long as it takes."""

    def __init__(self, loop: Loop, sent: AsyncSent) -> None:
        self._loop, self._sent = loop, sent

    @property
    def name(self) -> str:
        """Its name, which no other request ever has."""
        return self._sent.name

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._sent.done

    @property
    def maybe_done(self) -> bool:
        """Whether the server may have done it, as far as is known now."""
        return self._sent.maybe_done

    def queued(self, timeout: float | None = None) -> None:
        """Wait until it is kept here; with an outbox on disk: committed."""
        self._loop.do(within, timeout, "queueing", lambda: of(self._sent.queued))

    def accepted(self, timeout: float | None = None) -> None:
        """Wait until the server has taken it. Raises a `RequestError`."""
        self._loop.do(within, timeout, "being accepted", lambda: of(self._sent.accepted))

    def applied(self, timeout: float | None = None) -> Any:
        """Wait for its result. Raises a `RequestError`; after a timeout it goes on, and may be waited for
        again.
        """
        return self._loop.do(within, timeout, "the answer", lambda: of(self._sent.applied))

    def take_back(self) -> None:
        """Wait no longer: what was not written is not sent; what was written may have been done."""
        self._loop.call(self._sent.take_back)


class Room:
    """A room that the client is in. Iterating hears: history first, then live."""

    def __init__(self, loop: Loop, room: AsyncRoom) -> None:
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
    def count(self) -> int | None:
        """How many sessions are here; None where the client may not see it."""
        return self._room.count

    @property
    def state(self) -> Any:
        """What the application's state function said."""
        return self._room.state

    @property
    def grants(self) -> tuple[str, ...]:
        """What this session may do here: `publish`, `presence`, `history`."""
        return self._room.grants

    @property
    def joined(self) -> bool:
        """Whether the server has confirmed, on the present connection, that the session is in it."""
        return self._room.joined

    def __iter__(self) -> Iterator[Event | Gap]:
        events = self._loop.call(self._room.__aiter__)
        while True:
            try:
                yield self._loop.do(lambda: following(events))
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
            self._loop.call(lambda: self._room.on(event)(threaded(handler)))
            return handler

        return register

    def leave(self, *, timeout: float | None = None) -> None:
        """Leave."""
        self._loop.do(lambda: self._room.leave(timeout=timeout))


class Client:
    """As `rtcore.Client`, with calls that wait. Made by `connect`."""

    def __init__(self, loop: Loop, client: AsyncClient) -> None:
        self._loop, self._client = loop, client
        self._handlers: dict[Callable[[Any], object], Callable[[Any], Awaitable[object]]] = {}

    @property
    def status(self) -> Status:
        """How it is doing, as of now."""
        return self._loop.call(lambda: self._client.status)

    @property
    def latency(self) -> float | None:
        """Seconds of the smoothed round trip; None: not measured yet."""
        return self._loop.call(lambda: self._client.latency)

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

    @overload
    def collection(self, name: str, kind: type[K], **options: Any) -> Collection[K]: ...
    @overload
    def collection(self, name: str, **options: Any) -> Collection[Any]: ...
    def collection(self, name: str, kind: Any = Any, **options: Any) -> Collection[Any]:
        """As `rtcore.Client.collection`."""
        return Collection(self._loop, self._loop.do(lambda: self._client.collection(name, kind, **options)))

    def sign_out(self, *, discard: bool = False) -> None:
        """As `rtcore.Client.sign_out`."""
        self._loop.do(lambda: self._client.sign_out(discard=discard))

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
            called = self._handlers.setdefault(handler, threaded(handler))
            self._loop.call(lambda: self._client.on(event)(called))
            return handler

        return register

    def off(self, event: str | None, handler: Callable[[Any], object]) -> None:
        """Call it no longer."""
        if (called := self._handlers.get(handler)) is not None:
            self._loop.call(self._client.off, event, called)

    def answer(self, event: str) -> Callable[[H], H]:
        """As `rtcore.Client.answer`; the function is called in a worker thread."""

        def register(handler: H) -> H:
            self._loop.call(lambda: self._client.answer(event)(threaded(handler)))
            return handler

        return register

    def ready(self, timeout: float | None = None) -> None:
        """Wait until the client is live. Raises `ConnectError`."""
        self._loop.do(self._client.ready, timeout)

    def reconnect(self) -> None:
        """Give the connection up and come back at once."""
        self._loop.call(self._client.reconnect)

    def try_now(self) -> None:
        """Do not wait for the next attempt any longer: the network is back, say."""
        self._loop.call(self._client.try_now)

    def ping(self) -> float:
        """Ask whether the server is there, and give the round trip in seconds. Raises `ConnectError`."""
        return self._loop.do(self._client.ping)

    def end(self) -> list[str]:
        """End the session at the server, and give the names of the requests that were given up."""
        return self._loop.do(self._client.end)

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
    loop = Loop()
    client = Client(loop, loop.start(url, options))
    try:
        yield client
    finally:
        loop.stop()


async def _in_thread(items: Iterable[Any]) -> AsyncIterator[Any]:
    each, over = iter(items), object()
    while (item := await trio.to_thread.run_sync(next, each, over)) is not over:
        yield item
