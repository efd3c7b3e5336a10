"""The program at the head of the guide: join, emit, hear, stream."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rtcore
from rtcore.client import Event, Rejected, RequestTimeout


async def test_a_room_gives_history_first_and_then_what_is_said(net, autojump_clock) -> None:
    async with net.client() as ada, net.client() as bob:
        hers = await ada.join("tea")
        await hers.publish("say", "before")
        tea = await bob.join("tea", last=20)
        await hers.publish("say", "after")
        events = aiter(tea)
        heard = [await anext(events), await anext(events)]
        assert [(each.data, each.room) for each in heard] == [("before", "tea"), ("after", "tea")]
        assert all(isinstance(each, Event) for each in heard)


async def test_an_emit_gives_what_the_handler_answers(net, autojump_clock) -> None:
    async with net.client() as client:
        tea = await client.join("tea")
        reply = await client.emit("chat:message", {"room": "tea", "text": "hello"}, timeout=5)
        event = await anext(aiter(tea))
        assert reply["id"].endswith(f".{event.seq}")
        assert event.data == {"room": "tea", "text": "hello"}


async def test_a_handlers_no_is_an_error_with_its_code_and_details(net, autojump_clock) -> None:
    async with net.client() as client:
        with pytest.raises(Rejected, match="not this") as raised:
            await client.emit("no")
        assert (raised.value.code, raised.value.details) == ("NO", {"why": 1})
        assert not raised.value.maybe_done
        assert isinstance(raised.value, rtcore.RemoteError)


async def test_an_emit_without_an_answer_in_time_may_have_been_done(net, app, autojump_clock) -> None:
    async with net.client() as client:
        with pytest.raises(RequestTimeout) as raised:
            await client.emit("slow", 1, timeout=3)
        assert raised.value.maybe_done
        assert isinstance(raised.value, rtcore.Timeout)
        app.gate.set()


async def test_a_stream_gives_its_items_in_order_however_many(net, autojump_clock) -> None:
    async with net.client() as client:
        assert [item async for item in client.stream("answer", {"count": 1000})] == list(range(1000))


async def test_binary_goes_both_ways(net, autojump_clock) -> None:
    async with net.client() as client:
        tea = await client.join("tea")
        await tea.publish("say", {"image": b"\x00\xff", "list": [b"x"]})
        assert (await anext(aiter(tea))).data == {"image": b"\x00\xff", "list": [b"x"]}


async def test_the_server_asks_and_the_program_answers(net, autojump_clock) -> None:
    async with net.client() as client:

        @client.answer("delete?")
        async def delete(data: dict[str, bool]) -> str:
            return "yes" if data["really"] else "no"

        assert await client.emit("ask", "delete?") == "yes"
        assert await client.emit("ask", "unknown?") == "NOT_FOUND"


def test_a_client_program_loads_no_server_module() -> None:
    """A sensor has no room for Hypercorn, and no use for it."""
    program = "import sys, rtcore; rtcore.connect; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith(("rtcore", "hypercorn"))}
    # What makes any text one that can be said, and the codec and the shared data of the core: they load
    # nothing further.
    ground = {
        "rtcore._ground",
        *(f"rtcore._ground.{name}" for name in ("crdts", "sayable", "peer", "replica")),
    }
    ground |= {"rtcore._core", "rtcore.crdt"}
    others = {name for name in loaded if not name.startswith("rtcore.client")}
    assert others == {"rtcore", "rtcore.errors", *ground}


async def test_a_room_that_one_is_in_gives_its_history_to_who_joins_it_again(net, autojump_clock) -> None:
    """Another part of the program hears what it asks for of the past, and then what is said."""
    async with net.client() as client:
        tea = await client.join("tea")
        first = aiter(tea)
        for n in range(5):
            await tea.publish("say", n)
        epoch, _, number = client.position.partition(".")
        last = aiter(await client.join("tea", last=2))
        since = aiter(await client.join("tea", since=f"{epoch}.{int(number) - 3}"))
        none = aiter(await client.join("tea"))
        await tea.publish("say", 5)
        assert [(await anext(first)).data for _ in range(6)] == [0, 1, 2, 3, 4, 5]
        assert [(await anext(last)).data for _ in range(3)] == [3, 4, 5]
        assert [(await anext(since)).data for _ in range(4)] == [2, 3, 4, 5]
        assert (await anext(none)).data == 5
