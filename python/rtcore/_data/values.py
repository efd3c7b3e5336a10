"""Values of the application as JSON, and back, by its types.

Out: `encode` gives compact JSON. orjson does it, msgspec what orjson cannot (integers beyond 64 bits, keys
that are no text). Binary is `{"$bin": base64}`. NaN and infinities become null, as both libraries have it.
What the core takes from no peer it does not take from the application either: numbers beyond the floats,
what is nested more than 128 deep, objects whose only key begins with `$`.

In: `Decoder` reads JSON or MessagePack by a type, through msgspec, or pydantic where a model of it is named.
JSON with binary in it is made MessagePack first, which knows binary. What is wrong with a value that does not
fit is found by `faults`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

import msgspec
import orjson

from rtcore._engine import Refused, check_own, packed
from rtcore.errors import InvalidData

from .crowds import SMALL, Crowds
from .models import Reader, has_model, said
from .shape import shape, unreadable

JSON: Final = 0
MSGPACK: Final = 1

_BINARY: Final = (bytes, bytearray, memoryview)
dumps = orjson.dumps


def default(value: Any) -> Any:
    """For orjson: what it does not know by itself."""
    if isinstance(value, _BINARY):
        return {"$bin": base64.b64encode(value).decode("ascii")}
    return _builtins(value)


def _builtins(value: Any) -> Any:
    return msgspec.to_builtins(value, builtin_types=_BINARY, str_keys=True, enc_hook=said)


def encode(value: Any) -> bytes:
    """A value as compact JSON.

    Raises:
        InvalidData: it cannot be said as JSON, or not to every peer; the text says why.

    """
    try:
        coded = dumps(value, default)
    except TypeError as error:
        return encode_slowly(value, error)
    return _sayable(coded, value)


def encode_slowly(value: Any, first: TypeError) -> bytes:
    """What orjson cannot, as `encode` gives it. On the hot path `dumps` and this stand for `encode`."""
    try:
        coded = msgspec.json.encode(_plain(_builtins(value)))
    except RecursionError:
        raise InvalidData("the value is nested too deeply, or contains itself") from None
    except OverflowError:
        text = "it holds an integer beyond 1.8e308, which is as far as floats of 64 bits go; say it as text"
        raise InvalidData(text) from None
    except (TypeError, ValueError) as error:
        # Each library says only what it met first: msgspec the type, orjson sometimes better why.
        raise InvalidData(
            f"a value of type {type(value).__name__} cannot be said as JSON: {error}. Structs of msgspec, "
            "dataclasses, models of pydantic, dicts, lists, texts, numbers and bytes can; of another object "
            "say what is in it (as `model_dump()` does of a model)"
        ) from first
    return _sayable(coded, value)


def _sayable(coded: bytes, value: Any) -> bytes:
    try:
        check_own(coded)
    except Refused as error:
        raise InvalidData(f"a value of type {type(value).__name__} cannot be said: {error.args[1]}") from None
    return coded


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, int):
        float(value)  # most readers hold it as one
    return default(value) if isinstance(value, _BINARY) else value


Reads = Callable[[bytes], Any]
_JSON: Final[Reads] = msgspec.json.Decoder().decode
_MSGPACK: Final[Reads] = msgspec.msgpack.Decoder().decode


class Decoder:
    """Reads data by one type. `json` is the short way for JSON without `$bin`."""

    __slots__ = ("_crowds", "_model", "_msgpack", "json", "type")

    def __init__(self, kind: Any = Any) -> None:
        """Raises TypeError when nothing that a peer can say is of this type."""
        try:
            self._begin(kind)
        except TypeError:
            raise
        except Exception as error:
            raise unreadable(error) from error

    def _begin(self, kind: Any) -> None:
        self.type = kind
        self._model = Reader(kind) if has_model(kind) else None
        if self._model is not None:
            read = self._model.value
            self.json: Reads = self._model.json
            self._msgpack: Reads = lambda data: read(_MSGPACK(data))
            self._crowds = None
            return
        self.json = msgspec.json.Decoder(kind).decode
        self._msgpack = msgspec.msgpack.Decoder(kind).decode
        self._crowds = None if kind is Any else Crowds(shape(kind))
        if self._crowds:
            self.json = self._looking(self._crowds, self.json, _JSON)
            self._msgpack = self._looking(self._crowds, self._msgpack, _MSGPACK)

    @staticmethod
    def _looking(crowds: Crowds, read: Reads, loose: Reads) -> Reads:
        """Read what is not small twice: the first time without the type, to count what would be hashed."""

        def look(data: bytes) -> Any:
            if len(data) > SMALL:
                crowds.look(loose(data))
            return read(data)

        return look

    def by_form(self, form: int, data: bytes) -> Any:
        """The value of data in this form.

        Raises:
            msgspec.DecodeError, msgspec.ValidationError, RecursionError: it is not of the type, or `Crowded`.

        """
        if form == MSGPACK:
            return self._msgpack(data)
        # A key may be written with escapes: what has any is looked at the long way.
        if data.find(b"$bin") < 0 and data.find(b"\\u") < 0:
            return self.json(data)
        try:
            binary = packed(data)
        except Refused as error:
            raise msgspec.ValidationError(error.args[1]) from None
        if binary is None:
            return self.json(data)
        # Not by the type at once: what is text for a field of bytes stays base64, as it is in JSON.
        value = _PACKED(binary)
        if self._model is not None:
            return self._model.value(value)
        if self._crowds:
            self._crowds.look(value)
        return msgspec.convert(value, self.type, str_keys=True)


class Defaulting(Decoder):
    """Reads data that may be missing, which on the wire is null: then it gives a default."""

    __slots__ = ("_default",)

    def __init__(self, kind: Any, default: Any) -> None:
        """Raises TypeError as `Decoder` does."""
        super().__init__(kind)
        self._default = default
        read = self.json
        self.json = lambda data: default if data == _NULLS[JSON] else read(data)

    def by_form(self, form: int, data: bytes) -> Any:
        """The value of data in this form, or the default; see `Decoder.by_form` for what it raises."""
        return self._default if data == _NULLS[form] else super().by_form(form, data)


_NULLS: Final = (b"null", b"\xc0")
ANYTHING: Final = Decoder()
_PACKED: Final = msgspec.msgpack.Decoder(ext_hook=lambda _, digits: int(bytes(digits))).decode
FAULTS: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
