"""A small blocking client of the wire, independent of rtcore's code.

`pending` holds what has come and was not asked for yet, in order of arrival; `expect` takes the first
message that fits and leaves the rest. `heard` keeps everything, so that order can be checked afterwards.
Every wait has a deadline; no test sleeps to be sure. That nothing came is shown with `fence`: the
application says something to this session, and an `event` has a higher number than all before it.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Self

import msgspec

from . import frames
from .link import BOTH_NO_CONTEXT, DEADLINE, JSON, MSGPACK, Closed, Link
from .response import Response
from .said import Message, fault

__all__ = [
    "BOTH_NO_CONTEXT",
    "DEADLINE",
    "JSON",
    "MSGPACK",
    "Client",
    "Closed",
    "Message",
    "Response",
    "fault",
]


class Client(Link):
    """What a session says and hears, and what it remembers."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Connect: what is given is what `Link` takes."""
        self.ids = 0
        self.fences = 0
        self.welcome: Message = {}
        self.position: int | None = None
        super().__init__(*args, **options)

    def listen(self, seconds: float) -> None:
        """Read for so long; Closed when the connection ends in it."""
        end = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            while True:
                self.take(end - time.monotonic())

    def data(self, parts: list[frames.Frame]) -> None:
        """Decode one message of the WebSocket into messages of the wire."""
        first = parts[0]
        payload = b"".join(part.payload for part in parts)
        packed = first.opcode == frames.BINARY and payload.startswith(frames.MARK)
        kind = frames.BINARY if self.binary or packed else frames.TEXT
        assert first.opcode == kind, "the wrong kind of frame"
        self.data_frames.append(frames.Frame(first.head, masked=False, payload=payload))
        if first.compressed:
            assert self.deflates, "compressed without having agreed on it"
            payload = frames.inflate(payload)
        if packed:
            payload = frames.unpack(payload, self.welcome.get("compress"))
        said = msgspec.msgpack.decode(payload) if self.binary else msgspec.json.decode(payload)
        for message in said if isinstance(said, list) else [said]:
            assert isinstance(message, dict), said
            assert isinstance(message["type"], str), said
            self.notice(message)
            self.heard.append(message)
            self.pending.append(message)

    def notice(self, message: Message) -> None:
        """Keep the position as a client has to: by `welcome.seq` and events, and upwards only."""
        kind = message["type"]
        if kind == "welcome":
            self.position = message["seq"]
        elif kind == "event" and message.get("seq") is not None:
            assert self.position is None or message["seq"] > self.position, (
                f"event {message['seq']} is not above {self.position}: {self.heard[-20:]}"
            )
            self.position = message["seq"]

    # -- messages

    def encode(self, said: object) -> bytes:
        """Write a message in this connection's encoding."""
        return msgspec.msgpack.encode(said) if self.binary else msgspec.json.encode(said)

    def send(self, *messages: object) -> None:
        """Send messages, each in a frame of its own, in one write."""
        opcode = frames.BINARY if self.binary else frames.TEXT
        self.raw(b"".join(frames.encode(opcode, self.encode(message)) for message in messages))

    def text(self, text: str | bytes) -> None:
        """Send a text frame as it is."""
        self.frame(frames.TEXT, text.encode() if isinstance(text, str) else text)

    def receive(self, deadline: float = DEADLINE) -> Message:
        """Return the next message that was not taken yet."""
        end = time.monotonic() + deadline
        while not self.pending:
            self.take(end - time.monotonic())
        return self.pending.pop(0)

    def find(self, kind: str, **fields: object) -> Message | None:
        """Take the first waiting message that fits, if there is one."""
        for index, message in enumerate(self.pending):
            if message["type"] == kind and all(message.get(name) == value for name, value in fields.items()):
                return self.pending.pop(index)
        return None

    def expect(self, kind: str, deadline: float = DEADLINE, **fields: object) -> Message:
        """Wait for the first message that fits and take it; what does not fit stays waiting."""
        end = time.monotonic() + deadline
        while (found := self.find(kind, **fields)) is None:
            self.take(end - time.monotonic())
        return found

    def expect_close(self, deadline: float = DEADLINE) -> Closed:
        """Read until the connection ends."""
        end = time.monotonic() + deadline
        while True:
            try:
                self.take(end - time.monotonic())
            except Closed as closed:
                return closed

    def expect_bye(self, code: int, deadline: float = DEADLINE) -> Closed:
        """Read until the end, which has to be a `bye` and a close frame with this code."""
        closed = self.expect_close(deadline)
        assert closed.code == code, (closed, self.heard[-5:])
        assert closed.bye is not None, f"no bye before close {code}"
        assert closed.bye["code"] == code, closed.bye
        assert isinstance(closed.bye["reason"], str), closed.bye
        assert closed.bye["reason"], closed.bye
        return closed

    @property
    def bye(self) -> Message | None:
        """The server's `bye`, if one came; after it only acks may: of what ran when it was stopped."""
        for index, message in enumerate(self.heard):
            if message["type"] == "bye":
                late = [one for one in self.heard[index + 1 :] if one["type"] != "ack"]
                assert not late, f"after the bye came {late}"
                return message
        return None

    def ended(self, deadline: float = DEADLINE) -> None:
        """Read until the server has closed the TCP connection."""
        end = time.monotonic() + deadline
        with contextlib.suppress(Closed):
            while True:
                self.take(end - time.monotonic())
        while self.more(end):
            pass

    # -- what a session does

    def hello(self, **fields: object) -> Self:
        """Say `hello`, wait for `welcome`, remember what it gave."""
        self.send({"type": "hello", **fields})
        self.welcomed()
        return self

    def welcomed(self) -> Message:
        """Wait for `welcome`."""
        self.welcome = self.expect("welcome")
        self.ids = max(self.ids, self.welcome["taken"])
        return self.welcome

    @property
    def session(self) -> str:
        """The session's id."""
        return str(self.welcome["session"])

    def at(self, seq: int) -> str:
        """Return a position in this epoch."""
        return f"{self.welcome['epoch']}.{seq}"

    def returning(self) -> Message:
        """Return the fields of a `hello` that resumes this session."""
        assert self.position is not None
        return {"session": self.session, "key": self.welcome["key"], "position": self.at(self.position)}

    def next_id(self) -> int:
        """Return the next id of the session's rising counter."""
        self.ids += 1
        return self.ids

    def ask(self, kind: str, **fields: object) -> int:
        """Send a request with the next id; return the id without waiting."""
        number = self.next_id()
        self.send({"type": kind, "id": number, **fields})
        return number

    def ack(self, number: int, deadline: float = DEADLINE) -> Message:
        """Wait for the ack of a request."""
        return self.expect("ack", deadline, id=number)

    def result(self, number: int, deadline: float = DEADLINE) -> Any:
        """Wait for an ack without an error; return its data."""
        ack = self.ack(number, deadline)
        assert "error" not in ack, ack
        return ack.get("data")

    def failure(self, number: int, code: str) -> Message:
        """Wait for an ack with an error of this code; return the error."""
        ack = self.ack(number)
        assert "error" in ack, ack
        return fault(ack["error"], code)

    def ok(self, kind: str, **fields: object) -> Any:
        """Send a request and return what its ack says."""
        return self.result(self.ask(kind, **fields))

    def refused(self, code: str, kind: str, **fields: object) -> Message:
        """Send a request that has to fail with this code; return the error."""
        return self.failure(self.ask(kind, **fields), code)

    def emit(self, event: str, data: object = None, **fields: object) -> Any:
        """Send an `emit` and return what its handler returned."""
        return self.ok("emit", event=event, data=data, **fields)

    def publish(self, room: str, data: object = None, event: str = "say", **fields: object) -> Any:
        """Publish and return the number that the ack tells."""
        return self.ok("publish", room=room, event=event, data=data, **fields)["seq"]

    def join(self, room: str, **fields: object) -> Any:
        """Join and return what the ack says."""
        return self.ok("join", room=room, **fields)

    def fault(self, code: str) -> Message:
        """Wait for an `error`: a fault in a message that had no usable id."""
        return fault(self.expect("error"), code)

    def fence(self) -> None:
        """Read until everything is here that the server had said to this session before."""
        self.fences += 1
        self.send({"type": "emit", "event": "fence", "data": self.fences})
        self.expect("event", event="fence", data=self.fences)

    def none(self, kind: str, **fields: object) -> None:
        """Check, after a fence, that no such message waits."""
        found = self.find(kind, **fields)
        assert found is None, found

    def events(self, room: str | None = None) -> list[Any]:
        """Take the data of the events that wait, in order: those of a room, or said to this session alone."""
        mine = [m for m in self.pending if m["type"] == "event" and m.get("room") == room]
        self.pending = [m for m in self.pending if m not in mine]
        return [message.get("data") for message in mine]
