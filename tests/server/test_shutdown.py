"""Shutdown ends in bounded time, whatever peers do."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

import rtcore
from rtcore.testing import connect_tcp
from rtcore.testing.frames import TEXT, encode
from tests.patience import PATIENCE

from .conftest import certified, reached, serving

heard: list[object] = []


async def began_work() -> None:
    """Until the handler runs."""
    while not heard:  # noqa: ASYNC110 - it is another task of the same program
        await trio.sleep(0.005)


async def slow(_request: Request) -> Response:
    await trio.sleep(0.3)
    return PlainTextResponse("finished")


async def endless(_request: Request) -> Response:
    return PlainTextResponse("x" * 50_000_000)


async def listening(socket: WebSocket) -> None:
    await socket.accept()
    try:
        await socket.receive_text()
    except WebSocketDisconnect:
        heard.append("disconnected")


site = Starlette(
    routes=[Route("/slow", slow), Route("/endless", endless), WebSocketRoute("/listening", listening)]
)


def app_with_a_handler(seconds: float) -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea", relay=True)

    @app.on("work")
    async def work(session: rtcore.Session, data: Any) -> str:
        heard.append("began")
        await trio.sleep(seconds)
        heard.append("done")
        return "done"

    return app


@pytest.fixture(autouse=True)
def nothing_heard() -> None:
    heard.clear()


async def test_every_session_is_told_to_come_back_with_a_delay() -> None:
    async with serving(app_with_a_handler(0)) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello()
        server.stop.ask()
        bye = await client.until("bye")
        assert bye["code"] == 4000
        assert bye["after"] >= 0
        assert (await client.wait_closed()).code == 4000


@pytest.mark.parametrize("tls", [False, True])
async def test_while_it_drains_the_port_says_so_and_nothing_new_is_served(tls: bool, tmp_path: Path) -> None:
    """With one port, whoever sends clients here can ask nowhere else; and a refused connection says less."""
    settings, trust = certified(tmp_path) if tls else ({}, None)
    finish = trio.Event()
    app = rtcore.App()

    @app.on("work")
    async def work(session: rtcore.Session, data: Any) -> None:
        heard.append("began")
        await finish.wait()

    async with serving(app, mount=site, **settings) as server:
        async with reached(server, trust) as one:
            assert (await one.request("GET", "/healthz")).status == 200
        async with reached(server, trust) as client:
            welcome = (await client.request("POST", "/rt/session", (), b'{"type":"hello"}')).json()
            speaker = ("Authorization", f"Session {welcome['session']}:{welcome['key']}")
            await client.request("POST", "/rt/send", [speaker], b'{"type":"emit","id":1,"event":"work"}')
            await began_work()
            server.stop.ask()
            async with reached(server, trust) as one:  # those that were open are told, and this one is new
                for path, said in (("/healthz", 503), ("/healthz", 503)):
                    answer = await one.request("GET", path)
                    assert (answer.status, answer.body) == (said, b"stopping\n")
                    assert answer.get("connection") == "close"
                    break
            for path in ("/rt/ws", "/rt/poll?after=0", "/slow", "/metrics", "/rt/api/publish"):
                async with reached(server, trust) as one:
                    answer = (await one.request("GET", path)).refused(503, "OVERLOADED")
                    assert answer.get("retry-after") == "1"
            finish.set()
            await server.ended.wait()
        # And when it is over nobody is left waiting at the door.
        with pytest.raises(OSError, match=r"connect|refused"):
            await trio.open_tcp_stream("127.0.0.1", server.port)


async def test_who_comes_while_it_drains_does_not_hold_it_up() -> None:
    finish = trio.Event()
    app = rtcore.App()

    @app.on("work")
    async def work(session: rtcore.Session, data: Any) -> None:
        heard.append("began")
        await finish.wait()

    async with serving(app) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello()
        await client.begin("emit", event="work")
        await began_work()
        server.stop.ask()
        await client.until("bye")
        async with reached(server) as silent, reached(server) as slow:
            await slow.raw(b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
            await silent.raw(b"")
            finish.set()
            with trio.fail_after(8):  # and not the ten seconds of the grace
                await server.ended.wait()


async def test_what_runs_is_finished() -> None:
    async with serving(app_with_a_handler(0.3), mount=site) as server:
        async with trio.open_nursery() as nursery, connect_tcp("127.0.0.1", server.port) as client:
            answers: list[Any] = []

            async def request() -> None:
                answers.append(await server.get("/slow"))

            nursery.start_soon(request)
            await client.hello()
            await client.begin("emit", event="work")
            await began_work()
            server.stop.ask()
        assert answers[0][2] == "finished"
    assert heard == ["began", "done"]


async def test_an_ack_within_the_grace_is_heard() -> None:
    async with (
        serving(app_with_a_handler(0.3)) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        request = await client.begin("emit", event="work")
        await began_work()
        server.stop.ask()
        await client.until("bye", code=4000)
        assert (await client.answer(request))["data"] == "done"
        assert (await client.wait_closed()).code == 4000


async def test_what_does_not_end_is_ended_with_the_grace() -> None:
    """The handler would go on for longer than the test waits."""
    limits = {"grace_ms": 300}
    async with (
        serving(app_with_a_handler(2 * PATIENCE), limits=limits) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        await client.begin("emit", event="work")
        await began_work()
    assert heard == ["began"]


@asynccontextmanager
async def deaf(port: int, *said: bytes) -> AsyncIterator[None]:
    """A client that reads no more after the first bytes of the answer."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        for data in said:
            await stream.send_all(data)
            await stream.receive_some(10)
        yield


UPGRADE = (
    b"GET /rt/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
LISTEN = encode(TEXT, b'[{"type":"hello"},{"type":"join","id":1,"room":"tea"}]')
ENDLESS = b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def test_clients_that_never_read_hold_nothing_up() -> None:
    """One on rtcore's protocol with much to hear, one with an HTTP answer that does not fit the socket."""
    async with (
        serving(app_with_a_handler(0), mount=site, limits={"grace_ms": 500}) as server,
        connect_tcp("127.0.0.1", server.port) as talker,
        deaf(server.port, UPGRADE, LISTEN),
        deaf(server.port, ENDLESS),
    ):
        await talker.hello()
        await talker.ask("join", room="tea")
        for _ in range(20):
            await talker.ask("publish", room="tea", event="say", data="x" * 500_000)
        server.stop.ask()
        await talker.wait_closed()
        with trio.fail_after(PATIENCE):
            await server.ended.wait()


async def test_websockets_of_the_mounted_application_are_told() -> None:
    async with (
        serving(app_with_a_handler(0), mount=site) as server,
        connect_tcp("127.0.0.1", server.port, path="/listening") as client,
    ):
        server.stop.ask()
        assert (await client.wait_closed()).code == 1001
    assert heard == ["disconnected"]


async def test_cancelling_ends_it_at_once() -> None:
    with trio.fail_after(PATIENCE):
        async with (
            trio.open_nursery() as nursery,
            serving(app_with_a_handler(60)) as server,
            connect_tcp("127.0.0.1", server.port) as client,
        ):
            await client.hello()
            await client.begin("emit", event="work")
            nursery.cancel_scope.cancel()
            await trio.sleep_forever()


def start(folder: Path, *words: str) -> tuple[subprocess.Popen[str], int]:
    """`rtcore serve` as a program; its port is in its first line."""
    (folder / "work.py").write_text(
        "import rtcore, trio\napp = rtcore.App()\n"
        "@app.on('work')\nasync def work(session):\n    await trio.sleep_forever()\n"
    )
    command = [sys.executable, "-m", "rtcore", "serve", "work:app", "--port", "0", *words]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("rtcore serves http://127.0.0.1:"), line
    return process, int(line.rsplit(":", 1)[1])


async def test_sigterm_to_the_program(tmp_path: Path) -> None:
    process, port = start(tmp_path)
    with process:
        try:
            async with connect_tcp("127.0.0.1", port) as client:
                await client.hello()
                process.send_signal(signal.SIGTERM)
                assert (await client.until("bye"))["code"] == 4000
            assert await trio.to_thread.run_sync(lambda: process.wait(PATIENCE)) == 0
        finally:
            process.kill()


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """The grace is longer than the test waits."""
    process, port = start(tmp_path, "--limit", f"grace_ms={2 * PATIENCE:.0f}s")
    with process:
        try:
            async with connect_tcp("127.0.0.1", port) as client:
                await client.hello()
                await client.begin("emit", event="work")
                os.kill(process.pid, signal.SIGINT)
                await client.until("bye")
                os.kill(process.pid, signal.SIGINT)
                assert await trio.to_thread.run_sync(lambda: process.wait(PATIENCE)) == 0
        finally:
            process.kill()
