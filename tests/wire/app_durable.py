"""The application of the tests of what lives over a restart."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import trio

import rtcore

app = rtcore.App()
app.rooms("orders:*", relay=True, durable=True)
app.rooms("short:*", relay=True, durable=True, history=4)
app.rooms("notes:*", relay=True, durable="normal")
app.rooms("said:*", durable=True)
app.rooms("relay:*", relay=True)
app.rooms("few:*", relay=True, durable=True, history=4, keep=rtcore.Keep(count=20))
app.rooms("small:*", relay=True, durable=True, history=4, keep=rtcore.Keep(bytes=20_000))
app.rooms("young:*", relay=True, durable=True, age=1, keep=rtcore.Keep(age=1))
app.rooms("$user/*", durable=True)
app.collection("docs:*", Any, durable=True)

COUNTS: Counter[str] = Counter()
GATES: defaultdict[str, trio.Event] = defaultdict(trio.Event)


@app.authenticate
def who(hello: rtcore.Hello) -> rtcore.User | None:
    """Everybody is who they say; without a word, nobody in particular."""
    return rtcore.User(hello.token) if hello.token else rtcore.ANONYMOUS


@app.on("buy", durable=True)
async def buy(session: rtcore.Session, name: str) -> int:
    """Count, and say so in a durable room."""
    COUNTS[name] += 1
    await app.room(f"said:{name}").publish("bought", COUNTS[name])
    return COUNTS[name]


@app.on("buy-slowly", durable=True)
async def buy_slowly(session: rtcore.Session, name: str) -> int:
    """Count, and wait."""
    COUNTS[name] += 1
    await GATES[name].wait()
    return COUNTS[name]


@app.on("count")
def count(session: rtcore.Session, name: str) -> int:
    """Count, and remember nothing over a restart."""
    COUNTS[name] += 1
    return COUNTS[name]


@app.on("counted")
def counted(session: rtcore.Session, name: str) -> int:
    """How often, in this life."""
    return COUNTS[name]


@app.on("kick")
def kick(session: rtcore.Session, what: dict[str, str]) -> bool:
    """Take a session out of a room."""
    room = app.room(what["room"])
    gone = [member for member in room.members() if member.session_id == what["session"]]
    for member in gone:
        room.remove(member.session)
    return bool(gone)


@app.on("end")
def end(session: rtcore.Session, other: str) -> None:
    """End a session."""
    for each in app.sessions:
        if each.id == other:
            each.close_nowait("enough")


@app.on("tell")
def tell(session: rtcore.Session, what: list[Any]) -> None:
    """Say something to a user."""
    app.user(what[0]).publish_nowait("told", what[1])


@app.on("fence")
def fence(session: rtcore.Session, data: Any) -> None:
    """Say something to this session: its number is higher than all before."""
    session.send_nowait("fence", data)


@app.on("write")
async def write(session: rtcore.Session, change: dict[str, Any]) -> int:
    """Change a document, and say so when that is on disk."""
    docs = await app.collection("docs:ann").loaded()
    number = docs.put(change["key"], change["value"])
    await docs.stored()
    return number or 0


@app.on("written")
async def written(session: rtcore.Session, _: Any) -> dict[str, Any]:
    """What is in the collection."""
    return (await app.collection("docs:ann").loaded()).snapshot()
