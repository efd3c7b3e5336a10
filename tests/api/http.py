"""Requests over real TCP, written by hand: what the server answers is read as it stands on the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import trio

from rtcore.testing import WireClient, connect_tcp
from tests.patience import PATIENCE

KEY = "the-key-of-these-tests-0123456789"
# The answer is over when the connection is.
HOST = "Host: localhost\r\nConnection: close\r\n"


class Answer(NamedTuple):
    status: int
    head: dict[str, str]
    body: Any


def read_answer(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return Answer(int(first.split()[1]), fields, json.loads(body) if body else None)


class Api:
    """The publish API of a server on a port."""

    def __init__(self, port: int, key: str | None = KEY) -> None:
        self.port = port
        self.key = key

    async def raw(self, request: bytes) -> Answer:
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
            await stream.send_all(request)
            with trio.fail_after(PATIENCE):
                return read_answer(b"".join([chunk async for chunk in stream]))

    async def request(
        self, path: str, body: bytes | None = None, *, method: str = "POST", **headers: str
    ) -> Answer:
        fields = {"Host": "localhost", "Connection": "close"}
        if self.key is not None:
            fields["Authorization"] = f"Bearer {self.key}"
        if body is not None:
            fields["Content-Length"] = str(len(body))
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return await self.raw(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + (body or b""))

    async def __call__(self, operation: str, said: Any, **headers: str) -> Answer:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return await self.request(f"/rt/api/{operation}", body, **headers)

    async def ok(self, operation: str, said: Any) -> Any:
        answer = await self(operation, said)
        assert answer.status == 200, answer
        return answer.body

    @asynccontextmanager
    async def session(self, *rooms: str, **hello: Any) -> AsyncIterator[WireClient]:
        """A session that is in these rooms."""
        async with connect_tcp("127.0.0.1", self.port) as client:
            await client.hello(**hello)
            for room in rooms:
                await client.ask("join", room=room)
            yield client
