"""The application behind the demonstration pages: a chat, notes, a board, measurements, a model, pointers.

What people say to each other goes through relay rooms, so the core does all of it. The chat and shared data
are durable: when a page asks for a restart of the server, nothing of them is lost.
"""

from __future__ import annotations

import math
import os
import random
import signal
from collections.abc import AsyncIterator
from typing import Literal

import msgspec
import trio

import rtcore

app = rtcore.App()

# What a page may choose to be called; longer names are cut.
LONGEST_NAME = 40
SERIES = 50
TICK = 0.05
"""Seconds between two messages of each series."""
POINTS = 10
"""Of each series in each tick: with fifty series, 10,000 a second."""
WORD = 0.06
"""Seconds in which the model thinks of its next word."""

app.rooms("chat:*", relay=True, history=500, age=24 * 3600.0, durable="normal", keep=rtcore.Keep(count=500))
app.rooms("metrics", history=200, policy="latest", key="series")
app.rooms("cursors", relay=True)
app.rooms("models")
app.rooms("board", relay=True)


class Note(msgspec.Struct):
    """What is on a sheet of the notes."""

    title: str
    text: str = ""
    done: bool = False


class Card(msgspec.Struct):
    """A card of the board. Votes are summed and tags united, whoever adds them at the same time."""

    title: str
    column: Literal["todo", "doing", "done"] = "todo"
    place: float = 0
    votes: rtcore.PNCounter = msgspec.field(default_factory=rtcore.PNCounter)
    tags: rtcore.ORSet[str] = msgspec.field(default_factory=rtcore.ORSet)


class Sheet(msgspec.Struct):
    """A text that all write in."""

    body: rtcore.Text = msgspec.field(default_factory=rtcore.Text)


# "custom" without a function: what two changed at once is a conflict, and its author decides.
app.collection("notes:*", Note, strategy="custom", durable="normal", keys=500, value=16_384)
app.collection("board:*", Card, durable="normal", keys=500, value=16_384)
app.collection("sheets:*", Sheet, durable="normal", keys=1, value=262_144)


@app.authorize("*")
def enter(session: rtcore.Session, join: rtcore.Join) -> rtcore.Access:
    """Everybody may come in, under the name that they give; who comes back keeps the name."""
    given = join.data.get("name") if isinstance(join.data, dict) else None
    if isinstance(given, str):
        session.state.name = " ".join(given.split())[:LONGEST_NAME]
    return rtcore.Access(info={"name": getattr(session.state, "name", "") or "somebody"})


@app.background
async def lay_out(app: rtcore.App) -> None:
    """What there is at first, so that there is something to move."""
    sheets = await app.collection("sheets:home").loaded()
    if sheets.get("board") is not None:
        return
    sheets.put("board", Sheet())
    board = await app.collection("board:home").loaded()
    first = (
        Card("Buy tea"),
        Card("Vote for this card in two windows"),
        Card("Cut the network, and go on", "doing"),
        Card("Open this page", "done"),
    )
    for place, card in enumerate(first):
        card.place = place
        board.put(f"first-{place}", card)


@app.background
async def measure(app: rtcore.App) -> None:
    """Fifty series of chance, as long as somebody looks."""
    levels = [random.uniform(300, 700) for _ in range(SERIES)]  # noqa: S311 - it is to look at
    tick = 0
    due = trio.current_time()
    while True:
        due = max(due + TICK, trio.current_time())
        await trio.sleep_until(due)
        tick += 1
        if not app.room("metrics").members():
            continue
        for series in range(SERIES):
            points = []
            for n in range(POINTS):
                wave = math.sin((tick * POINTS + n) / (40 + series * 3)) * 3
                levels[series] += wave + random.gauss(0, 6) + (500 - levels[series]) * 0.01
                points.append(round(min(max(levels[series], 0), 1000)))
            app.room("metrics").publish_nowait("points", {"series": series, "tick": tick, "points": points})


@app.background
async def wander(app: rtcore.App) -> None:
    """Two pointers that nobody holds, so that who is alone sees something move."""
    room = app.room("cursors")
    clock = 0.0
    while True:
        await trio.sleep(1 / 30)
        clock += 1 / 30
        if room.members():
            for n, name in enumerate(("Comet", "Moon")):
                turn = clock * (0.5 - 0.2 * n) + n * 2
                x = 0.5 + 0.33 * math.cos(turn)
                y = 0.5 + 0.3 * math.sin(turn * (2 - n))
                room.publish_nowait("at", {"x": round(x, 4), "y": round(y, 4), "robot": name}, volatile=True)


class Question(msgspec.Struct):
    """What a page wants to know, and how many words of the answer it has."""

    text: str
    have: int = 0


working: set[object] = set()
"""One for each model that thinks."""


@app.stream("answer")
async def answer(_: rtcore.Session, question: Question) -> AsyncIterator[str]:
    """The words from the first that the page lacks. However it ends, the model is free again."""
    asked = " ".join(question.text.split())[:100] or "nothing"
    mark = object()
    working.add(mark)
    _tell()
    try:
        for word in _ANSWER.format(asked=asked).split(" ")[max(question.have, 0) :]:
            await trio.sleep(WORD)
            yield word + " "
    finally:
        working.discard(mark)
        _tell()


@app.state("models")
def busy(_: rtcore.Room) -> int:
    """How many models think now."""
    return len(working)


def _tell() -> None:
    try:
        app.room("models").publish_nowait("working", len(working))
    except rtcore.errors.NotServing:  # the server stops, and the last answers end with it
        return


class Restart:
    """Whether this process is to begin anew once its server has ended, as a page has asked."""

    asked = False


@app.on("demo:restart")
async def restart(_: rtcore.Session) -> None:
    """End this server as an operator would; `rtcore demo` begins it again."""
    Restart.asked = True
    os.kill(os.getpid(), signal.SIGTERM)


_ANSWER = (
    "You asked: {asked} – I am no great thinker, only sixty lines of Python, but I can tell you what"
    " happens while you read this. Each word is an item of a stream. The server makes the next one "
    "only when this page has given it credit, so a slow reader never fills anybody's memory. Cut the"
    " network and I fall silent; mend it, and I go on with the very next word, since the items that "
    "you had not received were kept, with their numbers. Reload the page, and it asks for the answer"
    " from the first word that it lacks. Restart the server, and the same is done by three lines in "
    "this page. And when you press stop, or close the window, a cancel is sent, the generator on the"
    " server is closed at its yield, its finally clause runs, and the counter over there goes down "
    "by one. Nobody thinks for somebody who has left. That is all there is to it, and it is enough."
)
