"""A connection that carries requests of both kinds: each goes to whom it is for, whoever had the one
before.
"""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
import trustme
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from rtcore.testing import WireClient
from tests.patience import PATIENCE
from tests.server.conftest import Running, serving

from .conftest import chat
from .http1 import Http1

going_on = trio.Event()


async def page(request: Request) -> Response:
    assert request.client is not None
    return PlainTextResponse(f"page for {request.client.host} with {len(await request.body())}")


async def unread(_request: Request) -> Response:
    await trio.sleep(0.05)  # the body fills the queue meanwhile
    return PlainTextResponse("I did not look")


async def pieces(_request: Request) -> Response:
    async def body() -> AsyncIterator[str]:
        for number in range(3):
            yield f"{number} "

    return StreamingResponse(body())


async def background(_request: Request) -> Response:
    return PlainTextResponse("answered", background=BackgroundTask(going_on.wait))


async def failing(_request: Request) -> Response:
    raise ZeroDivisionError("of the application")


METHODS = ["GET", "POST", "HEAD"]
site = Starlette(
    routes=[
        Route("/page", page, methods=METHODS),
        Route("/unread", unread, methods=METHODS),
        Route("/pieces", pieces),
        Route("/background", background),
        Route("/failing", failing),
    ]
)


@asynccontextmanager
async def on_one_connection(server: Running) -> AsyncIterator[Http1]:
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        yield Http1(stream)


@asynccontextmanager
async def welcomed(stream: trio.abc.Stream) -> AsyncIterator[WireClient]:
    """A session of the core's on a connection that has carried something else."""
    client = WireClient(stream)
    await client.open()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.read)
        await client.hello()
        yield client
        nursery.cancel_scope.cancel()


async def test_requests_of_the_site_and_then_a_websocket_of_the_core_on_one_connection() -> None:
    async with serving(chat(), mount=site) as server, on_one_connection(server) as http:
        for _ in range(3):
            answer = await http.ask("GET", "/page")
            assert (answer.status, answer.body) == (200, b"page for 127.0.0.1 with 0")
            assert "connection" not in answer.headers
            assert (await http.ask("GET", "/healthz")).body == b"ok\n"
        async with welcomed(http.stream) as client:
            assert await client.ask("emit", event="echo", data=1) == 1


async def test_plain_http_of_the_core_and_requests_of_the_site_by_turns() -> None:
    async with serving(chat(), mount=site) as server, on_one_connection(server) as http:
        hello = json.dumps({"type": "hello", "v": 1}).encode()
        welcome = json.loads((await http.ask("POST", "/rt/session", body=hello)).body)
        key = {"authorization": f"Session {welcome['session']}:{welcome['key']}"}
        for number in range(1, 4):
            assert (await http.ask("GET", "/page")).status == 200
            emit = json.dumps({"type": "emit", "id": number, "event": "echo", "data": number}).encode()
            answer = await http.ask("POST", "/rt/send", body=emit, **key)
            assert json.loads(answer.body)["messages"] == [{"type": "ack", "id": number, "data": number}]
            assert (await http.ask("POST", "/page", body=b"x" * 70_000)).body.endswith(b"with 70000")
            answer = await http.ask("GET", f"/rt/poll?after={number - 1}&wait=0", **key)
            assert json.loads(answer.body)["n"] == number


async def test_both_kinds_pipelined() -> None:
    hello = (
        b"POST /rt/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16\r\n\r\n" + b'{"type":"hello"}'
    )
    asked = hello + GET % b"/page" + hello + hello + GET % b"/pieces" + GET % b"/healthz"
    async with serving(chat(), mount=site) as server, on_one_connection(server) as http:
        await http.stream.send_all(asked)
        heard = b""
        with trio.fail_after(PATIENCE):
            while not heard.endswith(b"ok\n"):
                heard += await http.stream.receive_some()
    kinds = [b"welcome", b"page for", b"welcome", b"welcome", b"2 \r\n", b"ok\n"]
    for part, kind in zip(heard.split(b"HTTP/1.1 200")[1:], kinds, strict=True):
        assert kind in part


async def test_bodies_with_a_length_and_in_chunks_up_and_down() -> None:
    async with serving(chat(), mount=site) as server, on_one_connection(server) as http:
        body = b"x" * 300_000
        assert (await http.ask("POST", "/page", body=body)).body.endswith(b"with 300000")
        answer = await http.ask("POST", "/page", body=body, transfer_encoding="chunked")
        assert answer.body.endswith(b"with 300000")
        answer = await http.ask("GET", "/pieces")
        assert (answer.headers["transfer-encoding"], answer.body) == ("chunked", b"0 1 2 ")
        assert (await http.ask("HEAD", "/page")).body == b""
        assert (await http.ask("GET", "/nothing")).status == 404
        assert (await http.ask("GET", "/page")).status == 200


GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("cut", [1, 7, 10_000], ids=["bytes", "fragments", "at once"])
async def test_pipelined_requests_are_answered_in_order(cut: int) -> None:
    """Also where the client is faster than the site: what was read beyond an answer is the next head."""
    post = b"POST /page HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12345"
    asked = GET % b"/page" + post + GET % b"/nothing" + GET % b"/pieces" + GET % b"/healthz"
    async with serving(chat(), mount=site) as server, on_one_connection(server) as http:
        for start in range(0, len(asked), cut):
            await http.stream.send_all(asked[start : start + cut])
        heard = b""
        with trio.fail_after(PATIENCE):
            while not heard.endswith(b"ok\n"):
                heard += await http.stream.receive_some()
    marks = [b"with 0", b"with 5", b"404", b"\r\n0 ", b"ok\n"]
    assert [heard.index(mark) for mark in marks] == sorted(heard.index(mark) for mark in marks)
    assert heard.count(b"HTTP/1.1 ") == 5


async def test_much_that_is_pipelined_waits_in_the_socket() -> None:
    """More than is kept beyond a request: nothing is lost, and nothing grows."""
    count = 1600
    async with serving(chat(), mount=site) as server, on_one_connection(server) as http:
        heard = bytearray()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(http.stream.send_all, GET % b"/healthz" * count)
            with trio.fail_after(PATIENCE):
                while heard.count(b"ok\n") < count:
                    heard += await http.stream.receive_some()


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /page HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
        b"GET /page HTTP/1.0\r\n\r\n",
    ],
    ids=["close", "1.0 keep-alive", "1.0"],
)
async def test_a_request_that_is_the_last_ends_the_connection(request_text: bytes) -> None:
    async with serving(chat(), mount=site) as server, on_one_connection(server) as http:
        await http.stream.send_all(request_text)
        with trio.fail_after(PATIENCE):
            answer = b"".join([chunk async for chunk in http.stream])
        assert b"200" in answer
        assert b"connection: close" in answer.lower()


async def test_after_an_error_of_the_site_the_connection_is_as_good_as_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(chat(), mount=site) as server, on_one_connection(server) as http:
        assert (await http.ask("GET", "/failing")).status == 500
        assert (await http.ask("GET", "/page")).status == 200
    assert "of the application" in caplog.text


async def test_a_body_that_nobody_reads_closes_the_connection_and_leaves_nothing_behind() -> None:
    """The application answers; the rest of the body would be read as the next head, or for ever."""
    async with serving(chat(), mount=site) as server:
        async with on_one_connection(server) as http, trio.open_nursery() as nursery:

            async def send() -> None:
                with contextlib.suppress(trio.BrokenResourceError):
                    while True:
                        await http.stream.send_all(b"x" * 100_000)

            await http.stream.send_all(
                b"POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n"
            )
            nursery.start_soon(send)
            assert (await http.head()).status_code == 200
        server.stop.ask()
        with trio.fail_after(PATIENCE):
            await server.ended.wait()


async def test_what_the_application_does_after_its_answer_holds_nothing_up() -> None:
    global going_on
    going_on = trio.Event()
    async with serving(chat(), mount=site) as server, on_one_connection(server) as http:
        assert (await http.ask("GET", "/background")).body == b"answered"
        assert (await http.ask("GET", "/page")).status == 200
        going_on.set()


async def test_clients_that_disappear_at_the_boundary_leave_nothing() -> None:
    async with serving(chat(), mount=site) as server:
        for leave in range(20):
            async with on_one_connection(server) as http:
                await http.ask("GET", "/page")
                if leave % 2:
                    await http.stream.send_all(b"GET /pa")
        await trio.testing.wait_all_tasks_blocked()
        async with on_one_connection(server) as http:
            # While the site answers the one that asks, the core counts none.
            assert b"\nrtcore_current_connections 0" in (await http.ask("GET", "/metrics")).body


async def test_a_connection_that_comes_back_is_counted_by_its_limits_as_before() -> None:
    limits = {"connections_per_address": 2}
    async with serving(chat(), mount=site, limits=limits) as server, on_one_connection(server) as http:
        for _ in range(10):
            assert (await http.ask("GET", "/page")).status == 200
        async with on_one_connection(server) as other:
            assert (await other.ask("GET", "/page")).status == 200
            await trio.testing.wait_all_tasks_blocked()  # both are the core's again
            async with on_one_connection(server) as third:
                with trio.fail_after(PATIENCE):
                    assert b" 503 " in await third.stream.receive_some()


async def test_an_idle_connection_is_closed_when_no_head_comes() -> None:
    async with (
        serving(chat(), mount=site, limits={"keep_alive_ms": 200}) as server,
        on_one_connection(server) as http,
    ):
        await http.ask("GET", "/page")
        assert await http.ended()


async def test_a_proxy_that_speaks_for_many_on_one_connection() -> None:
    async with (
        serving(chat(), mount=site, proxies=["127.0.0.1"]) as server,
        on_one_connection(server) as http,
    ):
        for client in ("192.0.2.1", "192.0.2.2"):
            answer = await http.ask("GET", "/page", X_Forwarded_For=client)
            assert answer.body.startswith(f"page for {client}".encode())
        assert (await http.ask("GET", "/page")).body.startswith(b"page for 127.0.0.1")


async def test_a_head_that_smuggles_is_refused_as_the_second_request_too() -> None:
    async with serving(chat(), mount=site) as server, on_one_connection(server) as http:
        await http.ask("GET", "/page")
        await http.stream.send_all(
            b"POST /page HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        with trio.fail_after(PATIENCE):
            assert b" 400 " in await http.stream.receive_some()


async def test_shutdown_ends_connections_that_wait() -> None:
    async with serving(chat(), mount=site) as server, on_one_connection(server) as http:
        await http.ask("GET", "/page")
        server.stop.ask()
        assert await http.ended()
        with trio.fail_after(PATIENCE):
            await server.ended.wait()


async def test_the_same_over_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with serving(chat(), mount=site, certificate=str(tmp_path / "server.pem")) as server:
        tcp = await trio.open_tcp_stream("127.0.0.1", server.port)
        stream: Any = trio.SSLStream(tcp, context, server_hostname="localhost", https_compatible=True)
        http = Http1(stream)
        for _ in range(2):
            assert (await http.ask("POST", "/page", body=b"x" * 100_000)).body.endswith(b"with 100000")
        await stream.send_all(GET % b"/page" + GET % b"/healthz")
        heard = b""
        with trio.fail_after(PATIENCE):
            while not heard.endswith(b"ok\n"):
                heard += await stream.receive_some()
        async with welcomed(stream) as client:
            assert await client.ask("emit", event="echo", data=1) == 1
        await trio.aclose_forcefully(stream)
