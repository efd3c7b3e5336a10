"""Models of pydantic as types of data, and as values that are said. `rtcore[pydantic]`.

Nothing here imports pydantic before an application has: a model of it cannot be there without. A type that
has models in it is read by pydantic as a whole, by its rules (a text of digits for a number, unless the model
is strict). A struct of msgspec that holds a model is refused: each library reads its own.
"""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final

import msgspec
import orjson

from rtcore._ground.numbers import FIXED

from .paths import Path, cut, path_text

MOST_FAULTS: Final = FIXED["FAULT_LOOKS"]
"""Faults that pydantic is asked about one by one: it makes all of them at once, or none."""
_MEMBERS: Final = FIXED["CROWD_OTHERS"]
_SECRET: Final = (str, bytes, bool, type(None))
"""What Python hashes with a secret, or few."""


class Unfit(msgspec.ValidationError):
    """Data that do not fit their model, with every fault by path."""

    def __init__(self, faults: list[dict[str, str]]) -> None:
        super().__init__(f"{faults[0]['path']}: {faults[0]['message']}")
        self.faults = faults


def is_model(kind: Any) -> bool:
    """Whether pydantic made this class: a model, or a dataclass of its own."""
    return isinstance(kind, type) and "__pydantic_validator__" in vars(kind)


def has_model(kind: Any) -> bool:
    """Whether there is a model in a type.

    Raises:
        TypeError: and a struct of msgspec that holds it.

    """
    if "pydantic" not in sys.modules:
        return False
    for one in _every(kind):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            inner = next((each for each in _every(one) if is_model(each)), None)
            if inner is not None:
                raise TypeError(
                    f"the struct {one.__qualname__} of msgspec holds the model {inner.__qualname__} of "
                    "pydantic, and each library reads its own: make both models, or both structs"
                )
    return any(map(is_model, _every(kind)))


def _every(kind: Any) -> Iterator[Any]:
    """A type and all that its annotations name, each once."""
    seen: set[int] = set()
    due = [kind]
    while due:
        one = due.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        due += typing.get_args(one)
        if _has_fields(one):
            try:
                due += typing.get_type_hints(one, include_extras=True).values()
            except Exception:  # noqa: BLE001, S112 - a name that cannot be found: whoever reads it says so
                continue


def _has_fields(kind: Any) -> bool:
    return isinstance(kind, type) and (
        is_model(kind)
        or issubclass(kind, msgspec.Struct)
        or dataclasses.is_dataclass(kind)
        or typing.is_typeddict(kind)
        or hasattr(kind, "_fields")
        or hasattr(kind, "__attrs_attrs__")
    )


def _collides(kind: Any) -> bool:
    """Whether there is a set or a dictionary in it whose members a peer could make collide (`crowds`)."""
    for one in _every(kind):
        origin, args = typing.get_origin(one) or one, typing.get_args(one)
        if isinstance(origin, type) and issubclass(origin, set | frozenset | dict) and not is_model(origin):
            key: Any = args[0] if args else Any
            if origin is dict and key is Any:
                continue  # a peer's keys are texts
            if not (isinstance(key, type) and issubclass(key, (*_SECRET, Enum))):
                return True
    return False


class Reader:
    """Reads data by a type that has models in it."""

    def __init__(self, kind: Any) -> None:
        """Raises TypeError when pydantic cannot read it."""
        from pydantic import TypeAdapter, ValidationError

        try:
            adapter: Any = TypeAdapter(kind)
        except Exception as error:
            raise TypeError(f"{type(error).__name__}: {error}") from error
        self._failure: type[Exception] = ValidationError
        self._json: Callable[[Any], Any] = adapter.validate_json
        self._python: Callable[[Any], Any] = adapter.validate_python
        self._collides = _collides(kind)

    def json(self, data: bytes) -> Any:
        """The value of JSON without binary in it.

        Raises:
            Unfit: it does not fit.

        """
        if self._collides:
            return self.value(orjson.loads(data))
        return self._read(self._json, data)

    def value(self, value: Any) -> Any:
        """The same of what was read without a type. Where no bytes are in it, it counts as JSON."""
        if self._collides:
            _look(value)
        try:
            coded = orjson.dumps(value)
        except TypeError:
            return self._read(self._python, value)
        return self._read(self._json, coded)

    def _read(self, read: Callable[[Any], Any], data: Any) -> Any:
        try:
            return read(data)
        except self._failure as error:
            raise Unfit(_faults(error)) from None


def _look(value: Any) -> None:
    """Refuse what could collide: a crowd in any container, since only pydantic knows which is a set."""
    due = [value]
    while due:
        one = due.pop()
        if isinstance(one, list | dict):
            if len(one) > _MEMBERS:
                text = (
                    f"there are {len(one)} members, and a type with sets or dictionaries of anything but "
                    f"texts may have {_MEMBERS}: say it as a list, or with texts"
                )
                raise Unfit([{"code": "value", "path": "$", "message": text}])
            due += one.values() if isinstance(one, dict) else one


_CODES: Final = {
    "missing": "missing",
    "missing_argument": "missing",
    "extra_forbidden": "unknown",
    "unexpected_keyword_argument": "unknown",
    "json_invalid": "syntax",
    "recursion_loop": "depth",
}


def _faults(error: Any) -> list[dict[str, str]]:
    count = error.error_count()
    if count > MOST_FAULTS:
        return [{"code": "value", "path": "$", "message": f"it has {count} faults"}]
    told: list[dict[str, str]] = []
    for one in error.errors(include_url=False, include_context=False, include_input=False)[: FIXED["FAULTS"]]:
        path: Path = None
        for step in one["loc"]:
            path = path, step
        kind: str = one["type"]
        code = _CODES.get(kind) or ("type" if kind.endswith(("_type", "_parsing")) else "value")
        told.append({"code": code, "path": cut(path_text(path)), "message": cut(one["msg"])})
    return told


def said(value: Any) -> Any:
    """What is said of a model, for encoders that do not know it: as pydantic has it in JSON, by aliases.

    Raises:
        TypeError: it is no model.

    """
    dump = getattr(type(value), "model_dump", None)
    if dump is None:
        raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")
    return dump(value, mode="json", by_alias=True)
