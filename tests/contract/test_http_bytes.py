"""HTTP/1.1 byte by byte: what is malformed, lies about its length or never ends; requests in a row; and
what no peer may bring upon another.
"""

from __future__ import annotations

import contextlib

import msgspec
import pytest
import trio

from .conftest import QUICK, Ground
from .http1 import Connection, Ended
from .http_peer import Http, Session, http_at
from .peer import Peer

HELLO = b'{"type":"hello"}'


def post(path: str, fields: str, body: bytes = b"", host: str = "127.0.0.1") -> bytes:
    return f"POST /rt/{path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n".encode("latin-1") + body


async def said(http: Http, data: bytes, deadline: float = 5) -> tuple[int, Connection]:
    """Send bytes; return the status of the answer, 0 when the connection just ends."""
    connection = await http.open()
    connection.expecting.append("POST")
    await connection.raw(data)
    with trio.fail_after(deadline):
        try:
            return (await connection.answer()).status, connection
        except Ended:
            return 0, connection


# -- lengths


@pytest.mark.parametrize(
    "fields",
    [
        "Content-Length: 16\r\nContent-Length: 17\r\n",
        "Content-Length: 16, 16\r\n",
        "Content-Length: +16\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x10\r\n",
        "Content-Length: 16 16\r\n",
        "Content-Length: \r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length: 16\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length : 16\r\n",
        " Content-Length: 16\r\n",
        "Content-Length: 16\r\n folded\r\n",
        "Content-Length: 16\nX: y\r\n",
        "Content-Length: 16\r\nX: a\0b\r\n",
        "Content-Length: 16\r\nX\r\n",
        "Content-Length: 16\r\n: x\r\n",
    ],
)
async def test_a_head_that_two_readers_could_read_differently_is_refused(http: Http, fields: str) -> None:
    """Smuggling begins here: refused, and the connection ends with it."""
    status, connection = await said(http, post("session", fields, HELLO))
    assert status in (0, 400, 411, 413, 501), status
    await connection.ends()


async def test_a_body_over_the_limit_is_413_before_it_is_read(http: Http) -> None:
    one = await http.session()
    limit = one.welcome["limits"]["max_message"]
    name, value = one.fields[0]
    status, connection = await said(http, post("send", f"{name}: {value}\r\nContent-Length: {limit + 1}\r\n"))
    assert status == 413, "answered before a byte of the body"
    await connection.ends()
    status, connection = await said(http, post("session", f"Content-Length: {(64 << 10) + 1}\r\n"))
    assert status == 413, "64 KiB before there is a session"
    # In chunks nobody knows how much it will be: it is refused when it is too much.
    connection = await http.open()
    connection.expecting.append("POST")
    await connection.raw(post("send", f"{name}: {value}\r\nTransfer-Encoding: chunked\r\n"))
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    status = None
    with trio.fail_after(10):
        for _ in range(limit // 0x10000 + 2):
            try:
                await connection.raw(chunk)
            except trio.BrokenResourceError:
                break
        try:
            status = (await connection.answer()).status
        except Ended:
            status = 413  # reset with bytes unread: the answer may be lost, and the body was not taken
    assert status == 413
    assert await one.emit("echo", 1) == 1


async def test_a_body_that_is_just_within_the_limit_is_taken(http: Http) -> None:
    one = await http.session()
    limit = one.welcome["limits"]["max_message"]
    message = {"type": "emit", "id": 1, "event": "echo", "data": ""}
    message["data"] = "x" * (limit - len(msgspec.json.encode(message)))
    (ack,) = await one.send(message)
    assert len(ack["data"]) == len(message["data"])


async def test_a_length_that_promises_more_is_waited_for_and_not_answered(
    http: Http, bob: Peer, name: str
) -> None:
    """Half a body is none: the peer goes away, and nothing was done."""
    one = await http.session()
    field, value = one.fields[0]
    body = msgspec.json.encode({"type": "emit", "id": 1, "event": "count", "data": name})
    connection = await http.open()
    await connection.raw(post("send", f"{field}: {value}\r\nContent-Length: {len(body) + 1}\r\n", body))
    await connection.stream.send_eof()  # type: ignore[attr-defined]
    await connection.ends()
    assert await bob.emit("counted", name) == 0


async def test_a_length_that_promises_less_is_the_beginning_of_the_next_request(http: Http) -> None:
    """What is left over is no request, and refused as one."""
    one = await http.session()
    field, value = one.fields[0]
    connection = await http.open()
    connection.expecting += ["POST", "POST"]
    await connection.raw(
        post("send", f"{field}: {value}\r\nContent-Length: 2\r\n", b'[]{"type":"bye"}\r\n\r\n')
    )
    with trio.fail_after(5):
        assert (await connection.answer()).status == 200
        with contextlib.suppress(Ended):
            assert (await connection.answer()).status == 400
    await connection.ends()
    assert await one.emit("echo", 1) == 1


# -- chunks


@pytest.mark.parametrize(
    "body",
    [
        b"10\r\n" + HELLO + b"\r\n0\r\n\r\n",
        b"8\r\n" + HELLO[:8] + b"\r\n8\r\n" + HELLO[8:] + b"\r\n0\r\n\r\n",
        b"".join(b"1\r\n%c\r\n" % byte for byte in HELLO) + b"0\r\n\r\n",
        b"0010\r\n" + HELLO + b"\r\n000\r\n\r\n",
        b"10;name=value\r\n" + HELLO + b"\r\n0;last\r\n\r\n",
        b"10\r\n" + HELLO + b"\r\n0\r\nX-Trailer: y\r\n\r\n",
    ],
    ids=["one", "two", "bytes", "zeros", "extensions", "trailers"],
)
async def test_chunks_are_a_body_or_refused_as_a_whole(http: Http, body: bytes) -> None:
    """Extensions and trailers may be ignored or refused, RFC 9112 §7.1: never read as something else."""
    connection = await http.open()
    connection.expecting += ["POST", "GET"]
    await connection.raw(post("session", "Transfer-Encoding: chunked\r\n", body))
    with trio.fail_after(5):
        answer = await connection.answer()
    plain = b";" not in body and b"X-Trailer" not in body
    assert answer.status == 200 if plain else answer.status in (200, 400), answer.body
    if answer.status == 200:
        await connection.raw(b"GET /rt/none HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        with trio.fail_after(5):
            assert (await connection.answer()).status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"x\r\n",
        b"-1\r\n",
        b" 10\r\n",
        b"10 \r\n" + HELLO + b"\r\n0\r\n\r\n",
        b"+10\r\n",
        b"0x10\r\n",
        b"\r\n",
        b"10\n" + HELLO + b"\r\n0\r\n\r\n",
        b"10\r\n" + HELLO + b"x\r\n0\r\n\r\n",
        b"10\r\n" + HELLO + b"\n0\r\n\r\n",
        b"fffffffffffffffff\r\n",
        b"ffffffffffffffff\r\n",
        b"80000000\r\n",
        b"10;" + b"x" * 100_000,
        b"10\r\n" + HELLO + b"\r\n0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    ],
)
async def test_bad_chunks_are_refused_and_end_the_connection(http: Http, body: bytes) -> None:
    connection = await http.open()
    connection.expecting.append("POST")
    with trio.fail_after(5):
        try:
            await connection.raw(post("session", "Transfer-Encoding: chunked\r\n", body))
            assert (await connection.answer()).status in (400, 413, 431)
        except (Ended, trio.BrokenResourceError):
            pass
    await connection.ends()


# -- time


@pytest.mark.parametrize(
    "data",
    [
        b"GET /rt/poll HTTP/1.1\r\nHost: x",
        b"G",
        post("session", "Content-Length: 16\r\n", HELLO[:8]),
        b"\r\n\r\n\r\n",
        post("session", "Transfer-Encoding: chunked\r\n", b"10\r\n" + HELLO[:8]),
    ],
    ids=["head", "byte", "body", "blank", "chunks"],
)
async def test_who_sends_slowly_for_ever_is_not_kept(ground: Ground, data: bytes) -> None:
    """Slow loris: one byte now and then is no reason to wait on. The time is for the request as a whole."""
    async with http_at(ground.place(**QUICK, body_ms=500, keep_alive_ms=500)) as http:
        connection = await http.open()
        await connection.raw(data)
        began = trio.current_time()

        async def drip() -> None:
            while True:
                await trio.sleep(0.05)  # the attack itself
                try:
                    await connection.raw(b"x")
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return

        async with trio.open_nursery() as nursery:
            nursery.start_soon(drip)
            await connection.ends(6)
            nursery.cancel_scope.cancel()
        assert trio.current_time() - began < 5


async def test_an_idle_connection_between_requests_may_stay_longer_than_a_head(ground: Ground) -> None:
    async with http_at(ground.place(**{**QUICK, "resume_ms": 10_000})) as http:
        connection = await http.open()
        answer = await http.request("POST", "session", [], {"type": "hello"}, over=connection)
        one = Session(http, answer.good(), answer.json())
        assert (await one.send({"type": "ping"}, over=connection))[0]["type"] == "pong"


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
    with trio.fail_after(5):
        acks = [(await connection.answer()).good().json()["messages"] for _ in range(20)]
        assert [[ack["id"] for ack in each] for each in acks] == [[n] for n in range(2, 22)]
        assert (await connection.answer()).status == 404


async def test_behind_a_parked_poll_a_request_waits(http: Http, bob: Peer, room: str) -> None:
    one = await http.session()
    await one.ask("join", room=room)
    await bob.join(room)
    connection = await http.open()
    await connection.ask("GET", "/rt/poll?after=0&wait=25", one.fields)
    await connection.ask("POST", "/rt/send", one.fields, b'{"type":"ping","time":1}')
    await bob.publish(room, "woken")
    with trio.fail_after(5):
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
        with trio.fail_after(20):
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
    with trio.fail_after(5):
        answer = await connection.request(method, f"/rt/{path}", body=b"{}" if method != "GET" else None)
    assert answer.status == 405, (answer.status, answer.body)
    assert allowed in [each.strip() for each in (answer.get("allow") or "").split(",")]
    assert answer.get("cache-control") == "no-store"


async def test_head_is_answered_without_a_body(http: Http) -> None:
    connection = await http.open()
    with trio.fail_after(5):
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
    with trio.fail_after(5):
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
    with trio.fail_after(5):
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
