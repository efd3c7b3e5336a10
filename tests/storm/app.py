"""What is shared in the storm: cards with values that merge, notes whose authors decide, plain ones."""

from __future__ import annotations

from typing import Any

import msgspec

import rtcore

CARDS = [f"card{n}" for n in range(5)]


class Card(msgspec.Struct):
    """Each change has a mark of its own, and counts one."""

    title: str
    marks: rtcore.GSet[str] = msgspec.field(default_factory=rtcore.GSet)
    count: rtcore.PNCounter = msgspec.field(default_factory=rtcore.PNCounter)


app = rtcore.App()
app.collection("cards:*", Card, durable=True)
app.collection("asked:*", Any, strategy="custom", durable=True)
app.collection("plain:*", Any, strategy="latest", durable=True)


@app.background
async def begin(app: rtcore.App) -> None:
    """The cards are there from the first start on."""
    cards = await app.collection("cards:all").loaded()
    for key in CARDS:
        if cards.get(key) is None:
            cards.put(key, Card("new"))
