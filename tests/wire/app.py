"""The application of the wire tests: a bit of everything, controlled by events.

`GATES` hold handlers until another session opens them; `LOGS` say in which order things ran. Tests use
names of their own, so that they can share one server.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import trio

import rtcore

app = rtcore.App()

GATES: defaultdict[str, trio.Event] = defaultdict(trio.Event)
LOGS: defaultdict[str, list[Any]] = defaultdict(list)
COUNTS: Counter[str] = Counter()
DENIED: set[str] = set()
SESSIONS: dict[str, rtcore.Session] = {}

app.rooms("relay:*", relay=True)
app.rooms("small:*", relay=True, history=5)
app.collection("notes:*", Any)
app.rooms("brief:*", relay=True, age=0.15)
# An entry and its encoding are both in the ring; the kernel holds little of what a slow reader is owed.
app.rooms("deep:*", relay=True, history=2000, bytes=16 << 20)
app.rooms("latest:*", relay=True, history=5, policy="latest", key="ticker")
app.rooms("disconnect:*", relay=True, history=5, policy="disconnect")
app.rooms("block:*", relay=True, history=5, policy="block")
app.rooms("hall:*", relay=False)
app.rooms("mute:*", relay=False, grants=["presence"])
app.rooms("blind:*", relay=True, grants=["publish", "history"])
app.rooms("guarded:*", relay=True)
app.rooms("gated:*", relay=True)
app.rooms("doc:*", relay=False)
app.rooms("open:*", relay=True, presence=False)


@app.authorize("guarded:*")
def guard(session: rtcore.Session, join: rtcore.Join) -> object:
    """Say no where a test said so; the data of the join chooses grants and info."""
    if join.room in DENIED:
        return False
    wish = join.data if isinstance(join.data, dict) else {}
    return rtcore.Access(grants=wish.get("grants", ["publish", "presence", "history"]), info=wish.get("info"))


@app.authorize("gated:*")
async def gate(session: rtcore.Session, join: rtcore.Join) -> object:
    """Take as long as the test wants."""
    LOGS[join.room].append("asked")
    await GATES[join.room].wait()
    return True


@app.state("doc:*")
def document(room: rtcore.Room) -> object:
    """Return how often the document was bumped: an entry was published for each, in the same turn."""
    return {"bumps": COUNTS[room.name]}


@app.on("own")
def own(session: rtcore.Session, change: dict[str, Any]) -> int | None:
    """A change of the application's own."""
    notes = app.collection(change["collection"])
    if "value" in change:
        return notes.put(change["key"], change["value"])
    return notes.delete(change["key"])


@app.on("bump")
def bump(session: rtcore.Session, room: str) -> int:
    """Change the state and tell it, in one turn."""
    COUNTS[room] += 1
    app.room(room).publish_nowait("bumped", COUNTS[room])
    return COUNTS[room]


# -- answers


@app.on("echo")
def echo(session: rtcore.Session, data: Any) -> Any:
    """Return what came."""
    return data


@app.on("echo-async")
async def echo_async(session: rtcore.Session, data: Any) -> Any:
    """Return what came, from a coroutine."""
    return data


@app.on("fence")
def fence(session: rtcore.Session, data: Any) -> None:
    """Say something to this session: its number is higher than all before."""
    session.send_nowait("fence", data)


@app.on("e" * 255)
def longest_name(session: rtcore.Session, data: Any) -> str:
    """Answer under the longest name that an event may have."""
    return "longest"


@app.on("whoami")
def whoami(session: rtcore.Session) -> dict[str, Any]:
    """Tell what the application knows about the peer."""
    return {
        "id": session.id,
        "user": session.user,
        "address": session.address,
        "agent": session.user_agent,
        "latency": session.latency,
    }


class Order(msgspec.Struct):
    """What `typed` takes."""

    item: str
    amount: int


@app.on("typed")
def typed(session: rtcore.Session, order: Order) -> str:
    """Use data of a declared type."""
    return f"{order.amount} x {order.item}"


@app.on("fail")
def fail(session: rtcore.Session, data: Any) -> None:
    """Raise what nobody expects."""
    raise ValueError("a bug in the application, on purpose")


@app.on("fail-async")
async def fail_async(session: rtcore.Session, data: Any) -> None:
    """Raise it in a coroutine."""
    raise ValueError("a bug in the application, on purpose")


@app.on("refuse")
def refuse(session: rtcore.Session, data: Any) -> None:
    """Say no in the application's own words."""
    raise rtcore.Refuse("SOLD_OUT", "no tickets are left", details=[{"path": "amount"}], retry=True)


# -- order and counting


@app.on("wait")
async def wait(session: rtcore.Session, name: str) -> str:
    """Wait until the gate of this name is open."""
    LOGS[name].append("wait begins")
    await GATES[name].wait()
    LOGS[name].append("wait ends")
    return name


@app.on("open")
def open_gate(session: rtcore.Session, name: str) -> None:
    """Open a gate."""
    GATES[name].set()


@app.on("note")
def note(session: rtcore.Session, what: list[Any]) -> int:
    """Append to a log."""
    name, item = what
    LOGS[name].append(item)
    return len(LOGS[name])


@app.on("note-async")
async def note_async(session: rtcore.Session, what: list[Any]) -> int:
    """Append to a log, from a coroutine."""
    name, item = what
    LOGS[name].append(item)
    return len(LOGS[name])


@app.on("log")
def log(session: rtcore.Session, name: str) -> list[Any]:
    """Read a log."""
    return LOGS[name]


@app.on("count")
def count(session: rtcore.Session, name: str) -> int:
    """Count how often this was done."""
    COUNTS[name] += 1
    return COUNTS[name]


@app.on("count-fail")
def count_fail(session: rtcore.Session, name: str) -> None:
    """Count, then fail."""
    COUNTS[name] += 1
    raise rtcore.Refuse("SOLD_OUT", f"failed {COUNTS[name]} times")


@app.on("count-wait")
async def count_wait(session: rtcore.Session, name: str) -> int:
    """Count, then wait at the gate."""
    COUNTS[name] += 1
    mine = COUNTS[name]
    await GATES[name].wait()
    return mine


@app.on("count-on")
async def count_on(session: rtcore.Session, name: str) -> int:
    """Count, and wait at the gate although the session may have ended meanwhile."""
    COUNTS[name] += 1
    mine = COUNTS[name]
    with trio.CancelScope(shield=True):
        await GATES[name].wait()
    return mine


@app.on("counted")
def counted(session: rtcore.Session, name: str) -> int:
    """Tell the count."""
    return COUNTS[name]


# -- what the application says


@app.on("say")
async def say(session: rtcore.Session, data: dict[str, Any]) -> int | None:
    """Publish in a room; `mine` excludes the one who asked."""
    entry = await app.room(data["room"]).publish(
        data.get("event", "said"),
        data.get("data"),
        exclude=session if data.get("mine") else None,
        volatile=data.get("volatile", False),
    )
    return entry.seq


@app.on("say-many")
def say_many(session: rtcore.Session, data: dict[str, Any]) -> None:
    """Publish numbers from 0, padded, in one turn."""
    room = app.room(data["room"])
    pad = "x" * data.get("size", 0)
    for n in range(data["count"]):
        room.publish_nowait("said", {"n": n, "pad": pad} if pad else n)


@app.on("say-all")
async def say_all(session: rtcore.Session, data: Any) -> None:
    """Tell everybody."""
    await app.all.publish("said", data)


@app.on("say-user")
async def say_user(session: rtcore.Session, data: list[Any]) -> None:
    """Tell every session of one user."""
    user, what = data
    await app.user(user).publish("said", what)


@app.on("tell")
async def tell(session: rtcore.Session, data: Any) -> None:
    """Tell this session alone."""
    await session.send("told", data)


@app.on("ask")
async def ask(session: rtcore.Session, data: dict[str, Any]) -> Any:
    """Ask the client something and return its answer, or the code of its refusal."""
    try:
        return await session.request(data["event"], data.get("data"), timeout=data.get("timeout"))
    except rtcore.RemoteError as error:
        return {"refused": error.code}
    except rtcore.Timeout:
        return {"refused": "TIMEOUT"}


# -- rights and ends


@app.on("kick-me")
def kick_me(session: rtcore.Session, data: list[str]) -> None:
    """Take this session out of a room."""
    room, reason = data
    app.room(room).remove(session, reason)


@app.on("put-me")
def put_me(session: rtcore.Session, room: str) -> None:
    """Put this session into a room."""
    app.room(room).add(session)


@app.on("grant-me")
def grant_me(session: rtcore.Session, data: dict[str, Any]) -> None:
    """Change what this session may in a room."""
    app.room(data["room"]).grant(session, data["grants"])


@app.on("deny")
def deny(session: rtcore.Session, room: str) -> None:
    """From now on nobody gets into this room."""
    DENIED.add(room)


@app.on("end-me")
async def end_me(session: rtcore.Session, reason: str) -> None:
    """End this session."""
    await session.close(reason)


@app.on("remember-me")
def remember_me(session: rtcore.Session, name: str) -> None:
    """Keep this session under a name, for the events below."""
    SESSIONS[name] = session


@app.on("is-connected")
def is_connected(session: rtcore.Session, name: str) -> bool:
    """Tell whether the session of this name has a connection now."""
    return SESSIONS[name].connected


@app.on("tell-other")
async def tell_other(session: rtcore.Session, data: list[Any]) -> None:
    """Tell the session of a name alone."""
    name, what = data
    SESSIONS[name].send_nowait("told", what)


@app.on("kick-other")
def kick_other(session: rtcore.Session, data: list[str]) -> None:
    """Take the session of a name out of a room."""
    name, room = data
    app.room(room).remove(SESSIONS[name], "asked to leave")


@app.on("grant-other")
def grant_other(session: rtcore.Session, data: dict[str, Any]) -> None:
    """Change what the session of a name may in a room."""
    app.room(data["room"]).grant(SESSIONS[data["name"]], data["grants"])


# -- streams


@app.stream("numbers")
async def numbers(session: rtcore.Session, data: dict[str, Any]) -> AsyncIterator[Any]:
    """Say `n` items of `size` characters; log what was asked for, and the end, under a name."""
    log = LOGS[data.get("log", "")]
    try:
        for n in range(data["n"]):
            log.append(n)
            yield {"n": n, "pad": "x" * data.get("size", 0)}
    finally:
        log.append("closed")


@app.stream("gated")
async def gated(session: rtcore.Session, name: str) -> AsyncIterator[str]:
    """Say one item, and the next when a gate opens."""
    try:
        yield "before"
        await GATES[name].wait()
        yield "after"
    finally:
        LOGS[name].append("closed")


@app.stream("collect")
async def collect(session: rtcore.Session, name: str, items: rtcore.Items[Any]) -> list[Any]:
    """Read all items, each when the gate is open if there is a name; return them."""
    found = []
    async for item in items:
        if name:
            await GATES[name].wait()
        found.append(item)
    return found


@app.stream("never-read")
async def never_read(session: rtcore.Session, name: str, items: rtcore.Items[Any]) -> None:
    """Read nothing, and end when the gate opens."""
    await GATES[name].wait()


@app.websocket("/raw")
async def raw(socket: rtcore.RawSocket) -> None:
    """Send back each message as it came."""
    async for message in socket:
        await socket.send(message)
