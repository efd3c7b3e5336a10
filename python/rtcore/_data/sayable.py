"""Types as the core can check them: what the members of a room publish never comes by here.

The core knows fewer types than msgspec: what it cannot check is refused when it is registered, since a check
that lets pass what the type does not is none.
"""

from __future__ import annotations

import enum
import math
from typing import Any, Final

from msgspec import inspect

from .shape import OBJECTS, Node, bare, shape

_PLAIN: Final[dict[type[Node], str]] = {
    inspect.AnyType: "any",
    inspect.RawType: "any",
    inspect.NoneType: "null",
    inspect.BoolType: "bool",
    inspect.BytesType: "bytes",
}
_LISTS: Final = (inspect.ListType, inspect.VarTupleType)
_WHOLE: Final = "int"


def sayable(kind: Any) -> dict[str, Any]:
    """A type in the words of the core (`rust/core/src/room/sayable.rs`).

    Raises:
        TypeError: the core cannot check it; the text says what of it.

    """
    return _said(shape(kind), ())


def _said(node: Node, outer: tuple[int, ...]) -> dict[str, Any]:
    node = bare(node)
    if id(node) in outer:
        raise TypeError("it contains itself")
    outer = (*outer, id(node))
    if (word := _PLAIN.get(type(node))) is not None:
        return {"is": word, **_lengths(node)}
    if isinstance(node, inspect.StrType):
        if node.pattern is not None:
            raise TypeError(f"it has a text with the pattern {node.pattern!r}")
        return {"is": "text", **_lengths(node)}
    if isinstance(node, (inspect.IntType, inspect.FloatType)):
        return _number(node)
    if isinstance(node, (inspect.LiteralType, inspect.EnumType)):
        return {"is": "values", "of": _values(node)}
    if isinstance(node, _LISTS):
        return {"is": "list", "of": _said(node.item_type, outer), **_lengths(node)}
    if isinstance(node, inspect.TupleType):
        return {"is": "tuple", "of": [_said(one, outer) for one in node.item_types]}
    if isinstance(node, inspect.UnionType):
        return {"is": "one", "of": [_said(one, outer) for one in node.types]}
    if isinstance(node, inspect.DictType) and isinstance(key := bare(node.key_type), inspect.StrType):
        if _lengths(key) or key.pattern is not None:
            raise TypeError("it has a dictionary whose keys are bounded")
        return {"is": "map", "of": _said(node.value_type, outer), **_lengths(node)}
    if isinstance(node, OBJECTS) and not getattr(node, "array_like", False):
        return _fields(node, outer)
    raise TypeError(f"it has a {type(node).__name__.removesuffix('Type')}, and the core knows none")


def _fields(node: Any, outer: tuple[int, ...]) -> dict[str, Any]:
    fields = [[one.encode_name, one.required, _said(one.type, outer)] for one in node.fields]
    if (tag := getattr(node, "tag", None)) is not None:
        fields.append([node.tag_field, True, {"is": "values", "of": [tag]}])
    return {"is": "fields", "of": fields, "strict": bool(getattr(node, "forbid_unknown_fields", False))}


def _values(node: Any) -> list[Any]:
    if isinstance(node, inspect.LiteralType):
        return list(node.values)
    cls: type[enum.Enum] = node.cls
    return [one.value for one in cls]


def _number(node: Any) -> dict[str, Any]:
    whole = isinstance(node, inspect.IntType)
    if node.multiple_of is not None:
        raise TypeError(f"it has a number that is a multiple of {node.multiple_of}")
    bounds = {"least": node.ge, "most": node.le}
    if node.gt is not None:
        bounds["least"] = node.gt + 1 if whole else math.nextafter(node.gt, math.inf)
    if node.lt is not None:
        bounds["most"] = node.lt - 1 if whole else math.nextafter(node.lt, -math.inf)
    found = {name: bound for name, bound in bounds.items() if bound is not None}
    return {"is": _WHOLE if whole else "float", **found}


def _lengths(node: Any) -> dict[str, int]:
    bounds = {"least": getattr(node, "min_length", None), "most": getattr(node, "max_length", None)}
    return {name: bound for name, bound in bounds.items() if bound is not None}
