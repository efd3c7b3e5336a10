"""HTTP/1.1, request by request: in a row, by other methods, in other versions, and beside those of others."""

from __future__ import annotations

import msgspec
import pytest
import trio
import trio.testing

from tests.patience import PATIENCE

from .conftest import Ground
from .http_peer import Http, http_at
from .peer import Peer
from .test_http_bytes import HELLO, post, said

# -- requests in a row


async def test_pipelined_requests_are_answered_in_order(http: Http, bob: Peer, room: str) -> None:
    one = await http.session()
    await one.ask("join", room=room)
    connection = await http.open()
    wire = b""
    for n in range(2, 22):
        body = msgspec.json.encode({"type": "publish", "id": n, "room": room, "event": "say", "data": n})
        wire += connection.written("POST", "/rt/send", one.fields, body)
        connection.expecting.append("POST")
    wire += connection.written("GET", "/rt/none")
    connection.expecting.append("GET")
    await connection.raw(wire)
    with trio.fail_after(PATIENCE):
        acks = [(await connection.answer()).good().json()["messages"] for _ in range(20)]
        assert [[ack["id"] for ack in each] for each in acks] == [[n] for n in range(2, 22)]
        assert (await connection.answer()).status == 404


async def test_a_byte_order_mark_before_a_body_is_passed_over(http: Http) -> None:
    """PowerShell and .NET write one (RFC 8259 section 8.1)."""
    mark = b"\xef\xbb\xbf"
    (await http.request("POST", "session", [], mark + b'{"type":"hello"}')).good()
    one = await http.session()
    ping = {"type": "ping", "time": 1}
    (pong,) = await one.send(mark + msgspec.json.encode(ping))
    assert (pong["type"], pong["time"]) == ("pong", 1)
    # One is a mark; two are nonsense.
    (error,) = await one.send(mark * 2 + msgspec.json.encode(ping))
    assert error["code"] == "INVALID_MESSAGE"


async def test_behind_a_parked_poll_a_request_waits(http: Http, bob: Peer, room: str) -> None:
    one = await http.session()
    await one.ask("join", room=room)
    await bob.join(room)
    connection = await http.open()
    await connection.ask("GET", "/rt/poll?after=0&wait=25", one.fields)
    await connection.ask("POST", "/rt/send", one.fields, b'{"type":"ping","time":1}')
    await bob.publish(room, "woken")
    with trio.fail_after(PATIENCE):
        assert "n" in (await connection.answer()).good().json()
        (pong,) = (await connection.answer()).good().json()["messages"]
    assert pong["type"] == "pong"


@pytest.mark.parametrize("served", ["plain", "tls"])
async def test_a_flood_of_pipelined_requests_is_answered_when_it_is_read(ground: Ground, served: str) -> None:
    """Two thousand in one go from one that reads late: what is not answered waits in its own socket."""
    async with http_at(ground.place(served)) as http:
        session = await http.session()
        connection = await http.open()
        ping = connection.written("POST", "/rt/send", session.fields, b'{"type":"ping"}')
        count = 2000
        connection.expecting += ["POST"] * count
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.raw, ping * count)
                await trio.testing.wait_all_tasks_blocked(0.1)
                for _ in range(count):
                    (pong,) = (await connection.answer()).good().json()["messages"]
                    assert pong["type"] == "pong"


# -- methods and versions


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "session", "POST"),
        ("PUT", "session", "POST"),
        ("DELETE", "send", "POST"),
        ("GET", "send", "POST"),
        ("POST", "poll?after=0", "GET"),
        ("PUT", "sse?room=relay:x", "GET"),
        ("PATCH", "poll?after=0", "GET"),
        ("TRACE", "poll", "GET"),
        ("X-OWN", "send", "POST"),
    ],
)
async def test_another_method_is_405_and_told_which_is_right(
    http: Http, method: str, path: str, allowed: str
) -> None:
    connection = await http.open()
    with trio.fail_after(PATIENCE):
        answer = await connection.request(method, f"/rt/{path}", body=b"{}" if method != "GET" else None)
    assert answer.status == 405, (answer.status, answer.body)
    assert allowed in [each.strip() for each in (answer.get("allow") or "").split(",")]
    assert answer.get("cache-control") == "no-store"


async def test_head_is_answered_without_a_body(http: Http) -> None:
    connection = await http.open()
    with trio.fail_after(PATIENCE):
        for path in ("/rt/sse?room=relay:x", "/rt/poll?after=0", "/rt/none"):
            answer = await connection.request("HEAD", path)
            assert answer.status in (200, 401, 404, 405)
            if connection.over:
                connection = await http.open()
        assert not connection.buffer


async def test_100_continue_is_said_before_the_body_is_awaited(http: Http) -> None:
    connection = await http.open()
    connection.expecting.append("POST")
    await connection.raw(post("session", f"Content-Length: {len(HELLO)}\r\nExpect: 100-continue\r\n"))
    with trio.fail_after(PATIENCE):
        while b"\r\n\r\n" not in connection.buffer:
            await connection.more()
        assert connection.buffer.startswith(b"HTTP/1.1 100")
        await connection.raw(HELLO)
        answer = await connection.answer()
    assert answer.status == 200
    assert answer.informed == [100]


async def test_100_continue_is_not_said_to_a_body_over_the_limit(http: Http) -> None:
    fields = f"Content-Length: {1 << 30}\r\nExpect: 100-continue\r\n"
    status, connection = await said(http, post("session", fields))
    assert status in (413, 417)
    await connection.ends()


async def test_an_expectation_that_nobody_knows_is_417_or_passed_over(http: Http) -> None:
    status, _ = await said(
        http, post("session", f"Content-Length: {len(HELLO)}\r\nExpect: wonders\r\n", HELLO)
    )
    assert status in (200, 400, 417)


@pytest.mark.parametrize(
    "line", ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/11", "http/1.1", "HTTP/1.1 x"]
)
async def test_another_version_is_answered_and_then_closed_or_refused(http: Http, line: str) -> None:
    data = f"POST /rt/session {line}\r\nHost: 127.0.0.1\r\nContent-Length: 16\r\n\r\n".encode() + HELLO
    connection = await http.open()
    await connection.raw(data)
    whole = await connection.ends()
    assert whole == b"" or whole.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))
    if whole and line != "HTTP/1.0":
        assert whole.split()[1] in (b"400", b"505", b"200")


async def test_http_1_0_without_chunks(http: Http) -> None:
    """A reader of 1.0 knows no chunks: a stream ends with its connection."""
    connection = await http.open()
    await connection.raw(b"GET /rt/sse?room=relay:old HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
    with trio.fail_after(PATIENCE):
        while b"\n\n" not in connection.buffer and b"\r\n\r\n" not in connection.buffer:
            await connection.more()
    head = bytes(connection.buffer).lower()
    assert b"chunked" not in head


@pytest.mark.parametrize("value", ["close", "keep-alive, close", "Close"])
async def test_connection_close_is_honoured(http: Http, value: str) -> None:
    status, connection = await said(
        http, post("session", f"Content-Length: {len(HELLO)}\r\nConnection: {value}\r\n", HELLO)
    )
    assert status == 200
    await connection.ends()


async def test_a_token_in_a_url_is_refused(http: Http) -> None:
    for method, path, body in (
        ("POST", "session?token=secret", {"type": "hello"}),
        ("GET", "sse?room=relay:x&token=secret", None),
    ):
        answer = await http.request(method, path, [], body)
        assert answer.status in (400, 401), (path, answer.status, answer.body)
        assert b"secret" not in answer.body


# -- whoever is bad, others are served


async def test_what_one_does_wrong_harms_no_other(http: Http, bob: Peer, room: str) -> None:
    one = await http.session()
    stream = await one.stream()
    await one.ask("join", room=room)
    await bob.join(room)
    for data in (
        b"\0" * 100,
        b"GET / HTTP/1.1\r\n\r\n",
        post("send", "Content-Length: x\r\n"),
        b"\x16\x03\x01\x02\x00",
    ):
        connection = await http.open()
        await connection.raw(data)
        connection.stream.socket.close()  # type: ignore[attr-defined]
    seq = await bob.publish(room, "still")
    assert (await stream.message("event", room=room))["seq"] == seq
