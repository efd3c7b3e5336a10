"""The shape of a type: what msgspec knows of it, and which of its parts no peer could ever say.

A type that msgspec does not know it takes for one whose values come from nowhere: it makes a decoder for it,
and refuses each value. So who registers such a type is told, and not each peer.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import uuid
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Union

import msgspec
from msgspec import inspect

Node = inspect.Type

OBJECTS: Final = (inspect.StructType, inspect.DataclassType, inspect.TypedDictType)
LISTS: Final = (inspect.ListType, inspect.SetType, inspect.FrozenSetType, inspect.VarTupleType)

_PLAIN: Final[dict[type[Node], Any]] = {
    inspect.AnyType: Any,
    inspect.RawType: Any,
    inspect.NoneType: type(None),
    inspect.BoolType: bool,
    inspect.IntType: int,
    inspect.FloatType: float,
    inspect.StrType: str,
    inspect.BytesType: bytes,
    inspect.ByteArrayType: bytearray,
    inspect.MemoryViewType: memoryview,
    inspect.DictType: dict,
    inspect.DateTimeType: datetime.datetime,
    inspect.TimeType: datetime.time,
    inspect.DateType: datetime.date,
    inspect.TimeDeltaType: datetime.timedelta,
    inspect.UUIDType: uuid.UUID,
    inspect.DecimalType: decimal.Decimal,
    **dict.fromkeys(LISTS, list),
}
_UNHASHED: Final[dict[type[Node], type]] = {
    inspect.ListType: list,
    inspect.SetType: set,
    inspect.DictType: dict,
    inspect.TypedDictType: dict,
    inspect.ByteArrayType: bytearray,
}
_BOUNDS: Final = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern", "tz")
_SAID: Final[tuple[Any, ...]] = (None, True, 1, 1.5, "", b"", [], {})
"""A value of each kind that a peer can say."""


def shape(kind: Any) -> Node:
    """What msgspec knows of a type.

    Raises:
        TypeError: it knows too little of it; the text says of what.

    """
    try:
        node = inspect.type_info(kind)
        unknown = next((one for one in every(node) if not _can_be_said(one)), None)
    except Exception as error:
        raise unreadable(error) from error
    if unknown is None:
        _hashed(node)
        return node
    named = getattr(unknown, "cls", None)
    raise TypeError(
        f"no peer can say a {getattr(named, '__qualname__', unknown)}: a struct of msgspec, a dataclass, a "
        "TypedDict and the plain types of Python are read"
    )


def unreadable(error: Exception) -> TypeError:
    """What is said of a type of which the library that reads it raised something."""
    if isinstance(error, NameError):
        return TypeError(
            f"{error}, which one of its fields is of: a type that is made in a function finds no other that "
            "is made there; put both at the module's level"
        )
    return TypeError(str(error) if isinstance(error, TypeError) else f"{type(error).__name__}: {error}")


def _hashed(whole: Node) -> None:
    """Members of sets and keys of dictionaries have hashes: else each value with one is a failure.

    Raises:
        TypeError: they have none.

    """
    for node in every(whole):
        if isinstance(node, (inspect.SetType, inspect.FrozenSetType)):
            what, inner = "members of a set", node.item_type
        elif isinstance(node, inspect.DictType):
            what, inner = "keys of a dictionary", node.key_type
        else:
            continue
        for one in every(inner):
            if (without := _without_hash(one)) is not None:
                raise TypeError(
                    f"{what} have a hash, and {without} has none (a frozen struct and a tuple have one)"
                )


def _without_hash(node: Node) -> str | None:
    """What a value of this node is called, if it has no hash."""
    if isinstance(node, inspect.StructType):
        config = node.cls.__struct_config__
        return node.cls.__qualname__ if config.eq and not config.frozen else None
    kind: Any = _UNHASHED.get(type(node)) or getattr(node, "cls", None)
    return kind.__qualname__ if isinstance(kind, type) and getattr(kind, "__hash__", None) is None else None


def bare(node: Node) -> Node:
    """A node without what is said about it."""
    while isinstance(node, inspect.Metadata):
        node = node.type
    return node


def plain(node: Node) -> Any:
    """A type that says of a node what there is to say without looking into containers."""
    node = bare(node)
    if isinstance(node, inspect.UnionType):
        return Union[tuple(plain(one) for one in node.types)]  # noqa: UP007 - of as many as there are
    if isinstance(node, inspect.LiteralType):
        return Literal[node.values]
    if isinstance(node, inspect.TupleType):
        return tuple[tuple(Any for _ in node.item_types)]  # type: ignore[misc]
    base = _PLAIN.get(type(node)) or getattr(node, "cls", Any)
    bounds = {name: bound for name in _BOUNDS if (bound := getattr(node, name, None)) is not None}
    return Annotated[base, msgspec.Meta(**bounds)] if bounds else base


def _can_be_said(node: Node) -> bool:
    if isinstance(node, inspect.CustomType):
        with contextlib.suppress(TypeError):  # some protocols may not be asked
            return any(isinstance(value, node.cls) for value in _SAID)
        return False
    return not isinstance(node, inspect.ExtType)


def every(node: Node) -> Iterator[Node]:
    """A node and all that it is made of, each once: types may contain themselves."""
    seen: set[int] = set()
    due = [node]
    while due:
        node = bare(due.pop())
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        due += parts(node)


def parts(node: Node) -> list[Node]:
    """What a node is made of."""
    if isinstance(node, inspect.UnionType):
        return list(node.types)
    if isinstance(node, inspect.TupleType):
        return list(node.item_types)
    if isinstance(node, inspect.CollectionType):
        return [node.item_type]
    if isinstance(node, inspect.DictType):
        return [node.key_type, node.value_type]
    return [field.type for field in getattr(node, "fields", ())]


def meant(node: Node, value: Any) -> Node:
    """Of a union, the one that a container was meant for, if that is clear; else the union."""
    if not isinstance(node, inspect.UnionType) or not isinstance(value, dict | list):
        return node
    fitting: list[Any] = []
    for one in map(bare, node.types):
        as_list = isinstance(one, (*LISTS, inspect.TupleType, inspect.NamedTupleType))
        as_list = as_list or getattr(one, "array_like", False)
        if (
            as_list
            if isinstance(value, list)
            else not as_list and isinstance(one, (inspect.DictType, *OBJECTS))
        ):
            fitting.append(one)
    if len(fitting) > 1:
        fitting = [one for one in fitting if _tag(one, value) == getattr(one, "tag", None)]
    return fitting[0] if len(fitting) == 1 else node


def _tag(node: Any, value: Any) -> Any:
    if isinstance(value, list):
        return value[0] if value else None
    return value.get(getattr(node, "tag_field", None))
