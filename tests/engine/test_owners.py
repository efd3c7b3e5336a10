"""What Python keeps for a peer goes with it: tasks, and each table by ticket, session or connection."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import trio
import trio.testing

import rtcore
from rtcore._ground.numbers import USUAL
from rtcore.testing import MemoryServer, WireClient, memory_server


def kept(server: MemoryServer) -> dict[str, int]:
    """How much is in every table that Python has beside the core's, and how many tasks run."""
    runtime, engine = server.runtime, server.runtime.engine
    decisions, tasks, streams = runtime._decisions, runtime._tasks, runtime._streams
    nursery = engine.nursery
    assert nursery is not None
    return {
        "sessions": len(engine.sessions),
        "senders": len(engine.drained) + len(engine.raw_drained),
        "publishers": len(engine.tickets),
        "askers": len(engine.replies),
        "authenticators": len(decisions._hellos),
        "authorizers": len(decisions._asked),
        "workers": len(tasks.workers) + len(tasks._beside) + tasks._raws,
        "streams": len(streams._running) + len(streams._counts) + len(streams._after),
        "raw sockets": len(runtime._raws),
        "tasks": len(nursery.child_tasks),
    }


def slow() -> rtcore.App:
    """Whoever is asked answers in an hour, but for who says that it is quick."""
    app = rtcore.App()
    app.rooms("asked*", relay=True)
    app.rooms("block", relay=True, policy="block", history=2)

    @app.authenticate
    async def who(hello: rtcore.Hello) -> rtcore.User:
        if hello.token == "slow":
            await trio.sleep(3600)
        return rtcore.User(hello.token or "ada")

    @app.authorize("asked*")
    async def may(session: rtcore.Session, join: rtcore.Join) -> bool:
        if join.resuming or join.data != "quick":
            await trio.sleep(3600)
        return True

    @app.on("work", concurrency=2)
    async def work(session: rtcore.Session) -> None:
        await trio.sleep(3600)

    @app.on("wait")
    async def wait(session: rtcore.Session) -> None:
        await session.request("question")

    @app.stream("count")
    async def count(session: rtcore.Session):
        yield 1
        await trio.sleep(3600)

    @app.websocket("/raw")
    async def raw(socket: rtcore.RawSocket) -> None:
        async for _ in socket:
            pass

    return app


async def request(
    server: MemoryServer, line: str, fields: str = "", body: str | None = None
) -> trio.abc.Stream:
    stream = server.stream()
    end = "\r\n" if body is None else f"Content-Length: {len(body)}\r\n\r\n{body}"
    await stream.send_all(f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}{end}".encode())
    return stream


async def at_the_door(server: MemoryServer) -> None:
    """Asked who it is, over a WebSocket and by a request; then gone."""
    client = await server.connect()
    await client.send({"type": "hello", "token": "slow"})
    stream = await request(server, "POST /rt/session", "", json.dumps({"type": "hello", "token": "slow"}))
    await trio.testing.wait_all_tasks_blocked()
    assert kept(server)["authenticators"] == 2
    await client.cut()
    await stream.aclose()


async def a_stream_of_rooms(server: MemoryServer) -> None:
    """Asked about twelve rooms; then gone."""
    query = "&".join(f"room=asked{n}" for n in range(12))
    stream = await request(server, f"GET /rt/sse?{query}")
    await trio.testing.wait_all_tasks_blocked()
    assert kept(server)["authorizers"] == 12
    await stream.aclose()


async def who_comes_back_and_goes(server: MemoryServer) -> None:
    """A session whose rooms are asked about at each return, again and again, and who goes first."""
    client = await server.welcomed()
    for n in range(5):
        await client.ask("join", room=f"asked{n}", data="quick")
    for _ in range(10):
        returning = await server.connect()
        await returning.send({"type": "hello", "session": client.session, "key": client.key})
        await trio.testing.wait_all_tasks_blocked()
        assert kept(server)["authorizers"] == 5, "one return is asked about at a time"
        await returning.cut()
        await trio.testing.wait_all_tasks_blocked()
        assert kept(server)["authorizers"] == 0
    await client.send({"type": "bye"})
    await client.wait_closed()


async def all_that_a_session_can_have(server: MemoryServer) -> None:
    """Requests beside each other, an open question, streams, a raw socket."""
    client = await server.welcomed()
    await client.begin("emit", event="work", key="k")
    await client.begin("emit", event="work", key="k")
    await client.begin("emit", event="work")
    await client.begin("emit", event="wait")
    await client.begin("open", stream="count", credit=8)
    raw = WireClient(server.stream())
    await raw.open(path="/raw")
    await trio.testing.wait_all_tasks_blocked()
    now = kept(server)
    assert (now["askers"], now["streams"], now["raw sockets"]) == (1, 2, 1), now
    await raw.cut()
    await client.send({"type": "bye"})
    await client.cut()


async def items_by_a_key(server: MemoryServer) -> None:
    """A stream over plain HTTP that a session's key opened ends with that session."""
    client = await server.welcomed()
    fields = f"Authorization: Session {client.session}:{client.key}\r\n"
    stream = await request(server, "POST /rt/stream/count", fields, "")
    await trio.testing.wait_all_tasks_blocked()
    assert kept(server)["streams"] == 2
    await client.send({"type": "bye"})
    await client.wait_closed()
    await trio.testing.wait_all_tasks_blocked()
    assert kept(server)["streams"] == 0
    await stream.aclose()


async def who_waits_for_a_slow_member(server: MemoryServer) -> None:
    """A publisher that is cancelled while it waits for room in a ring."""
    member = await server.connect(reading=False)
    await member.send({"type": "hello"}, {"type": "join", "id": 1, "room": "block"})
    room = server.runtime.app.room("block")
    with trio.move_on_after(1):
        for _ in range(2000):
            await room.publish("said", "x" * 1000)
    assert kept(server)["publishers"] == 0
    await member.cut()


OWNERS: list[Callable[[MemoryServer], object]] = [
    at_the_door,
    a_stream_of_rooms,
    who_comes_back_and_goes,
    all_that_a_session_can_have,
    items_by_a_key,
    who_waits_for_a_slow_member,
]


ROOMS = {"rooms", "rooms by name", "bytes of rings"}
"""What empty rooms keep, for as long as their rings do."""


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.__name__)
async def test_what_is_kept_for_a_peer_goes_with_it(owner, autojump_clock: trio.abc.Clock) -> None:
    async with memory_server(slow()) as server:
        before, tables = kept(server), server.core.tables()
        await owner(server)
        await trio.sleep(400)  # every window is over, and no authorizer has answered yet
        assert kept(server) == before

        def left() -> dict[str, int]:
            return {name: held for name, held in server.core.tables() if held != dict(tables)[name]}

        # What became of a handler that had begun is known for as long as its key, whose share that is.
        of_keys = {"keys", "users", "addresses", "what is held of shares"}
        assert left().keys() <= {*of_keys, *ROOMS}, left()
        await trio.sleep(USUAL["key_ms"] / 1000)
        assert left().keys() <= ROOMS, left()
