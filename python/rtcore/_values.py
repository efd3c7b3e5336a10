"""Values of the application as JSON, and back, by its types.

Out: `encode` gives compact JSON. orjson does it, msgspec what orjson cannot (integers beyond 64 bits, keys
that are no text). Binary is `{"$bin": base64}`. NaN and infinities become null, as both libraries have it.

In: `Decoder` reads JSON or MessagePack by a type, through msgspec. When a value does not fit, msgspec names
the first fault only, so `faults` goes through the value once more, slowly, and lists all of them.
"""

from __future__ import annotations

import base64
import binascii
import types
import typing
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import orjson

from .errors import InvalidData

JSON: Final = 0
MSGPACK: Final = 1
MAX_FAULTS: Final = 64

_BINARY: Final = (bytes, bytearray, memoryview)
dumps = orjson.dumps


def default(value: Any) -> Any:
    """For orjson: what it does not know by itself."""
    if isinstance(value, _BINARY):
        return {"$bin": base64.b64encode(value).decode("ascii")}
    return msgspec.to_builtins(value, builtin_types=_BINARY, str_keys=True)


def encode(value: Any) -> bytes:
    """A value as compact JSON.

    Raises:
        InvalidData: it cannot be said as JSON; the text names the type.

    """
    try:
        return dumps(value, default)
    except TypeError as error:
        return encode_slowly(value, error)


def encode_slowly(value: Any, first: TypeError) -> bytes:
    """What orjson cannot, as `encode` gives it. On the hot path `dumps` and this stand for `encode`."""
    try:
        return msgspec.json.encode(_plain(msgspec.to_builtins(value, builtin_types=_BINARY, str_keys=True)))
    except RecursionError:
        raise InvalidData("the value is nested too deeply, or contains itself") from None
    except (TypeError, ValueError) as error:
        # Each library says only what it met first: msgspec the type, orjson sometimes better why.
        raise InvalidData(
            f"a value of type {type(value).__name__} cannot be said as JSON: {error}"
        ) from first


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return default(value) if isinstance(value, _BINARY) else value


class Decoder:
    """Reads data by one type. `json` is the short way for JSON without `$bin`."""

    __slots__ = ("_msgpack", "json", "type")

    def __init__(self, kind: Any = Any) -> None:
        """Raises TypeError when msgspec cannot read this type."""
        self.type = kind
        self.json = msgspec.json.Decoder(kind).decode
        self._msgpack = msgspec.msgpack.Decoder(kind).decode

    def by_form(self, form: int, data: bytes) -> Any:
        """The value of data in this form.

        Raises:
            msgspec.DecodeError, msgspec.ValidationError, RecursionError: it is not of the type.

        """
        if form == MSGPACK:
            return self._msgpack(data)
        # A key may be written with escapes: what has any is looked at the long way.
        if data.find(b"$bin") < 0 and data.find(b"\\u") < 0:
            return self.json(data)
        value, found = _with_binary(msgspec.json.decode(data))
        return msgspec.convert(value, self.type) if found else self.json(data)


ANYTHING: Final = Decoder()
FAULTS: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def _with_binary(value: Any) -> tuple[Any, bool]:
    """A value with each `{"$bin": base64}` as bytes, and whether there was any."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(coded := value.get("$bin"), str):
            try:
                return base64.b64decode(coded, validate=True), True
            except (binascii.Error, ValueError):
                raise msgspec.ValidationError(f"`$bin` is not base64: {coded[:40]!r}") from None
        rows = [(key, *_with_binary(item)) for key, item in value.items()]
        return {key: item for key, item, _ in rows}, any(found for *_, found in rows)
    if isinstance(value, list):
        items = [_with_binary(item) for item in value]
        return [item for item, _ in items], any(found for _, found in items)
    return value, False


def faults(kind: Any, form: int, data: bytes) -> list[dict[str, str]]:
    """What is wrong with data that did not fit a type: `[{code, path, message}]`, at most 64.

    Codes: `syntax` (unreadable), `depth`, `missing`, `type` (another kind of value), `value` (the right kind,
    outside its constraints), `unknown` (a field that is not there).
    """
    try:
        value = ANYTHING.by_form(form, data)
    except RecursionError:
        return [_fault("depth", "$", "it is nested too deeply")]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return [_fault("syntax", "$", str(error))]
    found: list[dict[str, str]] = []
    for fault in _walk(kind, value, "$"):
        found.append(fault)
        if len(found) == MAX_FAULTS:
            break
    return found


def _fault(code: str, path: str, message: str) -> dict[str, str]:
    return {"code": code, "path": path, "message": message}


def _walk(kind: Any, value: Any, path: str) -> Iterator[dict[str, str]]:
    error = _misfit(kind, value)
    if error is None:
        return
    inner = list(_inside(kind, value, path))
    if inner:
        yield from inner
    else:
        yield _fault(_code(kind, value), path, error)


def _misfit(kind: Any, value: Any) -> str | None:
    plain = typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind
    if plain is msgspec.Raw:
        return None  # what stays as it came fits
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        return str(error) or "it is nested too deeply"
    return None


def _inside(kind: Any, value: Any, path: str) -> Iterator[dict[str, str]]:
    """The faults of what a value contains, where the type says what that should be."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        yield from _inside(args[0], value, path)
    elif origin in {typing.Union, types.UnionType}:
        # Only where it is clear which one was meant: the one beside None.
        others = [arg for arg in args if arg is not types.NoneType]
        if len(others) == 1 and value is not None:
            yield from _walk(others[0], value, path)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _struct(kind, value, path)
    elif origin in {list, set, frozenset} and isinstance(value, list) and args:
        for at, item in enumerate(value):
            yield from _walk(args[0], item, f"{path}[{at}]")
    elif origin is tuple and isinstance(value, list):
        kinds = [args[0]] * len(value) if len(args) == 2 and args[1] is Ellipsis else list(args)
        if len(kinds) == len(value):
            for at, (one, item) in enumerate(zip(kinds, value, strict=True)):
                yield from _walk(one, item, f"{path}[{at}]")
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(args[1], item, f"{path}.{key}")


def _struct(kind: type[msgspec.Struct], value: Any, path: str) -> Iterator[dict[str, str]]:
    config = kind.__struct_config__
    if not isinstance(value, dict) or config.array_like:
        return
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, field in known.items():
        if name in value:
            yield from _walk(field.type, value[name], f"{path}.{name}")
        elif field.required:
            yield _fault("missing", f"{path}.{name}", f"the field {name!r} is missing")
    if config.forbid_unknown_fields:
        for name in value:
            if name not in known and name != config.tag_field:
                yield _fault("unknown", f"{path}.{name}", f"there is no field {name!r}")


_KINDS: Final[dict[type, tuple[type, ...]]] = {
    str: (str,),
    int: (int,),
    float: (int, float),
    bool: (bool,),
    bytes: (bytes, str),
    type(None): (type(None),),
    list: (list,),
    tuple: (list,),
    set: (list,),
    frozenset: (list,),
    dict: (dict,),
}


def _code(kind: Any, value: Any) -> str:
    """Whether a value is of another kind than its type wants, or of the right kind and out of bounds."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _code(args[0], value)
    if origin in {typing.Union, types.UnionType}:
        return "value" if any(_code(arg, value) == "value" for arg in args) else "type"
    base = origin or kind
    if isinstance(base, type) and issubclass(base, msgspec.Struct):
        return "value" if isinstance(value, dict) else "type"
    wanted = _KINDS.get(base)
    if wanted is None:
        return "value"
    if isinstance(value, bool) and bool not in wanted:
        return "type"
    return "value" if isinstance(value, wanted) else "type"
