"""A small strict HTTP/1.1 client, RFC 9112: what a server may not say is an error here.

It keeps the connection alive, and reads a body in pieces. Every wait may be cancelled and taken up again:
what is half read stays in the connection.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
import trio

from tests.patience import PATIENCE

STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) ([\t\x20-\x7e]*)")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\t\x80-\xff]*?)[ \t]*")
CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})")
LONGEST_HEAD = 64 << 10

Fields = Iterable[tuple[str, str]]


class MalformedError(AssertionError):
    """The server said what HTTP does not allow."""


class Ended(Exception):  # noqa: N818 (an end, not an error)
    """The connection ended where it could have gone on."""


@dataclass
class Answer:
    """Status and fields of an answer, and as much of its body as was read."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes = b""
    informed: list[int] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """A header field; an error if it is there twice."""
        found = [value for key, value in self.fields if key == name.lower()]
        assert len(found) < 2, f"{name} was sent {len(found)} times: {self.fields}"
        return found[0] if found else None

    def all(self, name: str) -> list[str]:
        """Each field of a name that may be sent more than once."""
        return [value for key, value in self.fields if key == name.lower()]

    def json(self) -> dict:
        """The body, which has to be JSON."""
        assert (self.get("content-type") or "").startswith("application/json"), (self.fields, self.body)
        return msgspec.json.decode(self.body, type=dict)

    def good(self) -> Answer:
        """Check that this is no refusal."""
        assert self.status in (200, 204), (self.status, self.body)
        return self

    def refused(self, status: int, code: str) -> Answer:
        """Check that this is a refusal with a code, a text for people, and nothing kept in caches."""
        assert self.status == status, (self.status, self.fields, self.body)
        said = self.json()
        assert said["code"] == code, said
        assert isinstance(said["message"], str), said
        assert said["message"], said
        assert self.get("cache-control") == "no-store", self.fields
        return self


class Connection:
    """One connection; `expecting` knows the methods whose answers are still to come."""

    def __init__(self, stream: trio.abc.Stream, host: str) -> None:
        self.stream = stream
        self.host = host
        self.buffer = bytearray()
        self.expecting: list[str] = []
        self.framing: str = "none"  # of the body that is being read
        self.left = 0
        self.over = False  # no further request may be said
        self.eof = False

    # -- up

    async def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self.stream.send_all(data)

    async def ask(
        self, method: str, target: str, fields: Fields = (), body: bytes | None = None, *, chunks: int = 0
    ) -> None:
        """Send a request; with `chunks` its body goes in chunks of that size."""
        with contextlib.suppress(trio.BrokenResourceError):  # refused early: the answer is there already
            await self.raw(self.written(method, target, fields, body, chunks))
        self.expecting.append(method)

    def written(
        self, method: str, target: str, fields: Fields = (), body: bytes | None = None, chunks: int = 0
    ) -> bytes:
        """A request as bytes. Fields that are given replace the usual ones; an empty value leaves one out."""
        given = list(fields)
        named = {name.lower() for name, _ in given}
        head = [("Host", self.host)]
        if body is not None:
            size = ("Transfer-Encoding", "chunked") if chunks else ("Content-Length", str(len(body)))
            head += [("Content-Type", "application/json"), size]
        head = [each for each in head if each[0].lower() not in named] + [each for each in given if each[1]]
        lines = "".join(f"{name}: {value}\r\n" for name, value in head)
        said = f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")
        if body is None:
            return said
        if not chunks:
            return said + body
        parts = [body[at : at + chunks] for at in range(0, len(body), chunks)]
        return said + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"

    # -- down

    async def more(self) -> None:
        """Read what is there."""
        try:
            data = await self.stream.receive_some(1 << 16)
        except trio.BrokenResourceError:
            data = b""
        if not data:
            self.eof = True
            raise Ended
        self.buffer += data

    async def line(self) -> bytes:
        """One line; it ends with CR LF and nothing else."""
        while (at := self.buffer.find(b"\n")) < 0:
            if len(self.buffer) > LONGEST_HEAD:
                raise MalformedError("a line without an end")
            await self.more()
        if at == 0 or self.buffer[at - 1] != 0x0D:
            raise MalformedError(f"a bare line feed after {bytes(self.buffer[:at])!r}")
        line = bytes(self.buffer[: at - 1])
        del self.buffer[: at + 1]
        return line

    async def head(self) -> Answer:
        """The head of the next answer; what comes before it as 1xx is in `informed`."""
        informed: list[int] = []
        while True:
            # Taken from the buffer only as a whole, so that a cancelled wait loses nothing.
            while b"\r\n\r\n" not in self.buffer:
                if len(self.buffer) > LONGEST_HEAD:
                    raise MalformedError("a head without an end")
                await self.more()
            lines = bytes(self.buffer).partition(b"\r\n\r\n")[0].split(b"\r\n")
            del self.buffer[: sum(len(line) + 2 for line in lines) + 2]
            if (first := STATUS.fullmatch(lines[0])) is None:
                raise MalformedError(f"no status line: {lines[0]!r}")
            fields = []
            for line in lines[1:]:
                if (found := FIELD.fullmatch(line)) is None:
                    raise MalformedError(f"no header field: {line!r}")
                fields.append((found[1].decode().lower(), found[2].decode("latin-1")))
            answer = Answer(int(first[1]), fields, informed=informed)
            if answer.status >= 200 or answer.status == 101:
                break
            informed.append(answer.status)
        if not self.expecting:
            raise MalformedError(f"an answer that nobody asked for: {answer.status}")
        self.frame(answer, self.expecting.pop(0))
        return answer

    def frame(self, answer: Answer, method: str) -> None:
        """How the body is delimited, RFC 9112 §6.3."""
        coding, length = answer.get("transfer-encoding"), answer.get("content-length")
        if coding is not None and length is not None:
            raise MalformedError("a length and a transfer coding")
        if (answer.get("connection") or "").lower() == "close":
            self.over = True
        if answer.status in (101, 204, 304) or method == "HEAD":
            if answer.status in (101, 204) and (coding is not None or length is not None):
                raise MalformedError(f"{answer.status} with a body")
            self.framing = "none"
        elif coding is not None:
            if coding.lower() != "chunked":
                raise MalformedError(f"transfer coding {coding}")
            self.framing, self.left = "chunk", 0
        elif length is not None:
            if not re.fullmatch("[0-9]+", length):
                raise MalformedError(f"content-length {length}")
            self.framing, self.left = "length", int(length)
        elif self.over:
            self.framing = "close"
        else:
            raise MalformedError("a body without an end on a connection that stays")

    async def part(self) -> bytes | None:
        """The next piece of the body; None when it is complete."""
        while True:
            if self.framing == "none":
                return None
            if self.framing == "close":
                if not self.buffer:
                    try:
                        await self.more()
                    except Ended:
                        self.framing = "none"
                        return None
                return self.taken(len(self.buffer))
            if self.left:
                if not self.buffer:
                    await self.more()
                return self.taken(min(self.left, len(self.buffer)))
            if self.framing == "length":
                self.framing = "none"
            elif self.framing == "chunk end":
                if await self.line():
                    raise MalformedError("a chunk is longer than it says")
                self.framing = "chunk"
            elif self.framing == "last chunk":
                if await self.line():
                    raise MalformedError("trailers that nobody asked for")
                self.framing = "none"
            else:
                line = await self.line()
                if not CHUNK.fullmatch(line):
                    raise MalformedError(f"a chunk's size: {line!r}")
                self.left = int(line, 16)
                self.framing = "chunk end" if self.left else "last chunk"

    def taken(self, size: int) -> bytes:
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        if self.framing != "close":
            self.left -= size
        return data

    async def answer(self) -> Answer:
        """The next answer with its whole body."""
        answer = await self.head()
        while (part := await self.part()) is not None:
            answer.body += part
        return answer

    async def request(
        self, method: str, target: str, fields: Fields = (), body: bytes | None = None, *, chunks: int = 0
    ) -> Answer:
        """Send a request and read its answer."""
        await self.ask(method, target, fields, body, chunks=chunks)
        return await self.answer()

    async def ends(self, deadline: float = PATIENCE) -> bytes:
        """Read until the server has ended the connection; return what else it said."""
        with trio.fail_after(deadline):
            try:
                while True:
                    await self.more()
            except Ended:
                return bytes(self.buffer)
