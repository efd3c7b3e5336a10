"""Code that holds everybody up is reported by name, of whatever kind it is and whenever it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

import rtcore
from rtcore._turn.held import LONG, LOOK_NS, Held
from rtcore.testing import MemoryServer, memory_server


def block() -> None:
    """Longer than anything may run."""
    time.sleep((LONG + LOOK_NS) / 1e9)  # more than a look at what was waited for may be old


async def wait() -> None:
    """After this a task is resumed by Trio, and not within a turn."""
    for _ in range(3):
        await trio.lowlevel.checkpoint()


def build() -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea:*")

    @app.authenticate
    async def who(hello: rtcore.Hello) -> rtcore.User:
        await wait()
        if hello.token == "slow":
            block()
        return rtcore.User("ann")

    @app.authorize("tea:*")
    async def enter(session: rtcore.Session, join: rtcore.Join) -> bool:
        await wait()
        if join.room == "tea:slow" or (session.state.__dict__.get("again") and join.resuming):
            block()
        return True

    @app.on("plain")
    def plain(session: rtcore.Session) -> None:
        block()

    @app.on("at once")
    async def at_once(session: rtcore.Session) -> None:
        block()

    @app.on("later")
    async def later(session: rtcore.Session) -> None:
        await wait()
        block()

    @app.on("quick")
    async def quick(session: rtcore.Session) -> None:
        await wait()

    @app.on("beside", concurrency=3)
    async def beside(session: rtcore.Session) -> None:
        await wait()
        block()

    @app.stream("down")
    async def down(session: rtcore.Session) -> AsyncIterator[int]:
        await wait()
        yield 1
        block()
        yield 2

    @app.stream("up")
    async def up(session: rtcore.Session, items: rtcore.Items[int]) -> None:
        await wait()
        block()

    @app.websocket("/raw")
    async def raw(socket: rtcore.RawSocket) -> None:
        async for _ in socket:
            await wait()
            block()

    async def own(session: rtcore.Session, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        await wait()
        block()

    @app.on("start_soon")
    def start_soon(session: rtcore.Session) -> None:
        session.nursery.start_soon(own, session)

    @app.on("start")
    async def start(session: rtcore.Session) -> None:
        await session.nursery.start(own, session)

    @app.on("renewal")
    def renewal(session: rtcore.Session) -> None:
        session.state.again = True

    @app.on_disconnect
    async def goodbye(session: rtcore.Session) -> None:
        await wait()
        if session.state.__dict__.get("slow"):
            block()

    @app.on("slow end")
    def slow_end(session: rtcore.Session) -> None:
        session.state.slow = True

    return app


async def emit(server: MemoryServer, event: str) -> None:
    client = await server.welcomed()
    await client.ask("emit", event=event)
    if event == "slow end":
        await client.send({"type": "bye"})


async def open_stream(server: MemoryServer, name: str) -> None:
    client = await server.welcomed()
    await client.begin("open", stream=name, up=name == "up", **({} if name == "up" else {"credit": 9}))
    await client.until("end")


async def speak_raw(server: MemoryServer, _: str) -> None:
    client = await server.connect(path="/raw")
    await client.raw(b"\x81\x80\x00\x00\x00\x00")


async def hello(server: MemoryServer, token: str) -> None:
    await server.welcomed(token=token)


async def join(server: MemoryServer, room: str) -> None:
    await (await server.welcomed()).ask("join", room=room)


async def renew(server: MemoryServer, _: str) -> None:
    client = await server.welcomed()
    await client.ask("join", room="tea:again")
    await client.ask("emit", event="renewal")
    await client.ask("auth", token="another")


CASES: list[tuple[Any, str, str]] = [
    (emit, "plain", "'plain'"),
    (emit, "at once", "'at once'"),
    (emit, "later", "'later'"),
    (emit, "beside", "'beside'"),
    (emit, "start_soon", "own of session"),
    (emit, "start", "own of session"),
    (emit, "slow end", "goodbye"),
    (open_stream, "down", "the stream 'down'"),
    (open_stream, "up", "the stream 'up'"),
    (speak_raw, "/raw", "'/raw'"),
    (hello, "slow", "the authenticator"),
    (join, "tea:slow", "the authorizer of 'tea:slow'"),
    (renew, "", "the authorizer of 'tea:again'"),
]


async def until_said(caplog: pytest.LogCaptureFixture, said: str) -> None:
    with trio.fail_after(30):
        while not any(said in text and "held the turn" in text for text in caplog.messages):  # noqa: ASYNC110
            await trio.sleep(0.01)


@pytest.mark.parametrize(("act", "what", "said"), CASES, ids=lambda one: one if isinstance(one, str) else "")
async def test_it_is_reported_by_name(
    act: Any, what: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with memory_server(build()) as server:
        await act(server, what)
        await until_said(caplog, said)


async def test_a_background_task_too(caplog: pytest.LogCaptureFixture) -> None:
    app = rtcore.App()

    @app.background
    async def clock(_: rtcore.App) -> None:
        await wait()
        block()

    async with memory_server(app):
        await until_said(caplog, "clock")


async def test_who_ran_is_named_and_who_waited_is_not(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, now, runs = Held(lambda: 0), 10**12, "a"
    monkeypatch.setattr("rtcore._turn.held.time.perf_counter_ns", lambda: now)

    async def work() -> None:
        nonlocal now, runs
        now += LONG  # as long as it may
        await wait()
        runs = "b"
        await wait()
        now += LONG + 1
        await wait()
        now += LONG + 1
        runs = "c"

    await held.watch(lambda _: runs, work())
    assert [text.partition(" held")[0] for text in caplog.messages] == ["b", "b or c"]


def test_one_that_is_often_slow_is_written_once_a_second(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, now = Held(lambda: 0), 10**12
    monkeypatch.setattr("rtcore._turn.held.time.perf_counter_ns", lambda: now)
    for _ in range(100):
        held.report(LONG, ["'a'"])
        held.report(LONG, ["'b'"])
    assert len(caplog.messages) == 2
    now += 10**9
    held.report(LONG, ["'a'"])
    assert len(caplog.messages) == 3
    for number in range(5000):
        held.report(LONG, [str(number)])
    assert len(held._reported) <= 1000


BUSY = """
import os, time
os.sched_setaffinity(0, {%d})
print(flush=True)
end = time.monotonic() + 20
while time.monotonic() < end: pass
"""


@pytest.mark.skipif(not Path("/proc/thread-self/schedstat").exists(), reason="nobody counts it here")
async def test_who_waits_for_a_processor_holds_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """On a machine that others use, a step of 20 ms took 80 ms, and was told of."""
    usual = os.sched_getaffinity(0)
    one = min(usual)
    held, others = Held(), list[subprocess.Popen[bytes]]()

    async def work() -> None:
        await wait()
        began = time.thread_time_ns()
        while time.thread_time_ns() - began < LONG * 2 // 5:
            pass

    try:
        os.sched_setaffinity(0, {one})  # all of them share it
        for _ in range(4):
            command = [sys.executable, "-c", BUSY % one]
            others.append(subprocess.Popen(command, stdout=subprocess.PIPE))  # noqa: ASYNC220 - it is short
        for other in others:
            assert other.stdout is not None
            other.stdout.readline()
        began = time.perf_counter_ns()
        await held.watch("'quick'", work())
        assert time.perf_counter_ns() - began > LONG, "the others take their share"
        assert not caplog.messages
        await held.watch("'slow'", slow())
    finally:
        os.sched_setaffinity(0, usual)
        for other in others:
            other.kill()
            other.wait()
            assert other.stdout is not None
            other.stdout.close()
    (said,) = caplog.messages
    assert said.startswith("'slow' held the turn")


async def slow() -> None:
    """It waits, and not for a processor."""
    await wait()
    block()


async def test_what_is_watched_is_awaited_as_without() -> None:
    """Results, errors and cancellation pass; an awaitable that is no coroutine too."""
    held, seen = Held(), list[str]()

    async def work(how: str) -> str:
        try:
            await wait()
            if how == "raise":
                raise LookupError("mine")
            if how == "wait":
                await trio.sleep_forever()
        except trio.Cancelled:
            seen.append("cancelled")
            raise
        return how

    class Awaitable:
        def __await__(self) -> Any:
            return work("custom").__await__()

    assert await held.watch("x", work("return")) == "return"
    assert await held.watch("x", Awaitable()) == "custom"
    with pytest.raises(LookupError, match="mine"):
        await held.watch("x", work("raise"))
    with trio.move_on_after(0.01) as scope:
        await held.watch("x", work("wait"))
    assert scope.cancelled_caught
    assert seen == ["cancelled"]
