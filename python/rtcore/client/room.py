"""A room that the client is in."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio
from trio.lowlevel import current_task

from rtcore._ground.peer import Ready

from .asking import BREATH
from .bell import Bell
from .entering import Entering
from .errors import ClientError
from .event import Event, Gap
from .handlers import Handler, Handlers
from .reader import Reader
from .rooms import RoomState

log = logging.getLogger("rtcore.client")
H = TypeVar("H", bound=Handler)


class RoomEvents:
    """An async iterator of what is heard in one room: `Event`, and `Gap` where something is missing.

    Each next item is a cancel point; cancelled, it has taken nothing.
    """

    def __init__(self, entering: Entering, reader: Reader, give_back: Callable[[Reader], None]) -> None:
        self._entering, self._reader, self._give_back, self._bell = entering, reader, give_back, Bell()
        self._breath = BREATH
        reader.wake = self._bell.ring

    def __aiter__(self) -> RoomEvents:
        return self

    def __anext__(self) -> Awaitable[Event | Gap]:
        # What is here already costs no coroutine; each `BREATH`th time others have their turn.
        self._breath -= 1
        if self._breath > 0 and not current_task()._cancel_status.effectively_cancelled:  # noqa: SLF001
            item = self._reader.take()
            if self._reader.hole:
                self._entering.taken(self._reader)
            if item is not None:
                return Ready(item)
        return self._next()

    async def _next(self) -> Event | Gap:
        await trio.lowlevel.checkpoint_if_cancelled()
        waited = self._breath > 0
        self._breath = BREATH
        while True:
            self._bell.silent()
            item = self._reader.take()
            self._entering.taken(self._reader)
            if item is not None:
                if not waited:
                    await trio.lowlevel.cancel_shielded_checkpoint()
                return item
            if self._reader.over and not len(self._reader):
                if self._reader.ended is not None:
                    raise self._reader.ended
                raise StopAsyncIteration
            if not len(self._reader):
                waited = True
                await self._bell.wait()

    def __del__(self) -> None:
        # What was not taken waits for the next who asks.
        self._reader.wake = None
        self._give_back(self._reader)


class Room:
    """A room as one `join` of the program sees it. `async for event in room` hears: history first, then live.

    Two iterators of one room each get all of it. What nobody has asked for yet waits, within a bound (1,024
    events or 1 MiB); what is over it is had from the server's history afterwards, or is a `Gap`.
    """

    def __init__(
        self, entering: Entering, state: RoomState, reader: Reader, start_soon: Callable[..., None]
    ) -> None:
        self._entering, self._state, self._start_soon = entering, state, start_soon
        self._waiting: Reader | None = reader
        self._handlers: Handlers | None = None
        self._left = False

    def __repr__(self) -> str:
        return f"<Room {self.name!r}>"

    @property
    def name(self) -> str:
        """Its name."""
        return self._state.name

    @property
    def members(self) -> list[dict[str, Any]]:
        """Who is here, as `{session, user, info}`: as of the last word from the server."""
        return list(self._state.members.values())

    @property
    def count(self) -> int | None:
        """How many sessions are here; None where the client may not see it."""
        return self._state.count

    @property
    def state(self) -> Any:
        """What the application's state function said with the join, or at the last return."""
        return self._state.state

    @property
    def grants(self) -> tuple[str, ...]:
        """What this session may do here: `publish`, `presence`, `history`."""
        return self._state.grants

    @property
    def joined(self) -> bool:
        """Whether the server has confirmed, on the present connection, that the session is in it."""
        return self._state.confirmed and self._state.member

    def __aiter__(self) -> RoomEvents:
        reader, self._waiting = self._waiting, None
        if reader is None:
            reader = Reader(self.name, self._state.start)
            reader.lack(self._state.mark)
            if self._state.member:
                self._state.readers.append(reader)
            else:
                reader.end()
        return RoomEvents(self._entering, reader, self._give_back)

    def _give_back(self, reader: Reader) -> None:
        if self._waiting is None and not self._left and not reader.over:
            self._waiting = reader
        else:
            if reader in self._state.readers:
                self._state.readers.remove(reader)
            reader.end()

    def on(self, event: str | None = None) -> Callable[[H], H]:
        """Call a function with each `Event` of this name (None: of every name, and with each `Gap`), in
        order.

            @tea.on("say")
            async def said(event: rtcore.client.Event) -> None: ...

        A handler may be a plain function or a coroutine function, and may call anything. What it raises is
        logged, and the next event comes.

        Raises:
            UsageError: the handler does not take one argument.

        """

        def register(handler: H) -> H:
            if self._handlers is None:
                self._handlers = Handlers()
                self._handlers.add(event, handler)
                self._start_soon(self._serve, self._handlers, aiter(self))
            else:
                self._handlers.add(event, handler)
            return handler

        return register

    async def _serve(self, handlers: Handlers, events: RoomEvents) -> None:
        try:
            async for item in events:
                await handlers.hear(item, self._entering)
        except ClientError as error:
            log.info("%r is heard no longer: %s", self.name, error)

    async def publish(
        self,
        event: str,
        data: Any = None,
        *,
        key: str | None = None,
        echo: bool = True,
        volatile: bool = False,
        timeout: float | None = None,
    ) -> int | None:
        """Say something here, and wait for the server: the entry's number (None for a volatile one).

        `echo=False`: it is not heard by this session. `timeout` in seconds; the client's, if None. Cancelled,
        or when the time is over, it is taken back if it was not written, and else may have been done.

        Raises:
            RequestError: it was not done, or may have been: `maybe_done`.
            InvalidData: the data cannot be said as JSON.

        """
        fields: dict[str, Any] = {"room": self.name, "event": event}
        if not echo:
            fields["echo"] = False
        if volatile:
            fields["volatile"] = True
        asking = self._entering.asking
        wait = asking.timeout if timeout is None else timeout
        sent = asking.send("publish", fields, data, key=key, volatile=volatile, timeout=wait)
        told = await asking.result(sent)
        return told.get("seq") if isinstance(told, dict) else None

    async def history(
        self, *, after: int | None = None, limit: int = 100, timeout: float | None = None
    ) -> tuple[list[Event | Gap], bool]:
        """What the room still holds after that number (None: from its oldest), and whether there is more.

        Raises:
            RequestError: the server refused, or did not answer in time.

        """
        return await self._entering.history(self.name, after, limit, timeout)

    async def leave(self, *, timeout: float | None = None) -> None:
        """Leave. Iterators of this join end. The server hears of it with the last join of the program.

        Raises:
            RequestError: the server did not answer in time; the room is left all the same.

        """
        if not self._left:
            self._left = True
            await self._entering.leave(self._state, self._waiting, timeout)
