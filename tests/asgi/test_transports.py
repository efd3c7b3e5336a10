"""Event streams, polls and sends over the gateway: the core's own, in HTTP/1.1 and in HTTP/2."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from starlette.applications import Starlette
from starlette.routing import Mount

import rtcore
from rtcore.testing import connect_tcp
from tests.patience import PATIENCE

from .conftest import Outer, below_hypercorn, chat
from .http1 import Answer, Http1
from .http2 import Http2, connect_h2

versions = pytest.mark.parametrize("version", ["1.1", "2"])


class Client:
    """A session over plain HTTP: requests beside each other, in whichever version."""

    def __init__(self, stack: AsyncExitStack, port: int, shared: Http2 | None, above: str) -> None:
        self._stack = stack
        self._port = port
        self._shared = shared
        self._above = above
        self.headers: dict[str, str] = {}
        self.last_id = 0

    async def link(self) -> Http1 | Http2:
        """HTTP/2 has one connection for all, HTTP/1.1 one for each."""
        if self._shared is not None:
            return self._shared
        stream = await trio.open_tcp_stream("127.0.0.1", self._port)
        self._stack.push_async_callback(trio.aclose_forcefully, stream)
        return Http1(stream)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request."""
        data = b"" if body is None else json.dumps(body).encode()
        asked = {**self.headers, **headers}
        return await (await self.link()).ask(method, self._above + path, body=data, **asked)

    async def hello(self, **fields: Any) -> dict[str, Any]:
        """Begin a session, or go on with one."""
        answer = await self.ask("POST", "/rt/session", {"type": "hello", "v": 1, **fields})
        assert answer.status == 200, answer
        welcome: dict[str, Any] = json.loads(answer.body)
        self.headers = {"authorization": f"Session {welcome['session']}:{welcome['key']}"}
        self.last_id = max(self.last_id, welcome["taken"])
        return welcome

    async def send(self, kind: str, **fields: Any) -> Any:
        """One request of the protocol; its ack's data."""
        self.last_id += 1
        answer = await self.ask("POST", "/rt/send", {"type": kind, "id": self.last_id, **fields})
        assert answer.status == 200, answer
        (ack,) = [said for said in json.loads(answer.body)["messages"] if said.get("id") == self.last_id]
        assert "error" not in ack, ack
        return ack.get("data")

    @asynccontextmanager
    async def events(self, path: str, **headers: str) -> AsyncIterator[Events]:
        """An event stream, as messages."""
        link = await self.link()
        asked = {**self.headers, **headers}
        if isinstance(link, Http2):
            stream = await link.begin("GET", self._above + path, **asked)
            assert await stream.head() == 200, await stream.whole()
            async with stream:
                yield Events(stream)
        else:
            await link.begin("GET", self._above + path, **asked)
            assert (await link.head()).status_code == 200
            yield Events(link)
            await trio.aclose_forcefully(link.stream)


class Events:
    """The messages of an event stream, as they come."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._text = b""
        self._said: deque[dict[str, Any]] = deque()

    async def until(self, kind: str) -> dict[str, Any]:
        """The next one of this type."""
        with trio.fail_after(PATIENCE):
            while True:
                while self._said:
                    if (said := self._said.popleft())["type"] == kind:
                        return said
                await self._more()

    async def _more(self) -> None:
        piece = await self._source.receive_some()
        assert piece, "the stream has ended"
        *events, self._text = (self._text + piece).split(b"\n\n")
        for event in events:
            if lines := [line[6:] for line in event.split(b"\n") if line.startswith(b"data: ")]:
                said = json.loads(b"\n".join(lines))
                self._said += said if isinstance(said, list) else [said]


@asynccontextmanager
async def a_client(server: Outer, version: str, above: str = "") -> AsyncIterator[Client]:
    async with AsyncExitStack() as stack:
        shared = await stack.enter_async_context(connect_h2(server.port)) if version == "2" else None
        yield Client(stack, server.port, shared, above)


@versions
async def test_a_session_an_event_stream_and_sends(version: str) -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat())) as server,
        a_client(server, version) as client,
        connect_tcp("127.0.0.1", server.port) as ada,
    ):
        await ada.hello()
        await ada.ask("join", room="tea")
        assert (await client.hello())["resumed"] is False
        async with client.events("/rt/sse") as events:
            assert (await client.send("join", room="tea"))["count"] == 2
            # Each event comes when it is said, not when the stream ends: it does not.
            for number in range(3):
                await ada.ask("publish", room="tea", event="say", data=number)
                assert (await events.until("event"))["data"] == number
            assert await client.send("emit", event="echo", data="x" * 200_000) == "x" * 200_000
            await client.send("publish", room="tea", event="say", data="from below")
            assert (await ada.until("event", data="from below"))["room"] == "tea"


@versions
async def test_a_poll_waits_and_is_woken(version: str) -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat())) as server,
        a_client(server, version) as client,
        connect_tcp("127.0.0.1", server.port) as ada,
    ):
        await ada.hello()
        await client.hello()
        await client.send("join", room="tea")
        after, heard = 0, []
        async with trio.open_nursery() as nursery:

            async def publish() -> None:
                await trio.testing.wait_all_tasks_blocked()
                for number in range(3):
                    await ada.ask("publish", room="tea", event="say", data=number)

            await ada.ask("join", room="tea")
            nursery.start_soon(publish)
            with trio.fail_after(PATIENCE):
                while len(heard) < 3:
                    answer = json.loads((await client.ask("GET", f"/rt/poll?after={after}&wait=5")).body)
                    after = answer["n"]
                    heard += [said["data"] for said in answer["messages"] if said["type"] == "event"]
        assert heard == [0, 1, 2]
        answer = json.loads((await client.ask("GET", f"/rt/poll?after={after}&wait=0")).body)
        assert answer["messages"] == []


@versions
async def test_a_session_moves_between_all_of_them(version: str) -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat())) as server,
        a_client(server, version) as client,
        connect_tcp("127.0.0.1", server.port) as first,
        connect_tcp("127.0.0.1", server.port) as ada,
    ):
        await ada.hello()
        await ada.ask("join", room="tea")
        await first.hello()
        await first.ask("join", room="tea")
        await ada.ask("publish", room="tea", event="say", data="by socket")
        assert (await first.until("event"))["data"] == "by socket"
        kept = {"session": first.session, "key": first.key, "position": first.position}
        assert (await client.hello(**kept))["resumed"]
        assert (await first.until("bye"))["code"] == 4500
        await ada.ask("publish", room="tea", event="say", data="by stream")
        async with client.events("/rt/sse") as events:
            assert (await events.until("event"))["data"] == "by stream"
        await trio.testing.wait_all_tasks_blocked()  # the server has seen that the stream is over
        await ada.ask("publish", room="tea", event="say", data="by poll")
        answer = json.loads((await client.ask("GET", "/rt/poll?after=0&wait=5")).body)
        assert [said["data"] for said in answer["messages"] if said["type"] == "event"][-1] == "by poll"


@versions
async def test_a_stream_without_a_session_and_its_end_in_mid_stream(version: str) -> None:
    gone = trio.Event()
    app = chat()

    @app.on_disconnect
    def left(session: rtcore.Session) -> None:
        gone.set()

    async with (
        below_hypercorn(rtcore.asgi(app)) as server,
        a_client(server, version) as client,
        connect_tcp("127.0.0.1", server.port) as ada,
    ):
        await ada.hello()
        await ada.ask("join", room="tea")
        await ada.ask("publish", room="tea", event="say", data="before")
        async with client.events("/rt/sse?room=tea&last=1") as events:
            assert (await events.until("welcome"))["session"]
            assert (await events.until("event"))["data"] == "before"
        with trio.fail_after(PATIENCE):
            await gone.wait()
        answer = await client.ask("GET", "/rt/sse?room=unheard-of")
        assert (answer.status, json.loads(answer.body)["code"]) == (404, "NOT_FOUND")


@versions
async def test_bodies_over_the_limit_and_of_no_session_are_refused(version: str) -> None:
    async with below_hypercorn(rtcore.asgi(chat())) as server, a_client(server, version) as client:
        link = await client.link()
        await client.hello()
        if isinstance(link, Http1):
            length = {"content_length": str(2 << 20)}
            await link.begin("POST", "/rt/send", whole=False, **client.headers, **length)
            assert (await link.head()).status_code == 413
        else:
            # All of it is sent, though the answer is there before: Hypercorn would not survive a shorter
            # stream.
            answer = await link.ask("POST", "/rt/send", body=b"x" * (3 << 20), **client.headers)
            assert answer.status == 413
        client.headers = {"authorization": "Session nobody:nothing"}
        for path in ("/rt/poll?after=0", "/rt/sse"):
            answer = await client.ask("GET", path)
            assert (answer.status, json.loads(answer.body)["code"]) == (404, "NOT_FOUND")
        assert (await client.ask("DELETE", "/rt/send")).status == 405


@versions
async def test_a_cookie_is_for_the_path_that_the_browser_sees(version: str) -> None:
    live = rtcore.asgi(chat())
    site = Starlette(routes=[Mount("/live", live)], lifespan=live.lifespan)
    async with below_hypercorn(site) as server, a_client(server, version, "/live") as client:
        answer = await client.ask("POST", "/rt/session", {"type": "hello", "cookie": True})
        welcome = json.loads(answer.body)
        cookie = answer.headers["set-cookie"]
        assert "; Path=/live/rt/; HttpOnly" in cookie
        sent = {"cookie": cookie.partition(";")[0]}
        path = f"/rt/poll?session={welcome['session']}&after=0&wait=0"
        assert (await client.ask("GET", path, **sent)).status == 200
        assert (await client.ask("GET", path)).status == 404


@versions
async def test_shutdown_tells_those_who_listen(version: str) -> None:
    live = rtcore.asgi(chat())
    async with (
        below_hypercorn(live) as server,
        a_client(server, version) as client,
        trio.open_nursery() as nursery,
    ):
        await client.hello()
        async with client.events("/rt/sse") as events:
            await client.send("join", room="tea")
            assert live._running is not None
            nursery.start_soon(live._running._assembly.shut_down)
            assert (await events.until("bye"))["code"] == 4000
