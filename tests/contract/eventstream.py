"""The event-stream parser of the HTML standard, section 9.2.6, as a browser has it."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

BOM = "\ufeff"


@dataclass(frozen=True)
class Event:
    """What a browser dispatches. `own_id`: whether the block itself had an `id` field."""

    kind: str
    data: str
    last_id: str
    own_id: bool


class EventStream:
    """Bytes in, events out; `retry` and `comments` are kept beside them."""

    def __init__(self, last_id: str = "") -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.text = ""
        self.began = False
        self.skip_feed = False  # the last line ended with CR, and its LF may still come
        self.last_id = last_id
        self.id_buffer = last_id
        self.retry: int | None = None
        self.comments: list[str] = []
        self.kind, self.data, self.own_id = "", [], False

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes, cut anywhere; return the events that are complete with them."""
        self.text += self.decoder.decode(data)
        if not self.began and self.text:
            self.began = True
            self.text = self.text.removeprefix(BOM)
        events = []
        while (line := self.line()) is not None:
            if (event := self.take(line)) is not None:
                events.append(event)
        return events

    def line(self) -> str | None:
        """The next line: it ends with CR LF, LF or CR."""
        if self.skip_feed and self.text:
            self.skip_feed = False
            self.text = self.text.removeprefix("\n")
        ends = [at for at in (self.text.find("\r"), self.text.find("\n")) if at >= 0]
        if not ends:
            return None
        at = min(ends)
        line, self.skip_feed = self.text[:at], self.text[at] == "\r"
        self.text = self.text[at + 1 :]
        return line

    def take(self, line: str) -> Event | None:
        """Act on one line."""
        if not line:
            return self.dispatch()
        if line.startswith(":"):
            self.comments.append(line[1:])
            return None
        name, colon, value = line.partition(":")
        if colon:
            value = value.removeprefix(" ")
        if name == "event":
            self.kind = value
        elif name == "data":
            self.data.append(value)
        elif name == "id":
            if "\0" not in value:
                self.id_buffer, self.own_id = value, True
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)
        return None

    def dispatch(self) -> Event | None:
        """The end of a block."""
        kind, data, own_id = self.kind, self.data, self.own_id
        self.kind, self.data, self.own_id = "", [], False
        self.last_id = self.id_buffer
        if not data:
            return None
        return Event(kind or "message", "\n".join(data), self.last_id, own_id)
