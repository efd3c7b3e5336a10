"""HTTP/1.1 byte by byte: what is malformed, lies about its length, or never ends."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
import trio

from tests.patience import PATIENCE

from .conftest import QUICK, Ground
from .http1 import Connection, Ended
from .http_peer import Http, Session, http_at
from .peer import Peer

HELLO = b'{"type":"hello"}'


def post(path: str, fields: str, body: bytes = b"", host: str = "127.0.0.1") -> bytes:
    return f"POST /rt/{path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n".encode("latin-1") + body


async def said(http: Http, data: bytes, deadline: float = PATIENCE) -> tuple[int, Connection]:
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
    with trio.fail_after(PATIENCE):
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
    with trio.fail_after(PATIENCE):
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
    with trio.fail_after(PATIENCE):
        answer = await connection.answer()
    plain = b";" not in body and b"X-Trailer" not in body
    assert answer.status == 200 if plain else answer.status in (200, 400), answer.body
    if answer.status == 200:
        await connection.raw(b"GET /rt/none HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        with trio.fail_after(PATIENCE):
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
    with trio.fail_after(PATIENCE):
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

        async def drip() -> None:
            while True:
                await trio.sleep(0.05)  # the attack itself
                try:
                    await connection.raw(b"x")
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return

        async with trio.open_nursery() as nursery:
            nursery.start_soon(drip)
            await connection.ends()
            nursery.cancel_scope.cancel()


async def test_an_idle_connection_between_requests_may_stay_longer_than_a_head(ground: Ground) -> None:
    async with http_at(ground.place(**{**QUICK, "resume_ms": 10_000})) as http:
        connection = await http.open()
        answer = await http.request("POST", "session", [], {"type": "hello"}, over=connection)
        one = Session(http, answer.good(), answer.json())
        assert (await one.send({"type": "ping"}, over=connection))[0]["type"] == "pong"
