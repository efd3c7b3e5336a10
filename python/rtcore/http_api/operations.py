"""What the publish API does, each operation in a function: from what was said to what is answered.

Nothing here knows HTTP. An operation that must wait (a room whose policy is `block`, a session that reads
slowly) waits until the caller's deadline, and is not done then.
"""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import orjson
import trio

from rtcore import errors
from rtcore._data.faults import faults
from rtcore._data.values import FAULTS, JSON
from rtcore._engine import Engine, Refused
from rtcore._turn.budget import checkpoint, due
from rtcore._turn.sessions import meet
from rtcore.app import App
from rtcore.entry import Entry, Heard
from rtcore.room import Room

from . import messages as say
from .faults import Fault, of
from .keys import ApiKey

T = TypeVar("T")

# W3C Trace Context §3.2.2; a later version may add to it behind a dash.
_TRACE: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?\Z")


class Caller(NamedTuple):
    """The key that asks, of which application, and until when it may wait (Trio's time)."""

    app: App
    key: ApiKey
    deadline: float

    @property
    def engine(self) -> Engine:
        """The core that serves the application now."""
        return self.app.all._engine

    def permit(self, operation: str, room: str) -> None:
        """Raises Fault where the key may not."""
        if not self.key.may(operation, room):
            raise Fault("FORBIDDEN", f"this API key may not {operation} where {room!r} is meant")


class Operation(NamedTuple):
    """An operation: what it reads, what it answers, and what does it."""

    reads: Any
    answers: Any
    done: Callable[[Caller, Any], Awaitable[Any]]


def read(kind: type[T], body: bytes, engine: Engine) -> T:
    """What a body says.

    Raises:
        Fault: it is not that; the details name every fault and where it is.

    """
    try:
        return msgspec.json.decode(body, type=kind)
    except FAULTS as error:
        try:
            engine.core.payload(body)
        except Refused as refused:
            # The core says best what is wrong with text that is no JSON.
            message = f"the body cannot be read: {refused.args[1]}"
            raise Fault("INVALID_MESSAGE", message, faults(kind, JSON, body, error)) from None
        found = faults(kind, JSON, body, error)
        message = f"the body is not as it should be: {found[0]['path']}: {found[0]['message']}"
        raise Fault("INVALID_MESSAGE", message, found) from None


def cost(said: Any) -> int:
    """As how many requests this counts.

    Raises:
        Fault: it is a batch of too many.

    """
    if not isinstance(said, list):
        return 1
    if len(said) > say.BATCH:
        raise Fault("INVALID_MESSAGE", f"a batch has at most {say.BATCH} elements, and this has {len(said)}")
    return max(1, len(said))


async def publish(caller: Caller, said: say.Publish) -> say.Published:
    """Say an event in a room."""
    room = _ordinary(said.room)
    caller.permit("publish", room)
    exclude = None
    if said.exclude is not None:
        handle = caller.engine.core.session_named(said.exclude)
        exclude = None if handle is None else meet(caller.engine, handle)
    entry = await _publish(caller, caller.app.room(room), said, exclude)
    return _published(entry)


async def batch(caller: Caller, said: list[msgspec.Raw]) -> list[say.Published | say.Failed]:
    """Say many events, in order; each element is answered for itself."""
    answers: list[say.Published | say.Failed] = []
    for each in said:
        if due():  # what is refused waits for nothing
            await checkpoint()
        try:
            answers.append(await publish(caller, read(say.Publish, bytes(each), caller.engine)))
        except errors.RtcoreError as error:
            fault = of(error)
            told = say.Problem(fault.code, fault.message, fault.details, fault.retry)
            answers.append(say.Failed(told))
    return answers


async def send(caller: Caller, said: say.Send) -> say.Published:
    """Say an event to a user, to a session, or to all."""
    if (said.user is not None) + (said.session is not None) + said.all != 1:
        raise Fault("INVALID_MESSAGE", "a send goes to one of `user`, `session` and `all`: give exactly one")
    if said.session is not None:
        return await _send_to_session(caller, said, said.session)
    room = caller.app.all if said.user is None else caller.app.user(said.user)
    caller.permit("send", room.name)
    entry = await _publish(caller, room, said, None)
    return _published(entry)


async def history(caller: Caller, said: say.History) -> say.Past:
    """Read the past of a room."""
    room = _ordinary(said.room)
    caller.permit("history", room)
    past = await caller.app.room(room).history(said.after, int(said.limit))
    return say.Past([_shown(entry) for entry in past], past.complete, past.more)


async def presence(caller: Caller, said: say.Presence) -> say.Members:
    """Say who is in a room, as its members are told it."""
    room = _ordinary(said.room)
    caller.permit("presence", room)
    engine = caller.engine
    rows, count = engine.call(engine.core.presence, room)
    members = [say.Present(name, user, msgspec.Raw(info or b"null")) for _, name, user, info, _ in rows]
    return say.Members(members, count)


async def disconnect(caller: Caller, said: say.Disconnect) -> say.Disconnected:
    """End sessions for good."""
    if (said.user is None) == (said.session is None):
        raise Fault("INVALID_MESSAGE", "a disconnect is of a `user` or of a `session`: give exactly one")
    engine = caller.engine
    if said.session is not None:
        caller.permit("disconnect", f"$session/{said.session}")
        handles = [_handle(engine, said.session)]
    else:
        caller.permit("disconnect", f"$user/{said.user}")
        handles = [row[0] for row in engine.core.members(f"$user/{said.user}") or ()]
    closed = sum(
        engine.call(engine.core.close_session, handle, int(said.code), said.reason) for handle in handles
    )
    if engine.durable:
        await engine.settled()
    return say.Disconnected(closed)


OPERATIONS: Final = {
    "publish": Operation(say.Publish, say.Published, publish),
    "batch": Operation(list[msgspec.Raw], list[say.Published | say.Failed], batch),
    "send": Operation(say.Send, say.Published, send),
    "history": Operation(say.History, say.Past, history),
    "presence": Operation(say.Presence, say.Members, presence),
    "disconnect": Operation(say.Disconnect, say.Disconnected, disconnect),
}


async def _publish(caller: Caller, room: Room, said: say.Publish | say.Send, exclude: Any) -> Entry:
    if said.event.startswith("$"):
        raise Fault("FORBIDDEN", "events that begin with $ are rtcore's own")
    trace = said.trace if said.trace is not None and _TRACE.match(said.trace) else None
    of_its_key = Room(caller.engine, room.name, caller.key.name)  # what it makes is in that key's share
    with trio.move_on_at(caller.deadline):
        return await of_its_key.publish(
            said.event,
            _payload(caller.engine, said.data),
            exclude=exclude,
            key=said.key,
            volatile=said.volatile,
            trace=trace,
        )
    raise _too_late("a member of the room is behind, and its policy is `block`")


async def _send_to_session(caller: Caller, said: say.Send, name: str) -> say.Published:
    if said.key is not None or said.volatile or said.trace is not None:
        raise Fault("INVALID_MESSAGE", "`key`, `volatile` and `trace` do not go with a `session`")
    if said.event.startswith("$"):
        raise Fault("FORBIDDEN", "events that begin with $ are rtcore's own")
    caller.permit("send", f"$session/{name}")
    engine = caller.engine
    session = meet(engine, _handle(engine, name))
    with trio.move_on_at(caller.deadline):
        seq = await session.send(said.event, _payload(engine, said.data))
        return say.Published(seq, f"{engine.epoch}.{seq}")
    raise _too_late("the session has not taken what it is owed")


def _published(entry: Entry) -> say.Published:
    position = entry.position
    return say.Published(entry.seq or None, None if position is None else str(position))


def _payload(engine: Engine, data: msgspec.Raw) -> orjson.Fragment:
    """The bytes that came, checked as a peer's are, and put into the log as they are."""
    return orjson.Fragment(engine.call(engine.core.payload, bytes(data)))


def _ordinary(room: str) -> str:
    if room.startswith("$"):
        raise Fault("FORBIDDEN", f"{room!r} is a room of rtcore's own: users and all are reached by `send`")
    return room


def _handle(engine: Engine, session: str) -> int:
    handle = engine.core.session_named(session)
    if handle is None:
        raise Fault("NOT_FOUND", "there is no such session, or no longer")
    return handle


def _too_late(why: str) -> Fault:
    return Fault("TIMEOUT", f"it was not said: {why}", retry=True)


def _shown(entry: Heard) -> say.Said:
    author = None if entry.session is None else say.Author(entry.session, entry.user)
    return say.Said(
        room=entry.room,
        event=entry.event,
        data=msgspec.Raw(entry.raw),
        seq=entry.seq,
        author=author,
        time=entry.time,
        trace=entry.trace,
    )
