"""What event streams and long-polling share: a session over plain HTTP, and sends of its own."""

from __future__ import annotations

import msgspec
import trio

from .http1 import Answer, Connection, Fields
from .http1 import Ended as Cut
from .link import Ended, Link, Message, Place, Refused, cut


class PlainHttp(Link):
    """`POST /rt/session` and `POST /rt/send` on one connection, what comes down on another."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.up: Connection | None = None
        self.down: Connection | None = None
        self.authorization: list[tuple[str, str]] = []
        self.sending = trio.Lock()  # the next send goes out after the answer to the last

    async def hello(self, fields: Message) -> list[Message]:
        answer = await self.post("session", msgspec.json.encode({"type": "hello", **fields}))
        welcome = answer.json()
        assert welcome["type"] == "welcome", welcome
        assert answer.get("cache-control") == "no-store", answer.fields
        self.authorization = [("Authorization", f"Session {welcome['session']}:{welcome['key']}")]
        return [welcome]

    async def post(self, name: str, body: bytes) -> Answer:
        """One POST; over a new connection when the last has ended."""
        async with self.sending:
            answer = await self.try_post(name, body)
            if answer is None:  # a connection that was kept may end at any moment, RFC 9112 §9.3.1
                answer = await self.try_post(name, body)
        if answer is None:
            raise Ended(1006, self.bye)
        if answer.status != 200:
            raise Refused(answer)
        return answer

    async def try_post(self, name: str, body: bytes) -> Answer | None:
        """None: the connection was a kept one, and ended without an answer."""
        kept = self.up is not None and not self.up.over and not self.up.eof
        if self.up is None or not kept:
            await close(self.up)
            self.up = await self.place.http()
        try:
            return await self.up.request("POST", f"{self.place.prefix}/{name}", self.authorization, body)
        except (Cut, trio.BrokenResourceError, trio.ClosedResourceError):
            whole = not self.up.buffer
            await close(self.up)
            self.up = None
            if kept and whole:
                return None
            raise Ended(1006, self.bye) from None

    async def say(self, *messages: Message, array: bool = False) -> list[Message]:
        """Several messages in one send are an array, with `array` or without."""
        said: object = list(messages) if array or len(messages) > 1 else messages[0]
        answer = (await self.post("send", msgspec.json.encode(said))).json()
        return self.noticed(answer["messages"])

    async def get(self, target: str, fields: Fields = ()) -> Connection:
        """Ask for what comes down; the answer is still to be read."""
        if self.down is None or self.down.over or self.down.eof:
            await close(self.down)
            self.down = await self.place.http()
        await self.down.ask("GET", target, [*self.authorization, *fields])
        return self.down

    def drop(self) -> None:
        for one in (self.up, self.down):
            if one is not None:
                cut(one.stream)


async def close(connection: Connection | None) -> None:
    if connection is not None:
        await trio.aclose_forcefully(connection.stream)
