"""CRDTs in documents: what the program says is to be done to them, in the words of the wire."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from rtcore.crdt import Op, Value, kind_of
from rtcore.errors import InvalidData

MARK = "$crdt"


def is_crdt(kind: Any) -> bool:
    """Whether a field's type is one of `rtcore.crdt`."""
    origin = typing.get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, Value)


def from_state(kind: type, said: Any) -> Any:
    """For msgspec: a state as the type has it."""
    origin = typing.get_origin(kind) or kind
    if not (isinstance(origin, type) and issubclass(origin, Value)):
        raise NotImplementedError(f"{kind!r} is no type of documents")
    return origin.of_state(said)


def op_of(plain: Any, found: list[Any], kind: Any, seen: Callable[[], Any]) -> Any:
    """What a patch says of a CRDT: an operation, or the difference that was made to a value that was read."""
    if not (isinstance(plain, dict) and "$aside" in plain and found):
        raise InvalidData("a CRDT is never replaced: say what is done to it, rtcore.crdt.add(...) for one")
    what = found[plain["$aside"]]
    state = seen()
    return _said(what, _word(kind, state) if isinstance(what, Op) else kind_of(type(what)), state)


def _said(what: Op | Value, word: str, state: Any) -> dict[str, Any]:
    try:
        return what.said_as(word, state if isinstance(state, dict) else {})
    except TypeError as error:
        raise InvalidData(str(error)) from None


def _word(kind: Any, state: Any) -> str:
    if is_crdt(kind):
        return kind_of(typing.get_origin(kind) or kind)
    if isinstance(state, dict) and isinstance(word := state.get(MARK), str):
        return word
    raise InvalidData("an operation is for a CRDT, and there is none in this place")


def put_of(
    plain: Any, found: list[Any], fields: dict[str, tuple[str, Any]] | None, seen: Callable[[], Any]
) -> Any:
    """A document to be put, with operations in the place of its CRDTs: one in which nothing was done stays as
    it is seen.
    """
    if not found:
        return plain
    kinds = dict((fields or {}).values())
    there = seen()
    if isinstance(plain, dict) and "$aside" in plain:
        return _put_one(found[plain["$aside"]], Any, there)
    if not isinstance(plain, dict):
        raise InvalidData("CRDTs are fields of a document, or the whole of it; not members of a list")
    said = {}
    for name, value in plain.items():
        if isinstance(value, dict) and "$aside" in value:
            state = there.get(name) if isinstance(there, dict) else None
            said[name] = _put_one(found[value["$aside"]], kinds.get(name, Any), state)
        else:
            said[name] = value
    return said


def _put_one(what: Any, kind: Any, state: Any) -> Any:
    if isinstance(what, Op):
        return _said(what, _word(kind, state), state)
    if state is not None and not what.changed:
        return state
    return _said(what, kind_of(type(what)), state)


def told(value: Any, words: Callable[[], Mapping[str, str]], seen: Callable[[], Any]) -> Any:
    """A document of the application, or fields of one, with operations in the place of its CRDTs; a field in
    which nothing was done is left out. What has no CRDTs is given back as it is.

    `words`: the kinds of the fields by the type, of the document itself under ""; `seen`: what is there.
    """
    if isinstance(value, Op | Value):
        return _tell(value, words().get(""), seen())
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        if not any(isinstance(getattr(value, field.name), Op | Value) for field in fields):
            return value
        value = {field.encode_name: getattr(value, field.name) for field in fields}
    if not (isinstance(value, dict) and any(isinstance(each, Op | Value) for each in value.values())):
        return value
    there = seen()
    states = there if isinstance(there, dict) else {}
    return {
        name: _tell(each, words().get(name), states.get(name)) if isinstance(each, Op | Value) else each
        for name, each in value.items()
        if not (isinstance(each, Value) and not each.changed)
    }


def _tell(what: Op | Value, word: str | None, state: Any) -> dict[str, Any]:
    if isinstance(what, Value):
        return _said(what, kind_of(type(what)), state)
    return _said(what, word or _word(Any, state), state)
