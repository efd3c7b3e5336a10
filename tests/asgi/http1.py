"""An HTTP/1.1 client on one connection, for tests: h11 and a stream."""

from __future__ import annotations

from typing import Any, NamedTuple

import h11
import trio

from tests.patience import PATIENCE


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class Http1:
    """Requests one after the other on one stream."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.state = h11.Connection(h11.CLIENT)

    async def ask(self, method: str, path: str, *, body: bytes = b"", **headers: str) -> Answer:
        """One request and its whole answer; the connection may carry another after it."""
        await self.begin(method, path, body=body, **headers)
        return await self.answer()

    async def begin(
        self, method: str, path: str, *, body: bytes = b"", whole: bool = True, **headers: str
    ) -> None:
        """The request alone. `transfer_encoding="chunked"` sends the body in pieces; not `whole`: it never
        ends.
        """
        fields = [
            ("Host", "localhost"),
            *((name.replace("_", "-"), value) for name, value in headers.items()),
        ]
        if body and "transfer_encoding" not in headers:
            fields.append(("Content-Length", str(len(body))))
        await self._send(h11.Request(method=method, target=path, headers=fields))
        for start in range(0, len(body), 50_000):
            await self._send(h11.Data(data=body[start : start + 50_000]))
        if whole:
            await self._send(h11.EndOfMessage())

    async def answer(self) -> Answer:
        """The answer to what was asked; then the connection is ready for the next."""
        head = await self.head()
        body = b""
        while piece := await self.receive_some():
            body += piece
        if self.state.our_state is h11.DONE and self.state.their_state is h11.DONE:
            self.state.start_next_cycle()
        return Answer(head.status_code, {n.decode(): v.decode() for n, v in head.headers}, body)

    async def head(self) -> h11.Response:
        """The head of an answer."""
        with trio.fail_after(PATIENCE):
            while not isinstance(event := await self._event(), h11.Response):
                pass
        return event

    async def receive_some(self) -> bytes:
        """Some of the body; nothing at its end."""
        with trio.fail_after(PATIENCE):
            event = await self._event()
        assert isinstance(event, (h11.Data, h11.EndOfMessage)), event
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    async def _event(self) -> Any:
        while (event := self.state.next_event()) is h11.NEED_DATA:
            try:
                data = await self.stream.receive_some()
            except trio.BrokenResourceError:
                data = b""
            self.state.receive_data(bytes(data))
        return event

    async def _send(self, event: Any) -> None:
        await self.stream.send_all(bytes(self.state.send(event) or b""))

    async def ended(self) -> bool:
        """Whether the server closes the connection, within the patience."""
        with trio.move_on_after(PATIENCE):
            try:
                return not await self.stream.receive_some()
            except trio.BrokenResourceError:
                return True
        return False
