"""A session over plain HTTP, request by request: for what a well-behaved client never says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import trio

from tests.patience import PATIENCE

from .eventstream import Event, EventStream
from .http1 import Answer, Connection, Fields
from .link import Message, Place, cut


class Http:
    """Requests to one place. Each goes over a connection of its own unless it is given one."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.connections: list[Connection] = []

    async def open(self) -> Connection:
        """A connection that stays open until the test is over."""
        connection = await self.place.http()
        self.connections.append(connection)
        return connection

    def close(self) -> None:
        """Let go of everything."""
        for connection in self.connections:
            cut(connection.stream)

    async def request(
        self,
        method: str,
        path: str,
        fields: Fields = (),
        said: object = None,
        *,
        over: Connection | None = None,
    ) -> Answer:
        """A request under the prefix; `said` is its body as JSON."""
        body = None if said is None else said if isinstance(said, bytes) else msgspec.json.encode(said)
        connection = over or await self.open()
        with trio.fail_after(PATIENCE):
            return await connection.request(method, f"{self.place.prefix}/{path}", fields, body)

    async def session(self, fields: Fields = (), **hello: object) -> Session:
        """A session of its own."""
        answer = await self.request("POST", "session", fields, {"type": "hello", **hello})
        return Session(self, answer.good(), answer.json())

    async def stream(self, path: str, fields: Fields = (), said: bytes | None = None) -> Stream:
        """An event stream, which has to begin; with a body it is asked for by `POST`."""
        connection = await self.open()
        with trio.fail_after(PATIENCE):
            method = "GET" if said is None else "POST"
            await connection.ask(method, f"{self.place.prefix}/{path}", fields, said)
            answer = await connection.head()
            if answer.status != 200:
                while (part := await connection.part()) is not None:
                    answer.body += part
                raise AssertionError((answer.status, answer.body))
        assert (answer.get("content-type") or "").startswith("text/event-stream"), answer.fields
        return Stream(connection, answer)


class Session:
    """A session that was made by `POST /rt/session`."""

    def __init__(self, http: Http, answer: Answer, welcome: Message) -> None:
        self.http = http
        self.answer = answer
        self.welcome = welcome
        self.id, self.key = welcome["session"], welcome["key"]
        self.fields = [("Authorization", f"Session {self.id}:{self.key}")]
        self.n = 0

    @property
    def cookie(self) -> str:
        """The cookie that was set, as a browser sends it back."""
        (cookie,) = self.answer.all("set-cookie")
        return cookie.partition(";")[0]

    async def send(self, *messages: object, over: Connection | None = None) -> list[Message]:
        """Send messages; return what came back."""
        said = messages[0] if len(messages) == 1 else list(messages)
        answer = await self.http.request("POST", "send", self.fields, said, over=over)
        return answer.good().json()["messages"]

    async def ask(self, kind: str, **fields: object) -> Any:
        """One request, answered at once."""
        self.n += 1
        number = self.n
        (ack,) = [
            m
            for m in await self.send({"type": kind, "id": number, **fields})
            if m["type"] == "ack" and m["id"] == number
        ]
        assert "error" not in ack, ack
        return ack.get("data")

    async def emit(self, event: str, data: object = None) -> Any:
        """One `emit`, answered at once."""
        return await self.ask("emit", event=event, data=data)

    async def poll(self, after: int = 0, wait: int = 0, over: Connection | None = None) -> Answer:
        """One poll."""
        return await self.http.request("GET", f"poll?after={after}&wait={wait}", self.fields, over=over)

    async def stream(self, query: str = "", fields: Fields = ()) -> Stream:
        """This session's event stream."""
        return await self.http.stream(f"sse{query}", [*self.fields, *fields])


class Stream:
    """An event stream that is being read."""

    def __init__(self, connection: Connection, answer: Answer) -> None:
        self.connection = connection
        self.answer = answer
        self.parser = EventStream()
        self.waiting: list[Event] = []
        self.raw = b""

    async def event(self, deadline: float = PATIENCE) -> Event:
        """The next event."""
        with trio.fail_after(deadline):
            while not self.waiting:
                part = await self.connection.part()
                assert part is not None, f"the stream ended after {self.raw[-300:]!r}"
                self.raw += part
                self.waiting = self.parser.feed(part)
        return self.waiting.pop(0)

    async def message(self, kind: str, deadline: float = PATIENCE, **fields: object) -> Message:
        """The next message of a kind; others are passed over."""
        with trio.fail_after(deadline):
            while True:
                message = msgspec.json.decode((await self.event(deadline)).data)
                if message["type"] == kind and all(
                    message.get(name) == value for name, value in fields.items()
                ):
                    return message

    async def rest(self, deadline: float = PATIENCE) -> list[Event]:
        """What comes until the stream ends."""
        events, self.waiting = self.waiting, []
        with trio.fail_after(deadline):
            while (part := await self.connection.part()) is not None:
                self.raw += part
                events += self.parser.feed(part)
        return events

    def close(self) -> None:
        """Go away without a word."""
        cut(self.connection.stream)


@asynccontextmanager
async def http_at(place: Place) -> AsyncIterator[Http]:
    """Requests to a place; what they opened is closed in the end."""
    http = Http(place)
    try:
        yield http
    finally:
        http.close()
