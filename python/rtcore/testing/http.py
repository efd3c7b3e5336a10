"""Plain HTTP for tests: a request to what the server answers, the mounted application included."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import h11
import msgspec
import trio

_MOST = 1 << 16


class Answer(msgspec.Struct, frozen=True):
    """What came of a request: its status, its headers by their names in lower case, and its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text.

        Raises:
            UnicodeDecodeError: it is no UTF-8.

        """
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: it is none.

        """
        return json.loads(self.body)


async def exchange(
    stream: trio.abc.Stream,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    body: bytes,
) -> Answer:
    """One request on a new connection, which is closed then.

    Raises:
        h11.ProtocolError: what was said is no HTTP, or what came is none.

    """
    http = h11.Connection(h11.CLIENT)
    fields = {"host": "localhost", "connection": "close", **{key.lower(): headers[key] for key in headers}}
    if body:
        fields.setdefault("content-length", str(len(body)))
    said = [
        http.send(h11.Request(method=method, target=path, headers=list(fields.items()))),
        http.send(h11.Data(data=body)) if body else b"",
        http.send(h11.EndOfMessage()),
    ]
    async with stream:
        await stream.send_all(b"".join(part or b"" for part in said))
        head: h11.Response | None = None
        parts: list[bytes] = []
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(bytes(await stream.receive_some(_MOST)))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                break
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                raise h11.RemoteProtocolError("the connection ended before the answer did")
    named = {key.decode().lower(): value.decode("latin-1") for key, value in head.headers}
    return Answer(head.status_code, named, b"".join(parts))


Answer.__module__ = "rtcore.testing"
