"""Documents as the program's type has them, and back; made once, until they are seen anew."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Generic, TypeVar, cast

import msgspec

from rtcore._ground.crdts import from_state, is_crdt, op_of, put_of
from rtcore.client.errors import InvalidDocument
from rtcore.client.words import data_of
from rtcore.errors import InvalidData

from .held import Held

T = TypeVar("T")
_BINARY = (bytes, bytearray, memoryview)


class View(Generic[T]):
    """The documents of a collection by a type. What is given is shared: it is not to be changed."""

    def __init__(self, held: Held, kind: Any) -> None:
        self.kind = kind
        self._held = held
        self._made: dict[str, T] = {}
        self._fields = _fields(kind)
        held.views.append(self._seen)

    def _seen(self, key: str) -> None:
        self._made.pop(key, None)

    def get(self, key: str) -> T:
        """The document. Raises `KeyError`, and `InvalidDocument` for what is not of the type."""
        try:
            return self._made[key]
        except KeyError:
            pass
        found = self._held.replica.get(key)
        if found is None and not self._held.replica.has(key):
            raise KeyError(key)
        made = self._made[key] = self.typed(key, found)
        return made

    def typed(self, key: str, document: Any) -> T:
        """A document as the type has it. Raises `InvalidDocument`."""
        if self.kind is Any:
            return cast("T", document)
        try:
            return cast("T", msgspec.convert(document, self.kind, builtin_types=_BINARY, dec_hook=from_state))
        except (msgspec.ValidationError, TypeError, ValueError) as error:
            raise InvalidDocument(key, str(error)) from None

    # -- out

    def document(self, key: str, value: Any) -> Any:
        """A value to be put, as it is said. Raises `InvalidData`."""
        found: list[Any] = []
        plain = _plain(value, found)
        if self.kind is not Any and isinstance(value, Mapping):
            self._check(plain, self.kind)
        return put_of(plain, found, self._fields, lambda: self._held.replica.get(key))

    def fields(self, key: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Fields to be set, as they are said. Raises `InvalidData`."""
        said: dict[str, Any] = {}
        for name, value in values.items():
            known = self._fields.get(name) if self._fields is not None else None
            if self._fields is not None and known is None:
                raise InvalidData(f"{self.kind.__name__} has no field {name!r}")
            found: list[Any] = []
            plain = _plain(value, found)
            to, kind = known if known is not None else (name, Any)
            if is_crdt(kind) or found:
                said[to] = op_of(plain, found, kind, partial(self._field, key, to))
            else:
                if kind is not Any:
                    self._check(plain, kind)
                said[to] = plain
        return said

    def _field(self, key: str, name: str) -> Any:
        return (self._held.replica.get(key) or {}).get(name)

    def names(self, unset: tuple[str, ...]) -> list[str]:
        """Fields to be taken out, as they are said."""
        known = self._fields or {}
        return [known[name][0] if name in known else name for name in unset]

    def _check(self, plain: Any, kind: Any) -> None:
        try:
            msgspec.convert(plain, kind, builtin_types=_BINARY, dec_hook=lambda _, value: value)
        except msgspec.ValidationError as error:
            raise InvalidData(f"it is not of the type of {self._held.name!r}: {error}") from None


def _fields(kind: Any) -> dict[str, tuple[str, Any]] | None:
    """Name on the wire and type of each field of a struct; None: it is none."""
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return None
    return {field.name: (field.encode_name, field.type) for field in msgspec.structs.fields(kind)}


def _plain(value: Any, found: list[Any]) -> Any:
    """A value of JSON and binary; CRDTs and what is done to them are put aside."""

    def aside(what: Any) -> Any:
        if not hasattr(what, "said_as"):
            raise TypeError(f"a {type(what).__name__} cannot be said as JSON")
        found.append(what)
        return {"$aside": len(found) - 1}

    try:
        plain = msgspec.to_builtins(value, builtin_types=_BINARY, str_keys=True, enc_hook=aside)
    except RecursionError:
        raise InvalidData("the value is nested too deeply, or contains itself") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidData(f"a value of type {type(value).__name__} cannot be said: {error}") from None
    data_of(plain)  # what no server takes is refused here
    return plain
