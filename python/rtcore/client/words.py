"""Messages as JSON, and back. Binary is `{"$bin": base64}` on the wire, and `bytes` here, both ways."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from rtcore.errors import InvalidData

Said = dict[str, Any]
_BINARY: Final = (bytes, bytearray, memoryview)
_DEEPEST: Final = 128
_WIDEST: Final = 1023
"""Bits of an integer: the protocol has none beyond the floats."""


class Unreadable(Exception):  # noqa: N818 - what the peer said is
    """What came is no message that a server says."""


def data_of(value: Any) -> msgspec.Raw:
    """The application's value as JSON that stands for itself in a message.

    Raises:
        InvalidData: it cannot be said as JSON; the text says why.

    """
    try:
        built = msgspec.to_builtins(value, builtin_types=_BINARY, str_keys=True)
        return msgspec.Raw(msgspec.json.encode(_outward(built, 0)))
    except RecursionError:
        raise InvalidData("the value is nested too deeply, or contains itself") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidData(f"a value of type {type(value).__name__} cannot be said as JSON: {error}") from None


def _outward(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, dict):
        return {key: _outward(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_outward(item, depth + 1) for item in value]
    if isinstance(value, int) and value.bit_length() > _WIDEST:
        raise ValueError("it holds an integer beyond 1.8e308, which is as far as floats of 64 bits go")
    if isinstance(value, _BINARY):
        return {"$bin": base64.b64encode(value).decode("ascii")}
    return value


def inward(value: Any) -> Any:
    """JSON's values as Python has them. Raises `binascii.Error` for bad base64."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(coded := value.get("$bin"), str):
            return base64.b64decode(coded, validate=True)
        return {key: inward(item) for key, item in value.items()}
    if isinstance(value, list):
        return [inward(item) for item in value]
    return value


def encode(message: Mapping[str, Any]) -> bytes:
    """One message, compact.

    Raises:
        InvalidData: a name or a key in it cannot be said.

    """
    try:
        return msgspec.json.encode(message)
    except (UnicodeEncodeError, TypeError) as error:
        raise InvalidData(f"it cannot be said: {error}") from None


def frame(encoded: Sequence[bytes]) -> bytes:
    """What goes into one frame or body: a message as it is, several as an array."""
    return encoded[0] if len(encoded) == 1 else b"[" + b",".join(encoded) + b"]"


def decode(data: bytes | str) -> list[Said]:
    """The messages of a frame or body.

    Raises:
        Unreadable: it is no JSON, or holds what is no message.

    """
    try:
        said = msgspec.json.decode(data)
        if ("$bin" in data) if isinstance(data, str) else (b"$bin" in data):
            said = inward(said)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, RecursionError) as error:
        raise Unreadable(f"no JSON: {error}") from None
    return messages_of(said)


def messages_of(said: Any) -> list[Said]:
    """What was decoded: one message, or several.

    Raises:
        Unreadable: something in it is no message.

    """
    messages = said if isinstance(said, list) else [said]
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Unreadable(f"no message: {message!r:.80}")
    return messages


def holds_secret(encoded: bytes) -> bool:
    """Whether a message of ours holds a key or a token, so that what carries it is compressed in no way."""
    return encoded.startswith((b'{"type":"hello"', b'{"type":"auth"'))
