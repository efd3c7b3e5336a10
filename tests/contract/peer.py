"""A session as its client sees it, on whatever transport, and while it moves from one to another.

`pending` holds what has come and was not asked for yet, in order of arrival; `expect` takes the first message
that fits and leaves the rest. `heard` keeps everything. No wait is without a deadline, and no test sleeps to
be sure: that nothing came is shown with `fence`, for an `event` has a higher number than all before it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
import trio.testing

from tests.patience import PATIENCE

from .link import Ended, Link, Message, Place

DEADLINE = PATIENCE


class Peer:
    """One session; `link` is what it speaks through now."""

    def __init__(self, place: Place, kind: type[Link]) -> None:
        self.place = place
        self.kind = kind
        self.links: list[Link] = []
        self.link: Link = self.open(kind)
        self.pending: list[Message] = []
        self.heard: list[Message] = []
        self.welcome: Message = {}
        self.position: int | None = None
        self.ids = 0
        self.fences = 0

    # -- coming and going

    def open(self, kind: type[Link], place: Place | None = None) -> Link:
        """A link that is not connected yet. All are kept, to be closed in the end."""
        self.link = kind(place or self.place)
        self.links.append(self.link)
        return self.link

    async def hello(self, **fields: object) -> Peer:
        """Say `hello` over the link, and remember what the `welcome` gave."""
        with trio.fail_after(DEADLINE):
            messages = await self.link.hello(fields)
        self.take(messages)
        self.welcome = await self.expect("welcome")
        self.ids = max(self.ids, self.welcome["taken"])
        return self

    def returning(self) -> Message:
        """The fields of a `hello` that resumes this session."""
        assert self.position is not None
        return {"session": self.session, "key": self.welcome["key"], "position": self.at(self.position)}

    def drop(self) -> None:
        """Cut every line of the link, without a word."""
        self.link.drop()

    async def come_back(
        self, kind: type[Link] | None = None, place: Place | None = None, **fields: object
    ) -> Peer:
        """Say `hello` with session, key and position, over a new link of this kind or of the same."""
        self.open(kind or type(self.link), place)
        return await self.hello(**{**self.returning(), **fields})

    async def move(self, kind: type[Link], **fields: object) -> Link:
        """Come back over another link while the old one lives; return the old one."""
        older = self.link
        await self.come_back(kind, **fields)
        return older

    @property
    def session(self) -> str:
        """The session's id."""
        return str(self.welcome["session"])

    def at(self, seq: int) -> str:
        """A position in this epoch."""
        return f"{self.welcome['epoch']}.{seq}"

    # -- hearing

    def take(self, messages: list[Message]) -> None:
        """Keep messages, and the position as a client has to: by `welcome.seq` and events, upwards only."""
        for message in messages:
            kind = message["type"]
            if kind == "welcome":
                self.position = message["seq"]
            elif kind == "event" and message.get("seq") is not None:
                assert self.position is None or message["seq"] > self.position, (
                    f"event {message['seq']} is not above {self.position}: {self.heard[-20:]}"
                )
                self.position = message["seq"]
            self.heard.append(message)
            self.pending.append(message)

    async def listen(self, seconds: float) -> None:
        """Read for so long."""
        with trio.move_on_after(seconds):
            while True:
                self.take(await self.link.more())

    def find(self, kind: str, **fields: object) -> Message | None:
        """Take the first waiting message that fits, if there is one."""
        for index, message in enumerate(self.pending):
            if message["type"] == kind and all(message.get(name) == value for name, value in fields.items()):
                return self.pending.pop(index)
        return None

    async def expect(self, kind: str, deadline: float = DEADLINE, **fields: object) -> Message:
        """Wait for the first message that fits and take it; what does not fit stays waiting."""
        found = None
        with trio.move_on_after(deadline):
            while (found := self.find(kind, **fields)) is None:
                self.take(await self.link.more())
        assert found is not None, f"no {kind} {fields} in {deadline} s; heard last: {self.heard[-10:]}"
        return found

    async def end(self, deadline: float = DEADLINE) -> Ended:
        """Read until the link ends."""
        with trio.fail_after(deadline):
            try:
                while True:
                    self.take(await self.link.more())
            except Ended as ended:
                return ended

    @asynccontextmanager
    async def ending(self) -> AsyncIterator[None]:
        """What the block does ends the link, while it listens; `ended` says how."""
        self.ended: Ended | None = None

        async def listen() -> None:
            self.ended = await self.end()

        await self.fence()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            await trio.testing.wait_all_tasks_blocked(0.02)
            yield

    def none(self, kind: str, **fields: object) -> None:
        """Check, after a fence, that no such message waits."""
        found = self.find(kind, **fields)
        assert found is None, found

    def events(self, room: str | None = None) -> list[Any]:
        """Take the data of the events that wait, in order: those of a room, or said to this session alone."""
        mine = [m for m in self.pending if m["type"] == "event" and m.get("room") == room]
        self.pending = [m for m in self.pending if m not in mine]
        return [message.get("data") for message in mine]

    # -- saying

    async def say(self, *messages: Message, array: bool = False) -> None:
        """Say messages; what comes back with them is kept."""
        self.take(await self.link.say(*messages, array=array))

    def next_id(self) -> int:
        """The next id of the session's rising counter."""
        self.ids += 1
        return self.ids

    async def ask(self, kind: str, **fields: object) -> int:
        """Send a request with the next id; return the id without waiting for its ack."""
        number = self.next_id()
        await self.say({"type": kind, "id": number, **fields})
        return number

    async def ack(self, number: int, deadline: float = DEADLINE) -> Message:
        """Wait for the ack of a request."""
        return await self.expect("ack", deadline, id=number)

    async def result(self, number: int, deadline: float = DEADLINE) -> Any:
        """Wait for an ack without an error; return its data."""
        ack = await self.ack(number, deadline)
        assert "error" not in ack, ack
        return ack.get("data")

    async def failure(self, number: int, code: str) -> Message:
        """Wait for an ack with an error of this code; return the error."""
        ack = await self.ack(number)
        assert "error" in ack, ack
        error = ack["error"]
        assert error["code"] == code, error
        assert isinstance(error["message"], str), error
        assert error["message"], error
        assert isinstance(error["retry"], bool), error
        return error

    async def ok(self, kind: str, **fields: object) -> Any:
        """Send a request and return what its ack says."""
        return await self.result(await self.ask(kind, **fields))

    async def refused(self, code: str, kind: str, **fields: object) -> Message:
        """Send a request that has to fail with this code; return the error."""
        return await self.failure(await self.ask(kind, **fields), code)

    async def emit(self, event: str, data: object = None, **fields: object) -> Any:
        """Send an `emit` and return what its handler returned."""
        return await self.ok("emit", event=event, data=data, **fields)

    async def publish(self, room: str, data: object = None, event: str = "say", **fields: object) -> int:
        """Publish and return the number that the ack tells."""
        return (await self.ok("publish", room=room, event=event, data=data, **fields))["seq"]

    async def join(self, room: str, **fields: object) -> Any:
        """Join and return what the ack says."""
        return await self.ok("join", room=room, **fields)

    async def fence(self) -> None:
        """Read until everything is here that the server had said to this session before."""
        self.fences += 1
        await self.say({"type": "emit", "event": "fence", "data": self.fences})
        await self.expect("event", event="fence", data=self.fences)

    def close(self) -> None:
        """Let go of everything."""
        for link in self.links:
            link.drop()

    async def bye(self) -> Ended:
        """End the session."""
        await self.say({"type": "bye"})
        return await self.end()


async def told(link: Link, code: int, deadline: float = DEADLINE) -> Message:
    """Read an older link until it ends, which has to be by a `bye` with this code."""
    ended = None
    with trio.fail_after(deadline):
        while ended is None:
            try:
                await link.more()
            except Ended as end:
                ended = end
    assert ended.bye is not None, f"{link.name} ended with {ended.code} and no bye"
    assert ended.bye["code"] == code, ended.bye
    assert isinstance(ended.bye["reason"], str), ended.bye
    assert ended.bye["reason"], ended.bye
    return ended.bye
