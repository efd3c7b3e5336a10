"""Sessions as the application sees them: the logical peer, which outlives its connections.

A `Session` object is made when Python first has to do with the session. What never changes is read then; what
does is asked of the core each time. Its tasks (requests, what the application starts for it, decisions about
it) live in the server's nursery, each in a cancel scope that is the session's: its end cancels them all.
"""

from __future__ import annotations

import logging
import threading
from _thread import get_ident
from collections.abc import Callable
from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, overload

import trio

from ._app.hooks import checked_seconds
from ._data.values import ANYTHING, FAULTS, Decoder, encode
from ._engine import ENDED_CLOSE, Engine, SessionInfo, session_info
from ._ground.sayable import sayable
from ._turn.budget import checkpoint, due
from ._turn.nursery import SessionNursery
from .errors import NotFound, RemoteError, SessionEnded, Timeout, UsageError

if TYPE_CHECKING:
    from .auth import Grant

log = logging.getLogger("rtcore.app")
T = TypeVar("T")

_decoders: dict[Any, Decoder] = {}
_FIXED: Final = {
    "id": "the server names it",
    "user": "`@app.authenticate` says who it belongs to, as its hello came",
    "address": "it is where its hello came from",
    "user_agent": "it is what its hello came with",
    "since": "it is when it began",
}


def _unchanging(name: str) -> property:
    """An attribute that is set once, under another name: C reads it, and a refusal says why it stays."""

    def refuse(_: Session, __: object) -> None:
        raise AttributeError(
            f"`session.{name}` does not change: {_FIXED[name]}, and `session.state` is for what is "
            "the application's own"
        )

    return property(attrgetter(f"_{name}"), refuse)


_making: Final = threading.Lock()
"""Held while something is made that a session has one of, in whichever thread it is asked for first."""


class Session:
    """A peer of the server: one browser tab, one device, one backend.

    `id` and `user` (an id; None: anonymous) do not change, nor do `address` (through configured proxies) and
    `user_agent`, which are those of its first connection. `since` is when it began, in milliseconds since
    1970. `state` is a namespace for the application's own.

    What it knows can be read in any thread. Its plain functions may be called in any thread in which no loop
    runs; the others raise `UsageError` outside of the run of Trio that serves the application, and all but
    `close` and `close_nowait` `NotServing` after that.
    """

    __slots__ = (
        "__weakref__",
        "_address",
        "_engine",
        "_handle",
        "_id",
        "_nursery",
        "_scopes",
        "_since",
        "_state",
        "_user",
        "_user_agent",
        "_worker",
        "end_reason",
    )

    if TYPE_CHECKING:

        @property
        def id(self) -> str:
            """How the server names it."""
            ...

        @property
        def user(self) -> str | None:
            """Who it belongs to; None: it is anonymous."""
            ...

        @property
        def address(self) -> str:
            """Where its hello came from."""
            ...

        @property
        def user_agent(self) -> str | None:
            """What its hello came with."""
            ...

        @property
        def since(self) -> int:
            """When it began (ms since 1970)."""
            ...
    else:
        # Who a session belongs to would be said by whoever sets it.
        id = _unchanging("id")
        user = _unchanging("user")
        address = _unchanging("address")
        user_agent = _unchanging("user_agent")
        since = _unchanging("since")

    def __init__(self, engine: Engine, handle: int, info: SessionInfo) -> None:
        self._engine = engine
        self._handle = handle
        self._id = info.id
        self._user = info.user
        self._address = info.address
        self._user_agent = info.user_agent
        self._since = info.since
        self.end_reason: str | None = None
        self._worker: Any = None
        self._nursery: SessionNursery | None = None
        self._scopes: set[trio.CancelScope] | None = None
        self._state: SimpleNamespace | None = None

    # -- what is known of it

    @property
    def state(self) -> SimpleNamespace:
        """A namespace for the application: `session.state.cart = []`."""
        if self._state is None:
            with _making:
                return self._make_state()
        return self._state

    @property
    def ended(self) -> bool:
        """Whether it is gone for good, or was told to go."""
        return self.end_reason is not None or self._info() is None

    @property
    def connected(self) -> bool:
        """Whether it has a connection now. A session without one lives on for its resume window."""
        info = self._info()
        return info is not None and info.connected

    @property
    def latency(self) -> float | None:
        """The round trip that was last measured, in seconds; None: not yet."""
        info = self._info()
        return None if info is None else info.latency

    @property
    def rooms(self) -> dict[str, list[Grant]]:
        """The rooms it is in by their names, and its rights in each: `"publish" in session.rooms["tea"]`."""
        rows = None if self.end_reason is not None else self._engine.core.rooms_of(self._handle)
        return {name: cast("list[Grant]", words) for name, words in rows or ()}

    @property
    def expires(self) -> float | None:
        """When its token ends, in seconds since 1970; None: never."""
        info = self._info()
        return None if info is None or info.expires is None else info.expires / 1000

    def _info(self) -> SessionInfo | None:
        return None if self.end_reason is not None else session_info(self._engine, self._handle)

    # -- what can be said to it

    async def send(self, event: str, data: Any = None) -> int:
        """Say an event to this session alone; it hears it when it returns, if it is away now.

        A cancel point: cancelled means it was not said. It waits while more than `session_high` bytes are
        unsent, until `session_low` are; else it is a schedule point after each 64 calls of a task.

        Returns:
            The sequence number.

        Raises:
            SessionEnded: it has ended.
            InvalidData: the name or the data cannot be said.

        """
        engine, handle = self._engine, self._handle
        if get_ident() != engine.thread:
            raise engine.elsewhere("send", "send_nowait")
        if due():
            await checkpoint()
        payload = encode(data)
        while engine.core.unsent(handle) > engine.high and engine.core.want_drained(handle):
            await engine.wait_drained(engine.drained, handle)
        return self._say(engine.core.send, event, payload)

    def send_nowait(self, event: str, data: Any = None) -> int:
        """Say an event to this session alone, now. For plain functions; see `send` for the result.

        Raises:
            SessionEnded: it has ended.
            InvalidData: the name or the data cannot be said.
            trio.WouldBlock: more than `session_high` bytes are unsent.

        """
        engine, handle = self._engine, self._handle
        if get_ident() != engine.thread:
            return engine.hand_over(self.send_nowait, event, data)
        payload = encode(data)
        unsent = engine.core.unsent(handle)
        if unsent > engine.high:
            raise trio.WouldBlock(
                f"{unsent} bytes are unsent to the session {self.id}, and {engine.high} may be"
            )
        return self._say(engine.core.send, event, payload)

    def _say(self, done: Callable[..., int], event: str, payload: bytes) -> int:
        try:
            said: int = self._engine.call(done, self._handle, event, payload)
        except NotFound:  # it was told to go in this turn
            raise SessionEnded(f"the session {self.id} has ended") from None
        return said

    @overload
    async def request(self, event: str, data: Any = None, *, timeout: float | None = None) -> Any: ...
    @overload
    async def request(
        self, event: str, data: Any = None, *, timeout: float | None = None, type: type[T]
    ) -> T: ...
    async def request(
        self,
        event: str,
        data: Any = None,
        *,
        timeout: float | None = None,
        type: Any = Any,  # noqa: A002 - what it is
    ) -> Any:
        """Ask the peer, and wait for its answer. A peer that is away is asked when it returns.

        A cancel point, and always a schedule point. A cancelled request is forgotten: its answer is dropped.

        Args:
            event: what is asked, 1 to 255 bytes.
            data: with what; anything that can be said as JSON.
            timeout: seconds to wait; None: as long as the session lives.
            type: what the answer must be, by msgspec.

        Raises:
            UsageError: the timeout is no number from 0, or no peer can say what is of the type.
            InvalidData: the name or the data cannot be said.
            RemoteError: the peer answered with an error, or with something that is not of the type.
            Timeout: it did not answer in time.
            SessionEnded: it has ended, now or while we waited.

        """
        self._engine.here("request")
        if due():
            await checkpoint()
        if timeout is not None:
            checked_seconds(timeout, "the timeout of a request")
        decoder = _decoders.get(type) or _remember(type)
        payload = encode(data)
        engine = self._engine
        request = self._say(engine.core.ask, event, payload)
        answer = await engine.wait_reply(self._handle, request, timeout)
        if answer is None:
            raise Timeout(f"the session {self.id} did not answer {event!r} within {timeout} s")
        _, _, _, form, reply, error = answer
        if error is not None:
            raise RemoteError(*error)
        if reply is None:
            form, reply = 0, b"null"
        try:
            return decoder.by_form(form, reply)
        except FAULTS as fault:
            text = f"the answer to {event!r} is not as it should be: {fault}"
            raise RemoteError("INVALID_MESSAGE", text) from fault

    async def close(self, reason: str = "", code: int = ENDED_CLOSE) -> None:
        """End the session, with a close code (4503: ended by the application, do not come back) and a reason.

        A cancel point. What the session started is cancelled, this task included if it is one of them. Twice
        is once. Where the session lives over a restart (durable rooms), this waits until its end is on disk,
        and the peer is told then. It has ended all the same if the caller is cancelled, or the disk does not
        answer.

        Raises:
            UsageError: the code is none that may be sent: 1000, or 3000 to 4999.
            OutcomeUnknown: the disk has not answered in time: a crash may bring the session back.

        """
        engine, ended = self._engine, self.ended
        if not ended:
            engine.here("close", "close_nowait")
            if due():
                await checkpoint()
        self.close_nowait(reason, code)
        if engine.durable and not ended:
            await engine.settled()

    def close_nowait(self, reason: str = "", code: int = ENDED_CLOSE) -> None:
        """End the session, now. For plain functions; see `close`.

        It does not wait for the disk; the ack of the request in whose handler it was called does.

        Raises:
            UsageError: the code is none that may be sent: 1000, or 3000 to 4999.

        """
        given: object = code
        if not isinstance(given, int) or (given != 1000 and not 3000 <= given <= 4999):
            raise UsageError(f"a close code of an application is 1000, or 3000 to 4999; not {given!r}")
        engine = self._engine
        if self.ended:  # there is nothing to close, after the serving neither
            return
        if get_ident() != engine.thread:
            engine.hand_over(self.close_nowait, reason, code)
            return
        request = engine.request_of_caller()
        engine.call(engine.core.close_session, self._handle, code, sayable(reason), request)

    def _make_state(self) -> SimpleNamespace:
        if self._state is None:
            self._state = SimpleNamespace()
        return self._state

    # -- its tasks

    @property
    def nursery(self) -> SessionNursery:
        """Where what is started for this peer lives, until the session ends."""
        if self._nursery is None:
            with _making:
                return self._make_nursery()
        return self._nursery

    def _make_nursery(self) -> SessionNursery:
        if self._nursery is None:
            self._nursery = SessionNursery(self)
        return self._nursery

    def __repr__(self) -> str:
        return f"<Session {self.id} of {self.user!r}>"


def _remember(kind: Any) -> Decoder:
    if kind is Any:
        return ANYTHING
    try:
        decoder = Decoder(kind)
    except TypeError as error:
        raise UsageError(f"msgspec cannot read answers of type {kind!r}: {error}") from error
    if len(_decoders) < 256:  # a program that makes many types has no use for a cache
        _decoders[kind] = decoder
    return decoder


def sessions_only(**given: object) -> None:
    """A `Session` is given, or None where there may be none: not its id, and not its user's.

    Raises:
        TypeError: something else is.

    """
    for what, value in given.items():
        if value is not None and not isinstance(value, Session):
            raise TypeError(
                f"`{what}` is an rtcore.Session, as handlers get it and `app.sessions` has it; not {value!r}"
            ) from None


Session.__module__ = "rtcore"
