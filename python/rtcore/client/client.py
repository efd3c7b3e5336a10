"""The client as a program sees it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from typing import Any, Final, TypeVar

import trio

from .asking import Asking
from .entering import Entering
from .errors import ClientClosed, NotConnected
from .flowing import down, up
from .handle import Sent
from .handlers import Handler, Handlers, takes_one
from .machine import Machine
from .monitor import Monitor
from .request import Request
from .room import Room
from .runner import Answer, Runner
from .sharing import Sharing
from .states import State
from .status import Status

GRACE: Final = 5.0
"""Seconds that `close` waits for the answers to what was written."""
A = TypeVar("A", bound=Answer)
H = TypeVar("H", bound=Handler)


class _Watched:
    """The monitor, if there is one: of all who hold the same client."""

    monitor: Monitor | None = None


class Client(Sharing):
    """One session with a server, over whatever connections it takes. Made by `connect`.

    Coroutine methods are cancel points. Everything belongs to the run of Trio in which the client was made.
    """

    def __init__(self, machine: Machine, runner: Runner, *, timeout: float, stored: bool) -> None:
        self._machine, self._runner, self._stored = machine, runner, stored
        self._asking = Asking(machine, runner, timeout=timeout, stored=stored)
        self._entering = Entering(self._asking)
        self._handlers = Handlers()
        self._watched = _Watched()
        self._restored: tuple[Sent, ...] = ()
        self._scope: trio.CancelScope | None = None
        self._closed = trio.Event()

    # -- looking

    @property
    def status(self) -> Status:
        """How it is doing, as of now."""
        machine, box = self._machine, self._machine.sending.box
        return Status(
            machine.state,
            self.transport,
            machine.who.user,
            len(box.queue),
            len(box.written),
            box.foreign(machine.who.user) if machine.sending.owner[0] else 0,
            box.counts.failed,
            machine.error or (None if machine.state is State.LIVE else machine.last_failure),
            *machine.table.counts(),
            self._runner.storage,
        )

    async def changes(self) -> AsyncGenerator[Status, None]:
        """The status, and each other status from then on; what changes while nobody looks is passed over."""
        last: Status | None = None
        while True:
            changed, now = self._runner.changed, self.status
            if now != last:
                last = now
                yield now
            else:
                await changed.wait()

    @property
    def transport(self) -> str:
        """`websocket`, `sse` or `polling`: the one in use, or tried last."""
        return self._machine.transport

    @property
    def session(self) -> str | None:
        """The name of the session; None before the first welcome."""
        return self._machine.who.session

    @property
    def user(self) -> str | None:
        """Who the application says this session belongs to."""
        return self._machine.who.user

    @property
    def position(self) -> str | None:
        """`epoch.seq`: everything up to here was heard, or told as a gap."""
        return self._machine.hearing.position

    @property
    def latency(self) -> float | None:
        """The smoothed round trip in seconds, of the connection in use; None: not measured yet."""
        return self._machine.pulse.smoothed if self._machine.pulse else None

    @property
    def monitor(self) -> Monitor:
        """Figures by window, and a diagnosis. It watches from the first look on."""
        if self._watched.monitor is None:
            self._watched.monitor = Monitor(self._machine, self._runner)
        return self._watched.monitor

    @property
    def restored(self) -> tuple[Sent, ...]:
        """What the outbox held when it was opened, in its order: requests of a process before this one."""
        return self._restored

    def _restore(self, requests: list[Request]) -> None:
        self._restored = tuple(self._asking.handle(request) for request in requests)

    # -- saying

    def send(
        self,
        event: str,
        data: Any = None,
        *,
        key: str | None = None,
        ttl: float | None = None,
        volatile: bool = False,
        drop_key: str | None = None,
    ) -> Sent:
        """Say something to the application, and go on: the handle's stages can be awaited.

        `ttl`: seconds after which it is not written any more. `volatile`: never queued, and never sent again.
        `drop_key`: with `overflow="drop_by_key"`, a newer one with the same takes the place of an older.

        Raises:
            InvalidData: the data cannot be said as JSON.
            NotDone: the outbox is full, or the client is away and the message is volatile.
            ConnectError: the client has ended.

        """
        return self._asking.send(
            "emit", {"event": event}, data, key=key, ttl=ttl, volatile=volatile, hold=drop_key
        )

    async def emit(
        self, event: str, data: Any = None, *, key: str | None = None, timeout: float | None = None
    ) -> Any:
        """Say something to the application, and wait for what its handler answers.

        `timeout` in seconds; the client's, if None. Cancelled, or when the time is over, it is taken back
        if it
        was not written, and else may have been done.

        Raises:
            Rejected: the handler, or the server, said no.
            RequestError: it was not done, or may have been: `maybe_done`.
            InvalidData: the data cannot be said as JSON.

        """
        wait = self._asking.timeout if timeout is None else timeout
        sent = self._asking.send("emit", {"event": event}, data, key=key, timeout=wait)
        return await self._asking.result(sent)

    # -- rooms

    async def join(
        self,
        name: str,
        *,
        last: int | None = None,
        since: str | None = None,
        data: Any = None,
        resume: bool = False,
        timeout: float | None = None,
    ) -> Room:
        """Join a room, and wait for the server's word. The room is joined again by itself after each return.

        `last`: so many of its newest entries come first; `since`: what came after that position. A room that
        the session is in already is joined once, and its history is asked for. `resume`: with an outbox, go
        on from
        where the process before this one had come, if that is known. `timeout` in seconds, None: as long as
        it
        takes.

        Raises:
            Rejected: the application does not let this session in, or there is no such room.
            RequestTimeout: no answer came in time.
            ConnectError: the client has ended.

        """
        state, reader = await self._entering.join(name, last, since, data, timeout, resume=resume)
        return Room(self._entering, state, reader, self._runner.start_soon)

    # -- hearing

    def on(self, event: str | None = None) -> Callable[[H], H]:
        """Call a function with each `Event` of this name that is said to the session, its user, or everybody.

        None: of every name, and with each `Gap`. Handlers are called in order, one at a time, and may call
        anything, also `reconnect` and `close`. What one raises is logged.

        Raises:
            UsageError: the handler does not take one argument.

        """
        self._asking.still()

        def register(handler: H) -> H:
            self._handlers.add(event, handler)
            return handler

        return register

    def off(self, event: str | None, handler: Handler) -> None:
        """Call it no longer."""
        self._handlers.remove(event, handler)

    def _first_heard(self) -> None:
        """Many clients never hear anything outside of rooms: the task for it comes with the first."""
        inbox = self._machine.hearing.inbox
        inbox.wake = None
        if not inbox.over:
            self._runner.start_soon(self._hear)

    async def _hear(self) -> None:
        await self._handlers.serve(self._machine.hearing.inbox, self._entering)

    def answer(self, event: str) -> Callable[[A], A]:
        """Answer the server's requests of this name: the function gets their data, and returns the reply."""
        self._asking.still()

        def register(handler: A) -> A:
            takes_one(handler, "answer")
            self._runner.answers[event] = handler
            return handler

        return register

    # -- streams

    async def stream(self, name: str, data: Any = None) -> AsyncGenerator[Any, None]:
        """The items of a stream of the application's, as fast as they are taken. Leaving the loop cancels it.

        Raises:
            Rejected: the application has no such stream, or its function failed.
            StreamLost: the session is another: it is not opened again by itself.

        """
        self._asking.still()
        async for item in down(self._machine, self._runner, name, data):
            yield item

    async def upload(self, name: str, items: AsyncIterable[Any] | Iterable[Any], data: Any = None) -> Any:
        """Send a stream of the application's its items, as fast as it takes them; what its function returns.

        Goes on over a short drop of the connection. Cancelled, it cancels the stream; so does what `items`
        raises, and that is raised here.

        Raises:
            Rejected: the application has no such stream, or its function failed.
            StreamLost: the session is another: it is not begun again by itself.
            TooLarge: an item is over the server's limit; the stream was cancelled.
            InvalidData: an item cannot be said.

        """
        self._asking.still()
        return await up(self._machine, self._runner, name, items, data)

    # -- coming and going

    def reconnect(self) -> None:
        """Give the connection up and come back at once, though never before the time that the server
        named.
        """
        self._machine.reconnect()
        self._runner.pump()

    def try_now(self) -> None:
        """Do not wait for the next attempt any longer: the network is back, say."""
        self._machine.try_now()
        self._runner.pump()

    async def ready(self, timeout: float | None = None) -> None:
        """Wait until the client is live.

        Raises:
            ConnectError: the client has ended, or `timeout` seconds went by.

        """
        machine = self._machine
        with trio.move_on_after(timeout if timeout is not None else float("inf")):
            while machine.state is not State.LIVE:
                if machine.state is State.ENDED:
                    raise machine.error or ClientClosed("the client was closed")
                await self._runner.changed.wait()
            return
        raise NotConnected(f"not connected within {timeout:g} s: {machine.last_failure or 'no answer'}")

    async def ping(self) -> float:
        """Ask whether the server is there, and give the round trip in seconds.

        Raises:
            ConnectError: the connection was lost before the answer; or the client has ended.

        """
        machine, pulse = self._machine, self._machine.pulse
        count = pulse.answered if pulse is not None else 0
        if pulse is not None and pulse.asked is None:
            machine.ping()
            self._runner.pump()
        while pulse is not None and pulse is machine.pulse and pulse.answered == count:
            await self._runner.changed.wait()
        if pulse is None or pulse.last is None or pulse.answered == count:
            raise machine.error or NotConnected("no connection, so nobody answers a ping")
        return pulse.last

    async def close(self) -> None:
        """Wait for the answers to what was written (5 s), and end.

        The session is ended at the server too, if nothing is left unanswered and nothing is kept on disk.
        """
        box = self._machine.sending.box
        with trio.move_on_after(GRACE):
            while box.written and self._machine.sending.open:
                await self._answered(next(iter(box.written.values())))
        self._machine.hearing.finish()
        await self._end(bye=not box.written and not box.queue and not self._stored)

    async def end(self) -> list[str]:
        """End the session at the server, and give the names of the requests that were given up."""
        given_up = [request.name for request in self._machine.sending.box.all() if not request.ours]
        self._machine.sending.end_all("the session was ended")
        await self._end(bye=True)
        return given_up

    async def _answered(self, request: Request) -> None:
        sent, before = trio.Event(), request.tells

        def tells(one: Request) -> None:
            sent.set()
            if before is not None:
                before(one)

        request.tells = tells
        while not request.ended:
            await sent.wait()
            sent = trio.Event()

    async def _end(self, *, bye: bool) -> None:
        if self._closed.is_set():
            return
        with trio.CancelScope(shield=True):
            await self._runner.flush_store()
            if bye:
                self._machine.bye()
            self._machine.close()
            self._runner.pump()
            with trio.move_on_after(1):
                await self._runner.gone()
            await self._runner.flush_store()
            self._closed.set()
        if self._scope is not None:
            self._scope.cancel()
