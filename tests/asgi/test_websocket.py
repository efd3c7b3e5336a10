"""The contract of the WebSocket, over the gateway."""

from __future__ import annotations

import pytest
import trio

import rtcore
from rtcore.testing import connect_tcp

from .conftest import below_hypercorn, chat


async def test_hello_join_publish_ack_and_a_request() -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat())) as server,
        connect_tcp("127.0.0.1", server.port) as ada,
        connect_tcp("127.0.0.1", server.port, msgpack=True) as bob,
    ):
        assert ada.subprotocol == "rtcore.v1.json"
        assert bob.subprotocol == "rtcore.v1.msgpack"
        for client in (ada, bob):
            assert (await client.hello())["transports"]
            assert (await client.ask("join", room="tea"))["count"] >= 1
        await ada.ask("publish", room="tea", event="say", data="milk?")
        assert (await bob.until("event"))["data"] == "milk?"
        assert await bob.ask("emit", event="echo", data=b"\x00\xff") == b"\x00\xff"
        refused = await ada.answer(await ada.begin("emit", event="no"))
        assert refused["error"]["code"] == "NO_TEA"
