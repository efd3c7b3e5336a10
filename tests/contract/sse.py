"""An event stream and sends of its own, as a link."""

from __future__ import annotations

import msgspec
import trio

from .eventstream import Event, EventStream
from .http1 import Ended as Cut
from .link import Ended, Message, Place, cut
from .plain import PlainHttp


class Sse(PlainHttp):
    """`GET /rt/sse` down, `POST /rt/send` up."""

    name = "sse"
    transport = "sse"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.stream: EventStream | None = None
        self.waiting = False  # for the head of the stream
        self.last_id = ""
        self.epoch = ""
        self.events: list[Event] = []

    async def hello(self, fields: Message) -> list[Message]:
        heard = await super().hello(fields)
        self.epoch = heard[0]["epoch"]
        return heard

    async def more(self) -> list[Message]:
        try:
            while True:
                if self.stream is None:
                    await self.open()
                assert self.down is not None
                assert self.stream is not None
                part = await self.down.part()
                if part is None:
                    raise Ended(self.bye["code"] if self.bye else 1006, self.bye)
                if messages := [self.read(event) for event in self.stream.feed(part)]:
                    return self.noticed(messages)
        except (Cut, trio.BrokenResourceError, trio.ClosedResourceError):
            raise Ended(1006, self.bye) from None

    async def open(self) -> None:
        """Ask for the stream, with `Last-Event-ID` when one was read before."""
        if not self.waiting:
            fields = [("Accept", "text/event-stream"), ("Last-Event-ID", self.last_id)]
            await self.get(f"{self.place.prefix}/sse", fields)
            self.waiting = True
        assert self.down is not None
        answer = await self.down.head()
        self.waiting = False
        if answer.status != 200:
            while (part := await self.down.part()) is not None:
                answer.body += part
            raise Ended(answer.status, answer.json() if answer.body else self.bye)
        assert (answer.get("content-type") or "").startswith("text/event-stream"), answer.fields
        assert answer.get("cache-control") == "no-store, no-transform", answer.fields
        assert answer.get("x-accel-buffering") == "no", answer.fields
        self.stream = EventStream(self.last_id)

    def read(self, event: Event) -> Message:
        """The message in an event; its id is the position on entries, and absent on what is no entry."""
        assert event.kind == "message", event
        message = msgspec.json.decode(event.data)
        entry = message["type"] == "event" and message.get("seq") is not None
        assert event.own_id is entry, (event, "an id on entries, and on nothing else")
        if entry:
            assert event.last_id == f"{self.epoch}.{message['seq']}", event
            self.last_id = event.last_id
        self.events.append(event)
        return message

    async def lose(self) -> None:
        if self.down is not None:
            cut(self.down.stream)
        self.down, self.stream, self.waiting = None, None, False
