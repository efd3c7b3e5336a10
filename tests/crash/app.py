"""The application of the crash runs. Each run of a handler is noted where no crash takes it back."""

from __future__ import annotations

import os
from typing import Any

import trio

import rtcore

app = rtcore.App()
# Rings that hold all, so that the judge can read back everything by `history`.
app.rooms("full:*", relay=True, durable=True, history=100_000, bytes=64 << 20)
app.rooms("normal:*", relay=True, durable="normal", history=100_000, bytes=64 << 20)
app.rooms("said:*", durable=True, history=100_000, bytes=64 << 20)
app.rooms("live:*", relay=True, history=256)

app.collection("docs:*", Any, durable=True)

NOTES = os.open(os.environ.get("RTCORE_CRASH_NOTES", os.devnull), os.O_APPEND | os.O_CREAT | os.O_WRONLY)


def note(*words: str) -> None:
    """One line, in one write: it is there, or it is not."""
    os.write(NOTES, (" ".join(words) + "\n").encode())


@app.authenticate
def who(hello: rtcore.Hello) -> rtcore.User:
    """Everybody is who they say."""
    return rtcore.User(hello.token or "nobody")


@app.on("live")
async def live(session: rtcore.Session, token: str) -> str:
    """Do something that cannot be undone, and remember nothing."""
    note("live", token)
    return token


@app.on("buy", durable=True)
async def buy(session: rtcore.Session, what: dict[str, Any]) -> str:
    """The same, at most once; with what it says in a durable room."""
    note("buy", what["token"])
    if what["slow"]:
        await trio.sleep(what["slow"])
    await app.room(what["room"]).publish("bought", what["token"], sender=session, rights=False)
    return str(what["token"])


@app.on("note", durable=True)
def nowait(session: rtcore.Session, what: dict[str, Any]) -> str:
    """In the turn: the ack waits for the entry all the same."""
    note("note", what["token"])
    app.room(what["room"]).publish_nowait("noted", what["token"], sender=session, rights=False)
    return str(what["token"])


@app.on("say")
async def say(session: rtcore.Session, what: dict[str, Any]) -> str:
    """Of a live request: a durable entry, and the ack behind it."""
    note("say", what["token"])
    await app.room(what["room"]).publish("said", what["token"], sender=session, rights=False)
    return str(what["token"])


@app.on("tell")
def tell(session: rtcore.Session, token: str) -> str:
    """Of a live request: what it says it does not wait for."""
    app.room("said:a").publish_nowait("told", token, sender=session, rights=False)
    return token


@app.on("kick")
def kick(session: rtcore.Session, what: dict[str, str]) -> bool:
    """Take another session out of a room."""
    for member in app.room(what["room"]).members():
        if member.session_id == what["session"]:
            return app.room(what["room"]).remove(member.session, "out")
    return False


@app.on("end")
def end(session: rtcore.Session, other: str) -> bool:
    """End another session."""
    for each in app.sessions:
        if each.id == other:
            each.close_nowait("enough")
            return True
    return False


@app.on("ask")
async def ask(session: rtcore.Session, token: str) -> Any:
    """Ask it back."""
    return await session.request("question", token, timeout=5)


@app.on("fence")
def fence(session: rtcore.Session, data: Any) -> None:
    """Say something to this session: its number is above all before."""
    session.send_nowait("fence", data)
