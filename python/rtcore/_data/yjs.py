"""What y-websocket and its like say: the messages of y-protocols, in the numbers and texts of lib0.

A message is a number (`SYNC`, `AWARENESS`, `AUTH`, `ASK`) and what belongs to it. Updates and state vectors
are bytes here: the core reads them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

SYNC: Final = 0
AWARENESS: Final = 1
AUTH: Final = 2
ASK: Final = 3
"""Who asks for the presence of all editors."""

STEP_1: Final = 0
"""Here is my state vector: say what I lack."""
STEP_2: Final = 1
"""Here is what you lacked."""
UPDATE: Final = 2

NOTHING: Final = b"\x00\x00"
"""The update that brings nothing."""
GONE: Final = "null"
"""The presence of an editor who has left."""
_DENIED: Final = 0
_MOST: Final = (1 << 53) - 1
_BITS: Final = 0x7F


class Presence(NamedTuple):
    """An editor as it says it is: its client, its clock, and JSON."""

    client: int
    clock: int
    state: str


class Reader:
    """What is left of a message. Each method raises `ValueError` for what is none."""

    __slots__ = ("_at", "_bytes")

    def __init__(self, message: bytes) -> None:
        self._bytes = message
        self._at = 0

    def number(self) -> int:
        """The next number."""
        number = shift = 0
        while True:
            if self._at >= len(self._bytes):
                raise ValueError("the message ends too early")
            byte = self._bytes[self._at]
            self._at += 1
            number |= (byte & _BITS) << shift
            shift += 7
            if number > _MOST or shift > 56:
                raise ValueError("a number is beyond 2^53 - 1")
            if byte <= _BITS:
                return number

    def bytes(self) -> bytes:
        """The next bytes, which say how many they are."""
        length = self.number()
        taken = self._bytes[self._at : self._at + length]
        if len(taken) < length:
            raise ValueError("the message ends too early")
        self._at += length
        return taken

    def text(self) -> str:
        """The next text."""
        return self.bytes().decode()  # `UnicodeDecodeError` is a `ValueError`


def _number(number: int) -> bytes:
    out = bytearray()
    while number > _BITS:
        out.append(number & _BITS | (_BITS + 1))
        number >>= 7
    out.append(number)
    return bytes(out)


def _bytes(what: bytes) -> bytes:
    return _number(len(what)) + what


def sync(step: int, what: bytes) -> bytes:
    """A message of `SYNC`: a state vector or an update."""
    return bytes((SYNC, step)) + _bytes(what)


def denied(reason: str) -> bytes:
    """The message that says no."""
    return bytes((AUTH, _DENIED)) + _bytes(reason.encode())


def awareness(editors: Iterable[Presence]) -> bytes:
    """The presence of editors, as a message."""
    return bytes((AWARENESS,)) + _bytes(presence(editors))


def presence(editors: Iterable[Presence]) -> bytes:
    """The presence of editors, as y-protocols says it."""
    said = [_number(one.client) + _number(one.clock) + _bytes(one.state.encode()) for one in editors]
    return _number(len(said)) + b"".join(said)


def editors(said: bytes, most: int, longest: int) -> list[Presence]:
    """The editors of whom presence is said: at most so many, each of at most so many bytes.

    Raises:
        ValueError: it is none, too many or too long; what each says is JSON.

    """
    reader = Reader(said)
    count = reader.number()
    if count > most:
        raise ValueError(f"{count} editors at once; the limit is {most}")
    found = []
    for _ in range(count):
        one = Presence(reader.number(), reader.number(), reader.text())
        if len(one.state) > longest:
            raise ValueError(
                f"the presence of an editor has {len(one.state)} characters; the limit is {longest}"
            )
        try:
            msgspec.json.decode(one.state)
        except (msgspec.DecodeError, RecursionError):
            raise ValueError("the presence of an editor is no JSON") from None
        found.append(one)
    return found
