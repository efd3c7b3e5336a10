"""Pages of which several write the text: what the guide's page *Text* says in Python, served."""

from __future__ import annotations

from typing import Any

import msgspec

import rtcore

app = rtcore.App()


class Page(msgspec.Struct):
    """A title, and a text that several edit."""

    title: str
    body: rtcore.Text = msgspec.field(default_factory=rtcore.Text)


app.collection("pages:*", Page)
app.rooms("page-*", relay=True)


@app.yjs("/yjs/*")
def text_of(socket: rtcore.RawSocket, name: str) -> Any:
    """The same texts, for y-websocket's own client."""
    return app.collection("pages:home").text(name, "body")


@app.background
async def begin(app: rtcore.App) -> None:
    """A page is there."""
    app.collection("pages:home").put("p1", Page("tea"))
