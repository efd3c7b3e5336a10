"""Messages as MessagePack, for a connection that speaks it. What waits is kept as JSON, whatever carries it
at last: a message that was queued on one transport may leave by another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from .event import Event
from .words import Said, Unreadable, inward, messages_of

_SOME: Final = msgspec.msgpack.Decoder(list[Event])
_LEAST, _MOST = -(1 << 63), (1 << 64) - 1


def pack(message: bytes) -> bytes:
    """A message of JSON as MessagePack: binary is itself, and an integer beyond 64 bits is a float, as the
    server writes it for listeners of MessagePack.
    """
    said = inward(msgspec.json.decode(message))
    try:
        return msgspec.msgpack.encode(said)
    except OverflowError:
        return msgspec.msgpack.encode(_narrow(said))


def _narrow(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _narrow(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_narrow(item) for item in value]
    if isinstance(value, int) and not _LEAST <= value <= _MOST:
        return float(value)
    return value


def pack_frame(messages: Sequence[bytes]) -> bytes:
    """What goes into one frame, of messages of JSON: one as it is, several as an array."""
    packed = [pack(message) for message in messages]
    if len(packed) == 1:
        return packed[0]
    return b"\xdd" + len(packed).to_bytes(4, "big") + b"".join(packed)


def unpack(data: bytes) -> list[Said]:
    """The messages of a frame.

    Raises:
        Unreadable: it is no MessagePack, or holds what is no message.

    """
    try:
        said = msgspec.msgpack.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise Unreadable(f"no MessagePack: {error}") from None
    return messages_of(said)


def packed_events(data: bytes) -> list[Event]:
    """An array of messages, all of them events.

    Raises:
        Unreadable: it is no MessagePack, or one is no event.

    """
    try:
        return _SOME.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise Unreadable(f"no event: {error}") from None
