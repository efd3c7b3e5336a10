"""The application of `shared`, for a server that clients of other languages talk to."""

from __future__ import annotations

import msgspec

import rtcore
from tests.client.shared import application


class Item(msgspec.Struct):
    """A document with values that merge."""

    title: str
    votes: rtcore.PNCounter = msgspec.field(default_factory=rtcore.PNCounter)
    tags: rtcore.ORSet[str] = msgspec.field(default_factory=rtcore.ORSet)


app = application()
app.collection("board:*", Item)
