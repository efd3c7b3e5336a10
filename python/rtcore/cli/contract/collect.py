"""The contract of an application: names and types, from its annotations."""

from __future__ import annotations

import collections.abc
import inspect
import typing
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from rtcore._app.registry import Registry
from rtcore._data.models import has_model

Schema = dict[str, Any]


class Part(msgspec.Struct):
    """One name: an event, a stream down, a stream up, or a pattern of rooms.

    `data`: what the client says. `item`: of a stream. `result`: what comes back; of rooms, their state.
    `events`: of rooms, the data of what is said in them.
    A schema that says nothing (`{}`) is anything; None: there is none.
    """

    kind: str
    name: str
    data: Schema | None = None
    item: Schema | None = None
    result: Schema | None = None
    events: dict[str, Schema] | None = None


class Contract(msgspec.Struct):
    """All parts, and the schemas that have names of their own."""

    parts: list[Part]
    named: dict[str, Schema]


class _Kinds(msgspec.Struct):
    kind: str
    name: str
    data: Any
    item: Any
    result: Any
    events: dict[str, Any] | None = None

    def all(self) -> Iterator[Any]:
        """Each type of it, in one order."""
        yield from (self.data, self.item, self.result)
        yield from (self.events or {}).values()


_NOTHING = inspect.Parameter.empty


def collect(of: Registry) -> Contract:
    """The contract of what is registered. A type that JSON Schema cannot say is anything."""
    found = list(_found(of))
    kinds = [kind for part in found for kind in part.all() if kind is not _NOTHING]
    sayable = [kind for kind in kinds if _sayable(kind)]
    schemas, named = msgspec.json.schema_components(sayable, ref_template="#/components/schemas/{name}")
    said = iter(schemas)
    by_place = [next(said) if _sayable(kind) else _of_models(kind, named) for kind in kinds]
    places = iter(by_place)

    def of_kind(kind: Any) -> Schema | None:
        return None if kind is _NOTHING else next(places)

    def of_events(events: dict[str, Any] | None) -> dict[str, Schema] | None:
        return None if events is None else {name: next(places) for name in events}

    parts = [
        Part(
            part.kind,
            part.name,
            of_kind(part.data),
            of_kind(part.item),
            of_kind(part.result),
            of_events(part.events),
        )
        for part in found
    ]
    return Contract(sorted(parts, key=lambda part: (part.kind, part.name)), dict(sorted(named.items())))


def _found(of: Registry) -> Iterator[_Kinds]:
    for handler in of.handlers:
        data = _NOTHING if handler.bare else handler.decoder.type
        yield _Kinds("event", handler.name, data, _NOTHING, _result(handler.function))
    for stream in of.stream_handlers:
        data = _NOTHING if stream.bare else stream.decoder.type
        if stream.up:
            yield _Kinds("upload", stream.name, data, stream.items.type, _result(stream.function))
        else:
            yield _Kinds("stream", stream.name, data, _argument(_result(stream.function)), _NOTHING)
    said = dict(of.said.items())
    states = {pattern: state.function for pattern, state in of.states.items()}
    for pattern in {**dict.fromkeys(p for p, _ in of.room_plans.items()), **states, **said}:
        state = _result(states[pattern]) if pattern in states else _NOTHING
        yield _Kinds("rooms", pattern, _NOTHING, _NOTHING, state, said.get(pattern))


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except Exception:  # noqa: BLE001 - a name that cannot be found now: whatever it raises, the type is not known
        return {}


def _result(function: Callable[..., Any]) -> Any:
    hint = _hints(function).get("return", Any)
    return _NOTHING if hint is type(None) else hint


def _argument(kind: Any) -> Any:
    """What an iterator is of."""
    origin = typing.get_origin(kind)
    iterates = isinstance(origin, type) and issubclass(origin, collections.abc.AsyncIterable)
    return typing.get_args(kind)[0] if iterates else Any


def _of_models(kind: Any, named: dict[str, Schema]) -> Schema:
    """The schema of a type with models of pydantic in it; what it names is added to `named`."""
    if not has_model(kind):
        return {}
    from pydantic import TypeAdapter

    schema: Schema = TypeAdapter(kind).json_schema(ref_template="#/components/schemas/{model}")
    named.update(schema.pop("$defs", {}))
    if isinstance(kind, type):  # a model at the top has no name of its own there
        named[kind.__name__] = schema
        return {"$ref": f"#/components/schemas/{kind.__name__}"}
    return schema


def _sayable(kind: Any) -> bool:
    try:
        msgspec.json.schema(kind)
    except (TypeError, NotImplementedError):
        return False
    return True
