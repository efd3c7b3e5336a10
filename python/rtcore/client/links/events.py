"""An event stream, taken apart as it comes (HTML living standard, 9.2.6)."""

from __future__ import annotations

from typing import Final

MOST: Final = 128 << 20


class EventStream:
    """Gives the `data` of each event; comments and other fields say nothing to us."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._first = True

    def take(self, data: bytes) -> list[bytes]:
        """The data of the events that are whole now. Raises `ValueError` for a line without an end."""
        text = self._rest + data
        if self._first and text:
            text, self._first = text.removeprefix(b"\xef\xbb\xbf"), False
        # A carriage return at the end may be half of a line's end.
        held = b"\r" if text.endswith(b"\r") else b""
        lines = text[: len(text) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + held
        if len(self._rest) > MOST:
            raise ValueError(f"a line of more than {MOST} bytes")
        found: list[bytes] = []
        for line in lines:
            if not line:
                if self._data:
                    found.append(b"\n".join(self._data))
                    self._data = []
            elif line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif line == b"data":
                self._data.append(b"")
        return found
