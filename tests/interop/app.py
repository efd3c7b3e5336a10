"""What the clients of others talk to: a raw socket that echoes, a room, an event."""

from __future__ import annotations

from typing import Any

import msgspec

import rtcore

app = rtcore.App()
app.rooms("tea", relay=True)


class Page(msgspec.Struct):
    """A title, and a text that several edit."""

    title: str
    body: rtcore.Text = msgspec.field(default_factory=rtcore.Text)


@app.on("double")
async def double(session: rtcore.Session, data: list[Any]) -> list[Any]:
    """An answer that is not the question."""
    return [*data, *data]


@app.websocket("/echo")
async def echo(socket: rtcore.RawSocket) -> None:
    """Each message goes back as it came."""
    async for message in socket:
        await socket.send(message)


@app.websocket("/enough")
async def enough(socket: rtcore.RawSocket) -> None:
    """The server ends it, with a code and a reason of its own."""
    async for message in socket:
        await socket.close(3333, str(message))


app.collection("texts:*", rtcore.Text, value=100_000)
app.collection("pages:*", Page)


@app.yjs("/yjs/*", max_message=200_000)
def text_of(socket: rtcore.RawSocket, name: str) -> Any:
    """`texts/NAME` is a text, `pages/NAME` the body of a page; `?read` may not change it."""
    kind, _, name = name.partition("/")
    writable = socket.query != "read=1"
    if kind == "texts":
        return app.collection("texts:all").text(name, writable=writable)
    if kind == "pages":
        return app.collection("pages:all").text(name, "body", writable=writable)
    return None


@app.background
async def begin(app: rtcore.App) -> None:
    """A page is there."""
    app.collection("pages:all").put("p1", {"title": "p1"})


@app.on("text")
def text(session: rtcore.Session, name: str) -> list[bytes]:
    """What is kept of a text."""
    return app.collection("texts:all").text(name).updates()
