"""Calls from elsewhere: another thread, another run of Trio, asyncio, before the serving and after it.

The mistake that everybody makes: FastAPI runs a plain `def` route in a worker thread, and it publishes from
there. It works, or nothing was done and the error says what to write; and what was said is written at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import outcome
import pytest
import trio
import trio.lowlevel

import rtcore
from rtcore.testing import memory_server
from tests.engine.surface import ANYWHERE, CLIENT, HANDED, HERE, REGISTERED, TABLE, World, surface

PATIENCE = 30.0


def build() -> tuple[rtcore.App, dict[str, Any]]:
    app, found = rtcore.App(), dict[str, Any]()
    app.rooms("tea", presence=False)  # else something is heard in a while, whoever called what
    app.rooms("milk", presence=False)
    app.collection("notes", Any)

    @app.websocket("/raw")
    async def raw(socket: rtcore.RawSocket) -> None:
        found["socket"] = socket
        await trio.sleep_forever()

    @app.stream("up")
    async def up(session: rtcore.Session, items: rtcore.Items[Any]) -> None:
        found["items"] = items
        await trio.sleep_forever()

    @app.on("meet")
    def meet(session: rtcore.Session) -> None:
        found["session"] = session

    @app.on("echo")
    async def echo(session: rtcore.Session, data: Any) -> Any:
        await trio.lowlevel.checkpoint()  # it goes on outside of a turn: only the flusher writes
        return data

    return app, found


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    app, found = build()
    served = rtcore.asgi(build()[0])
    with trio.fail_after(PATIENCE):
        async with memory_server(app) as server, served.lifespan():
            client = await server.welcomed()
            await client.ask("join", room="tea")
            await client.ask("emit", event="meet")
            stream = await client.begin("open", stream="up", up=True)
            await client.until("credit", id=stream)
            await server.connect(path="/raw", reading=False)
            await client.ask("emit", event="echo", data=0)
            notes = app.collection("notes")
            notes.put("n2", {"title": "tea"})
            (member,) = app.room("tea").members()
            yield World(
                app, server, client, room=app.room("tea"), member=member, served=served, notes=notes, **found
            )


# -- places


def in_a_thread(work: Callable[[], Any]) -> Any:
    """In a thread that Trio knows nothing of."""
    done: list[outcome.Maybe[Any]] = []
    thread = threading.Thread(target=lambda: done.append(outcome.capture(work)))
    thread.start()
    thread.join()
    return done[0].unwrap()


def in_another_run(work: Callable[[], Any]) -> Any:
    async def main() -> Any:
        return work()

    return in_a_thread(partial(trio.run, main))


def in_a_worker_of_another_run(work: Callable[[], Any]) -> Any:
    return in_a_thread(partial(trio.run, trio.to_thread.run_sync, work))


def in_asyncio(work: Callable[[], Any]) -> Any:
    async def main() -> Any:
        return work()

    return in_a_thread(lambda: asyncio.run(main()))


def in_asyncio_s_worker(work: Callable[[], Any]) -> Any:
    return in_a_thread(lambda: asyncio.run(asyncio.to_thread(work)))


def in_a_worker(work: Callable[[], Any]) -> Any:
    return work()


THREADS = [in_a_worker, in_a_thread, in_a_worker_of_another_run, in_asyncio_s_worker]
LOOPS = [in_another_run, in_asyncio]


async def at(place: Callable[[Callable[[], Any]], Any], work: Callable[[], Any]) -> Any:
    """Do it in a place, while the server goes on."""
    return await trio.to_thread.run_sync(place, work)


def stepped(call: Callable[[], Any]) -> Any:
    """The first step of what may be awaited, as any loop does it."""
    waiting = call()
    try:
        return waiting.send(None)
    except StopIteration as done:
        return done.value
    finally:
        waiting.close()


# -- the law


def test_every_public_function_says_what_it_does_in_a_thread() -> None:
    found = set(surface())
    assert found - TABLE == set(), "say in tests/engine/surface.py what it does in a thread"
    assert TABLE - found == set(), "it is in the table, and is no more"


@pytest.mark.parametrize("place", THREADS)
@pytest.mark.parametrize("name", HANDED)
async def test_a_plain_function_is_done_from_any_thread_and_what_it_says_is_written(
    name: str, place: Any
) -> None:
    way = HANDED[name]
    async with world() as here:
        direct_and_other: list[Any] = [await at(place, partial(way.call, here))]
        if way.hears is not None:
            await here.client.until(way.hears["type"], **way.hears)
        elif not here.socket.close_code:
            await here.client.ask("emit", event="echo", data=1)
        if name in {"Room.members", "App.sessions", "Member.session"}:
            direct_and_other.append(way.call(here))
            assert direct_and_other[0] == direct_and_other[1]


@pytest.mark.parametrize("place", LOOPS)
async def test_a_plain_function_in_the_thread_of_another_loop_does_nothing_and_says_what_to_write(
    place: Any,
) -> None:
    async with world() as here:
        before = here.state()
        for name, way in HANDED.items():
            says = rf"^`{name.partition('.')[2]}` .* nothing was done: write `await .*to_thread"
            with pytest.raises(rtcore.UsageError, match=says) as told:
                await at(place, partial(way.call, here))
            assert not isinstance(told.value, rtcore.NotServing), name
            assert here.state() == before, name
        await here.client.ask("emit", event="echo", data=1)
        assert here.app.room("tea").publish_nowait("said", 3).seq == before[0] + 1
        await here.client.until("event", data=3)


@pytest.mark.parametrize("place", [*THREADS, *LOOPS])
async def test_a_coroutine_function_elsewhere_does_nothing_and_says_what_to_write(place: Any) -> None:
    calls = {name: way.call for name, way in HERE.items()} | CLIENT
    async with world() as here:
        before = here.state()
        for name, call in calls.items():
            with pytest.raises(rtcore.UsageError, match=r"nothing was done.*trio\.from_thread\.run"):
                await at(place, lambda call=call: stepped(lambda: call(here)))
            assert here.state() == before, name
        await here.client.ask("emit", event="echo", data=1)


@pytest.mark.parametrize("place", [*THREADS, *LOOPS])
async def test_what_is_only_read_can_be_read_anywhere(place: Any) -> None:
    async with world() as here:
        before = here.state()
        for name, call in ANYWHERE.items():
            assert await at(place, partial(call, here)) == call(here), name
            assert here.state() == before, name


@pytest.mark.parametrize("place", [None, *THREADS, *LOOPS])
async def test_after_the_serving_nobody_is_reached_and_it_says_so(place: Any) -> None:
    async with world() as here:
        here.session.nursery  # noqa: B018 - made while it was served
    for name, way in (HANDED | HERE).items():
        plain = name in HANDED
        work = partial(way.call, here) if plain else partial(stepped, partial(way.call, here))
        with trio.fail_after(PATIENCE):
            told = await outcome.acapture(at, place, work) if place else outcome.capture(work)
        # What has ended is closed: to close it again is nothing.
        assert isinstance(told, outcome.Error) == way.after, name
        if isinstance(told, outcome.Error):
            assert isinstance(told.error, rtcore.NotServing), name
    assert here.session.ended
    assert not here.session.connected
    assert here.session.rooms == {}


@pytest.mark.parametrize("place", [None, *THREADS, *LOOPS])
@pytest.mark.parametrize("name", ["room", "user", "all", "sessions"])
async def test_before_the_serving_and_after_it_an_application_reaches_nobody(name: str, place: Any) -> None:
    app, _ = build()

    def work() -> Any:
        found = getattr(app, name)
        return found("tea") if callable(found) else found

    for _ in range(2):
        with pytest.raises(rtcore.NotServing):
            work() if place is None else await at(place, work)
        async with memory_server(app) as server:
            await server.welcomed()


def test_every_registration_is_in_the_law() -> None:
    """Registered in any thread before it is served, and refused in any while it is."""
    assert all(callable(getattr(rtcore.App(), name.partition(".")[2])) for name in REGISTERED)


@pytest.mark.parametrize("place", [*THREADS, *LOOPS])
async def test_registration_while_it_is_served_comes_too_late_anywhere(place: Any) -> None:
    app = rtcore.App()
    await at(place, lambda: app.rooms("tea"))
    async with memory_server(app):
        with pytest.raises(rtcore.UsageError, match="too late"):
            await at(place, lambda: app.rooms("milk"))


# -- many threads, and what goes on beside them


async def test_many_threads_at_once_lose_nothing_and_say_nothing_twice() -> None:
    async with world() as here:
        room, seqs = here.room, list[int]()

        def say(first: int) -> None:
            for number in range(first, first + 50):
                seqs.append(room.publish_nowait("said", number).seq)

        async with trio.open_nursery() as nursery:
            for first in range(0, 400, 50):
                nursery.start_soon(trio.to_thread.run_sync, say, first)
        said = [(await here.client.until("event"))["data"] for _ in range(400)]
        assert sorted(said) == list(range(400))
        assert len(set(seqs)) == 400


async def test_what_is_refused_in_the_run_is_refused_in_the_thread() -> None:
    async with world() as here:
        for wrong, error in (
            (lambda: here.app.room("nowhere").publish_nowait("said"), rtcore.NotFound),
            (lambda: here.room.publish_nowait("", 1), rtcore.InvalidData),
            (lambda: here.room.publish_nowait("said", object()), rtcore.InvalidData),
            (lambda: here.app.room("$all"), rtcore.Forbidden),
        ):
            with pytest.raises(error):
                await trio.to_thread.run_sync(wrong)


async def test_a_thread_that_outlives_the_server_is_told() -> None:
    """A thread that was abandoned publishes after the end: it is told, and hangs for nothing."""
    go, told = threading.Event(), list[BaseException]()

    def late(room: rtcore.Room) -> None:
        go.wait(PATIENCE)
        try:
            room.publish_nowait("said", 1)
        except BaseException as error:
            told.append(error)

    async with world() as here:
        thread = threading.Thread(target=late, args=[here.room])
        thread.start()
    go.set()
    await trio.to_thread.run_sync(thread.join)
    assert [type(error) for error in told] == [rtcore.NotServing]


def test_a_thread_that_outlives_the_run_is_told() -> None:
    rooms: list[rtcore.Room] = []

    async def main() -> None:
        async with world() as here:
            rooms.append(here.room)

    trio.run(main)
    with pytest.raises(rtcore.NotServing):
        in_a_thread(lambda: rooms[0].publish_nowait("said", 1))


async def test_who_waits_from_outside_is_told_when_the_serving_ends() -> None:
    """A request of the site that waits for a session's answer must not wait for ever."""
    told: list[BaseException] = []

    async def ask(session: rtcore.Session) -> None:
        try:
            await session.request("never answered")
        except rtcore.NotServing as error:
            told.append(error)

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery, world() as here:
            nursery.start_soon(ask, here.session)
            await here.client.until("request")
    assert len(told) == 1


async def test_a_coroutine_function_by_way_of_the_run() -> None:
    """What the error says to write."""
    async with world() as here:
        entry = await trio.to_thread.run_sync(
            lambda: trio.from_thread.run(partial(here.room.publish, "said", 5))
        )
        assert (await here.client.until("event"))["seq"] == entry.seq


def test_as_a_guest_of_asyncio_the_host_may_call_plain_functions() -> None:
    """The loop of the host and the run share a thread: nothing stands still, and what is said is written."""

    async def host() -> Any:
        ready: asyncio.Future[World] = asyncio.get_running_loop().create_future()
        ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def main() -> Any:
            async with world() as here:
                ready.set_result(here)
                return (await here.client.until("event"))["data"]

        trio.lowlevel.start_guest_run(
            main,
            run_sync_soon_threadsafe=asyncio.get_running_loop().call_soon_threadsafe,
            done_callback=ended.set_result,
        )
        here = await ready
        here.room.publish_nowait("said", "from the host")
        return (await ended).unwrap()

    assert asyncio.run(host()) == "from the host"
