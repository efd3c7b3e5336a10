"""A position of another life of the log means "all that you have", however it is said."""

import json
from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import connect_tcp
from tests.contract.http1 import Connection
from tests.patience import PATIENCE

from .conftest import reached, serving


def app() -> rtcore.App:
    made = rtcore.App()
    made.rooms("news")

    @made.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User("ann")

    return made


async def heard_by(stream: Connection, count: int) -> list[dict[str, Any]]:
    """The first events with a number, and what came before them."""
    with trio.fail_after(PATIENCE):
        while True:
            # Chunks are told from lines by what stands in them, and none begins within one.
            lines = bytes(stream.buffer).rpartition(b"\n")[0].split(b"\n")
            messages = [json.loads(line[6:]) for line in lines if line.startswith(b"data: ")]
            if sum(message["type"] == "event" for message in messages) >= count:
                return messages
            await stream.more()


WAYS = ["Last-Event-ID", "position", "since", "last with Last-Event-ID"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("position", ["zz9zz.1", "urn:uuid:5e94c686", "nonsense"])
async def test_an_event_source_hears_all_that_the_ring_holds(way: str, position: str) -> None:
    """Three gaps came, and not the entries that the ring held."""
    news = app()
    async with serving(news) as server, reached(server) as one:
        for n in range(2):
            await news.room("news").publish("headline", n)
        query = {"position": f"&position={position}", "since": f"&since={position}"}.get(way, "")
        query += "&last=10" if way.startswith("last") else ""
        fields = [("Last-Event-ID", position)] if "Last-Event-ID" in way else []
        await one.ask("GET", f"/rt/sse?room=news{query}", fields)
        assert (await one.head()).status == 200
        messages = await heard_by(one, 2)
        assert [message["data"] for message in messages if message["type"] == "event"] == [0, 1]
        gap = next(m for m in messages if m["type"] == "gap" and m.get("room") == "news")
        assert (gap["from"], gap["reason"]) == (0, "epoch")


async def test_what_was_said_to_the_user_and_to_all_is_heard_by_itself() -> None:
    news = app()
    async with serving(news) as server:
        await news.all.publish("notice", "to all")
        await news.user("ann").publish("notice", "to ann")
        async with connect_tcp("127.0.0.1", server.port) as ann:
            welcome = await ann.hello(position="zz9zz.1")
            first, second = await ann.until("event"), await ann.until("event")
            assert [first["data"], second["data"]] == ["to all", "to ann"]
            assert welcome["seq"] < first["seq"], "the feed goes on before what is still to come"
