"""Servers, proxies and programs that say what they should not: the client reports it, and does not fail."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import trio
import trio.testing
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

import rtcore
from rtcore.client import Client, ClientError, WrongURL, connect
from rtcore.client.links.target import target_of

WELCOME = {
    "type": "welcome",
    "v": 1,
    "session": "s",
    "key": "k",
    "user": None,
    "epoch": "e1",
    "seq": 0,
    "head": 0,
    "taken": 0,
    "resumed": False,
    "rooms": [],
    "limits": {"max_message": 1 << 20, "ping": 25, "silence": 60, "resume": 120, "acks": 256, "keys": 3600},
    "transports": ["websocket", "sse", "polling"],
    "time": 1,
    "life": "l",
}
HALF = "no \ud83d such"
Answers = Callable[[dict[str, Any]], Iterable[object]]


async def websockets(stream: trio.abc.Stream, answers: Answers) -> None:
    """A server; what is bytes leaves as it is."""
    peer = WSConnection(ConnectionType.SERVER)
    async with stream:
        while data := bytes(await stream.receive_some(1 << 16)):
            peer.receive_data(data)
            for event in peer.events():
                if isinstance(event, Request):
                    await stream.send_all(peer.send(AcceptConnection(subprotocol="rtcore.v1.json")))
                elif isinstance(event, CloseConnection):
                    return
                elif isinstance(event, TextMessage):
                    said = json.loads(event.data)
                    for one in said if isinstance(said, list) else [said]:
                        for answer in answers(one):
                            out = answer if isinstance(answer, bytes) else None
                            out = out or peer.send(TextMessage(data=json.dumps(answer)))
                            await stream.send_all(out)


@asynccontextmanager
async def connected(
    serve: Callable[[trio.abc.Stream], Any], transport: str = "websocket", token: Any = None
) -> AsyncIterator[Client]:
    async def served(stream: trio.abc.Stream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await serve(stream)

    async with trio.open_nursery() as nursery:

        async def dial(_: object) -> trio.abc.Stream:
            ours, its = trio.testing.memory_stream_pair()
            nursery.start_soon(served, its)
            return ours

        async with connect("http://x", transport=transport, dial=dial, token=token, attempts=2) as client:
            yield client
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\x015",
        b"\x81\x01{",
        b"\x81\x02\xff\xff",
        b"\x83\x00",
        b"\x88\x01x",
        b"\x88\x02\x03\xed",
        b"\x89\x7e\x01\x00" + b"x" * 256,
    ],
)
async def test_a_server_that_ends_it_while_something_is_written_ends_no_program(
    autojump_clock: trio.testing.MockClock, frame: bytes
) -> None:
    """The close frame, or the client's last words, meet what the writer has half written."""

    def answers(said: dict[str, Any]) -> Iterable[object]:
        if said["type"] == "hello":
            return [WELCOME, frame]
        return []

    async with connected(lambda stream: websockets(stream, answers)) as client:
        with pytest.raises(ClientError):
            await client.emit("x", timeout=5)


class Speechless(Exception):  # noqa: N818
    code = "NO"

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Odd(Exception):  # noqa: N818
    code = HALF


@pytest.mark.parametrize("error", [rtcore.Refuse("NO", HALF), ValueError(HALF), Speechless(), Odd("x")])
async def test_an_answer_that_fails_is_told_whatever_can_be_said_of_it(
    autojump_clock: trio.testing.MockClock, error: Exception
) -> None:
    replies: list[dict[str, Any]] = []

    def answers(said: dict[str, Any]) -> Iterable[object]:
        if said["type"] == "hello":
            return [WELCOME, {"type": "request", "id": 1, "event": "q", "data": 1}]
        if said["type"] == "reply":
            replies.append(said)
        return [{"type": "ack", "id": said["id"], "data": 1}] if said["type"] == "emit" else []

    async with connected(lambda stream: websockets(stream, answers)) as client:

        @client.answer("q")
        def fails(_: object) -> None:
            raise error

        assert await client.emit("x", timeout=5) == 1
        await trio.sleep(1)
        assert await client.emit("x", timeout=5) == 1
    if replies:  # the question may have come before there was an answer
        assert all(isinstance(reply["error"]["message"], str) for reply in replies)


@pytest.mark.parametrize("where", ["event", "key", "room"])
async def test_a_name_that_cannot_be_said_is_refused_and_nothing_waits_behind_it(
    autojump_clock: trio.testing.MockClock, where: str
) -> None:
    def answers(said: dict[str, Any]) -> Iterable[object]:
        if said["type"] == "hello":
            return [WELCOME]
        return [{"type": "ack", "id": said["id"], "data": 1}] if said["type"] == "emit" else []

    async with connected(lambda stream: websockets(stream, answers)) as client:
        said: dict[str, Callable[[], Awaitable[object]]] = {
            "room": lambda: client.join(HALF),
            "event": lambda: client.emit(HALF),
            "key": lambda: client.emit("x", key=HALF),
        }
        with pytest.raises(rtcore.InvalidData):
            await said[where]()
        assert await client.emit("x", timeout=5) == 1


@pytest.mark.parametrize("token", [HALF, lambda: HALF, lambda: 5])
async def test_a_token_that_cannot_be_said_is_a_failed_attempt(
    autojump_clock: trio.testing.MockClock, token: Any
) -> None:
    with pytest.raises(BaseExceptionGroup) as raised:
        async with connected(lambda stream: websockets(stream, lambda _: [WELCOME]), token=token):
            pass
    assert raised.value.split(ClientError)[1] is None


@pytest.mark.parametrize(
    "page", [b"<html>sign in</html>", b"[1]", b'{"messages":[]}', b'{"messages":5,"n":1}', b"\xff"]
)
async def test_a_page_in_place_of_an_answer_is_a_broken_connection(
    autojump_clock: trio.testing.MockClock, page: bytes
) -> None:
    """A portal or a proxy answers 200 to whatever is asked, once the session has begun."""

    async def plain(stream: trio.abc.Stream) -> None:
        held = b""
        while data := bytes(await stream.receive_some(1 << 16)):
            held += data
            while b"\r\n\r\n" in held:
                head, _, held = held.partition(b"\r\n\r\n")
                lengths = [
                    line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                ]
                size = int(lengths[0].split(b":")[1]) if lengths else 0
                held = held[size:]
                body = json.dumps(WELCOME).encode() if head.startswith(b"POST /rt/session") else page
                await stream.send_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                    % (len(body), body)
                )

    async with connected(plain, "polling") as client:
        with pytest.raises(ClientError):
            await client.emit("x", timeout=5)


@pytest.mark.parametrize(
    "url", ["http://a..b/", f"http://{'a' * 64}/", "http://x\ud83d/", "http://a b/", "http://x/\ud83d"]
)
def test_an_address_that_nothing_can_have_is_refused_at_once(url: str) -> None:
    with pytest.raises(WrongURL):
        target_of(url)


def test_a_path_opens_no_line_of_its_own() -> None:
    assert target_of("http://x/%0d%0aX-Admin:%20yes/rt").path("ws") == "/%0D%0AX-Admin:%20yes/rt/ws"
    assert target_of("http://x/caf\u00e9%3f").path("ws") == "/caf%C3%A9%3F/ws"
    assert target_of("http://\u00e9.example/").authority == "xn--9ca.example"


@pytest.mark.parametrize(
    ("name", "value"),
    [("a b", "x"), ("", "x"), (":a", "x"), ("x", "\u0100"), ("x", " a"), ("x", "\x7f"), ("x", "a\r\nb: c"),
     ("Host", "x"), ("content-length", "5"), ("x", 5)],
)  # fmt: skip
def test_a_header_that_cannot_be_sent_is_refused_at_once(name: str, value: Any) -> None:
    with pytest.raises(WrongURL):
        target_of("http://x", headers={name: value})
