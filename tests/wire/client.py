"""A small blocking client of the wire, independent of rtcore's code.

`pending` holds what has come and was not asked for yet, in order of arrival; `expect` takes the first
message that fits and leaves the rest. `heard` keeps everything, so that order can be checked afterwards.
Every wait has a deadline; no test sleeps to be sure. That nothing came is shown with `fence`: the
application says something to this session, and an `event` has a higher number than all before it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import select
import socket
import struct
import time
from collections.abc import Iterable, Mapping
from typing import Any, Self

import msgspec

from tests.patience import PATIENCE

from . import frames

Message = dict[str, Any]

DEADLINE = PATIENCE
JSON, MSGPACK = "rtcore.v1.json", "rtcore.v1.msgpack"
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BOTH_NO_CONTEXT = {"server_no_context_takeover", "client_no_context_takeover"}


class Closed(Exception):  # noqa: N818 (an end, not an error)
    """The server ended the connection. 1006: without a close frame."""

    def __init__(self, code: int, reason: str, bye: Message | None) -> None:
        super().__init__(code, reason, bye)
        self.code = code
        self.reason = reason
        self.bye = bye


class Response:
    """The answer to the request that asks for the upgrade, or to any other."""

    def __init__(self, raw: bytes) -> None:
        lines = raw.decode("latin-1").split("\r\n")
        self.status = int(re.fullmatch(r"HTTP/1\.[01] (\d{3})(?: .*)?", lines[0]).group(1))  # type: ignore[union-attr]
        self.fields = [
            (name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])
        ]
        self.body = b""

    def get(self, name: str) -> str | None:
        """Return a header field; None if it is not there; an error if it is there twice."""
        found = [value for key, value in self.fields if key == name.lower()]
        assert len(found) < 2, f"{name} was sent {len(found)} times"
        return found[0] if found else None

    def json(self) -> Message:
        """Return the body, which has to be JSON."""
        assert (self.get("content-type") or "").startswith("application/json"), self.fields
        return msgspec.json.decode(self.body, type=dict)

    def refused(self, status: int, code: str) -> Self:
        """Check that this is a refusal with a code and a text for people."""
        assert self.status == status, (self.status, self.body)
        body = self.json()
        assert body["code"] == code, body
        assert isinstance(body["message"], str)
        assert body["message"], body
        return self


class Client:
    """One WebSocket to the server, and what its session remembers."""

    def __init__(
        self,
        address: tuple[str, int],
        *,
        path: str = "/rt/ws",
        protocols: Iterable[str] = (JSON,),
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        deflate: str | None = None,
        pong: bool = True,
        window: int | None = None,
        upgrade: bool = True,
        source: str | None = None,
    ) -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if window is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(DEADLINE)
        try:
            if source is not None:
                self.socket.bind((source, 0))
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address = address
        self.buffer = bytearray()
        self.parts: list[frames.Frame] = []
        self.pending: list[Message] = []
        self.heard: list[Message] = []
        self.data_frames: list[frames.Frame] = []
        self.pings: list[bytes] = []
        self.pongs: list[bytes] = []
        self.answers_pings = pong
        self.closed: Closed | None = None
        self.ids = 0
        self.fences = 0
        self.welcome: Message = {}
        self.position: int | None = None
        self.binary = False
        self.deflates = False
        self.response: Response | None = None
        if upgrade:
            try:
                self.response = self.upgrade(path, list(protocols), headers, deflate)
            except BaseException:
                self.socket.close()
                raise

    # -- the handshake

    def upgrade(
        self,
        path: str,
        protocols: list[str],
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        deflate: str | None = None,
    ) -> Response:
        """Ask for the upgrade and check the answer, RFC 6455 §4.1. A refusal is returned as it is."""
        key = base64.b64encode(os.urandom(16)).decode()
        given = list(headers.items() if isinstance(headers, Mapping) else headers)
        fields = [
            ("Host", "{}:{}".format(*self.address)),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", key),
        ]
        if protocols:
            fields.append(("Sec-WebSocket-Protocol", ", ".join(protocols)))
        if deflate is not None:
            fields.append(("Sec-WebSocket-Extensions", deflate))
        replaced = {name.lower() for name, _ in given}
        fields = [field for field in fields if field[0].lower() not in replaced] + [f for f in given if f[1]]
        self.raw(f"GET {path} HTTP/1.1\r\n".encode() + http_fields(fields) + b"\r\n")
        answer = self.read_response()
        if answer.status != 101:
            return answer
        accept = base64.b64encode(hashlib.sha1(key.encode() + MAGIC).digest()).decode()
        assert answer.get("sec-websocket-accept") == accept, answer.fields
        assert (answer.get("upgrade") or "").lower() == "websocket", answer.fields
        assert (answer.get("connection") or "").lower() == "upgrade", answer.fields
        self.binary = answer.get("sec-websocket-protocol") == MSGPACK
        agreed = answer.get("sec-websocket-extensions")
        if agreed is not None:
            assert deflate is not None, "the server used an extension that was not offered"
            name, *parameters = [part.strip() for part in agreed.split(";")]
            assert name == "permessage-deflate"
            assert set(parameters) >= BOTH_NO_CONTEXT, agreed
            self.deflates = True
        return answer

    def read_response(self) -> Response:
        """Read one HTTP answer with its body."""
        end = time.monotonic() + DEADLINE
        while b"\r\n\r\n" not in self.buffer:
            assert self.more(end), "the connection ended within the answer's head"
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        answer = Response(head)
        self.buffer[:] = rest
        if answer.status != 101 and answer.status >= 200:
            length = answer.get("content-length")
            while len(self.buffer) < int(length) if length is not None else True:
                if not self.more(end):
                    break
            size = int(length) if length is not None else len(self.buffer)
            answer.body = bytes(self.buffer[:size])
            del self.buffer[:size]
        return answer

    # -- bytes and frames

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def frame(self, opcode: int, payload: bytes = b"", **options: Any) -> None:
        """Send one frame; the options are those of `frames.encode`."""
        self.raw(frames.encode(opcode, payload, **options))

    def more(self, end: float) -> bool:
        """Read what is there into the buffer; False when the connection has ended."""
        left = end - time.monotonic()
        waiting = select.poll()  # select() knows no descriptor above 1,023
        waiting.register(self.socket, select.POLLIN)
        if left <= 0 or not waiting.poll(left * 1000):
            raise TimeoutError(f"nothing came in time; heard so far: {self.heard[-20:]}")
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:
            data = b""
        self.buffer += data
        return bool(data)

    def next_frame(self, deadline: float = DEADLINE) -> frames.Frame:
        """Return the next frame; Closed when the connection ends without one."""
        if self.closed is not None:
            raise self.closed
        end = time.monotonic() + deadline
        while (frame := frames.split(self.buffer)) is None:
            if not self.more(end):
                self.closed = Closed(1006, "", self.bye)
                raise self.closed
        assert not frame.masked, "a server must not mask, RFC 6455 §5.1"
        return frame

    def take(self, deadline: float = DEADLINE) -> None:
        """Read one frame and act on it."""
        frame = self.next_frame(deadline)
        if frame.opcode == frames.PING:
            self.pings.append(frame.payload)
            if self.answers_pings:
                self.frame(frames.PONG, frame.payload)
        elif frame.opcode == frames.PONG:
            self.pongs.append(frame.payload)
        elif frame.opcode == frames.CLOSE:
            code = struct.unpack("!H", frame.payload[:2])[0] if frame.payload else 1005
            self.closed = Closed(code, frame.payload[2:].decode(), self.bye)
            with contextlib.suppress(OSError):
                self.raw(frames.close(None if code == 1005 else code))
            raise self.closed
        else:
            self.parts.append(frame)
            if frame.fin:
                parts, self.parts = self.parts, []
                self.data(parts)

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
        """The server's `bye`, if one came; after it only acks may: of what ran when the server was stopped."""
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

    # -- leaving

    def drop(self) -> None:
        """Cut the line: a reset, no close frame."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Let go of the socket."""
        self.socket.close()


def fault(error: Message, code: str) -> Message:
    """Check the shape of an error."""
    assert error["code"] == code, error
    assert isinstance(error["message"], str), error
    assert error["message"], error
    assert isinstance(error["retry"], bool), error
    return error


def http_fields(fields: Iterable[tuple[str, str]]) -> bytes:
    """Write header fields."""
    return b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in fields)
