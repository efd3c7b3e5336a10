"""Sets and dictionaries whose members a peer could choose so that they stand in each other's way.

Python hashes texts and bytes with a secret of the process. It hashes numbers without one: all multiples of
2^61 - 1 have the hash 0, UUIDs and decimals are numbers there, and times are made of them. A set of ten
thousand such members takes seconds. So before data is read by a type that has such sets or dictionaries,
their members are counted, along the shape of the type: as many may come as collide within a few hundredths
of a second, whatever they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import msgspec
from msgspec import inspect

from rtcore._ground.numbers import FIXED

from .paths import Path
from .shape import LISTS, OBJECTS, Node, bare, every, meant, parts

MAX_NUMBERS: Final = FIXED["CROWD_NUMBERS"]
"""Members of one set or dictionary of numbers: half a million comparisons, if all collide."""
MAX_OTHERS: Final = FIXED["CROWD_OTHERS"]
"""The same of what is no plain number, whose comparison may cost ten times as much."""
MAX_WAY: Final = FIXED["FAULT_LOOKS"]
"""Values on the way to such sets: as many as are looked at for faults."""
SMALL: Final = FIXED["CROWD_SMALL"]
"""Bytes in which no crowd has place that would be felt."""

_SECRET: Final = (
    inspect.StrType,
    inspect.BytesType,
    inspect.NoneType,
    inspect.BoolType,
    inspect.EnumType,
    inspect.LiteralType,
)
"""Hashed with a secret, or few."""
_SETS: Final = (inspect.SetType, inspect.FrozenSetType)
_NUMBERS: Final = (inspect.IntType, inspect.FloatType, inspect.AnyType)


class Crowded(msgspec.ValidationError):
    """More members than may be read. `path`: of what."""

    def __init__(self, text: str, path: Path) -> None:
        super().__init__(text)
        self.path = path


class Crowds:
    """Where a type has sets and dictionaries of what a peer could make collide."""

    __slots__ = ("_leads", "_root")

    def __init__(self, root: Node) -> None:
        self._root = root
        # The nodes that have one within them, found from within: whoever has a part that leads there, leads.
        nodes = list(every(root))
        self._leads = {id(node) for node in nodes if _most(node)}
        while more := {
            id(node)
            for node in nodes
            if id(node) not in self._leads and any(id(bare(part)) in self._leads for part in parts(node))
        }:
            self._leads |= more

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._leads)

    def look(self, value: Any) -> None:
        """Count in a value that was read without a type.

        Raises:
            Crowded: there are too many members.

        """
        left, room = MAX_WAY, 1.0
        due: list[tuple[Node, Any, Path]] = [(self._root, value, None)]
        while due:
            node, value, path = due.pop()
            node = meant(bare(node), value)
            for one in map(bare, node.types) if isinstance(node, inspect.UnionType) else (node,):
                if id(one) not in self._leads or not isinstance(value, list | dict):
                    continue
                if most := _most(one, value):
                    room -= (len(value) / most) ** 2
                    if room < 0:
                        raise Crowded(
                            f"there are {len(value)} members, and a set or dictionary of anything but texts "
                            f"may have {most}: say it as a list, or with texts",
                            path,
                        )
                for inner in _inside(one, value, path):
                    if id(bare(inner[0])) in self._leads:
                        left -= 1
                        if left < 0:
                            raise Crowded(f"more than {MAX_WAY} values may hold a set", path)
                        due.append(inner)


def _most(node: Node, value: Any = None) -> int:
    """How many members there may be, alone; 0: it is no set or dictionary of what could collide."""
    if isinstance(node, _SETS) and (value is None or isinstance(value, list)):
        kind = node.item_type
    elif isinstance(node, inspect.DictType) and (value is None or isinstance(value, dict)):
        kind = node.key_type
        if isinstance(bare(kind), inspect.AnyType):  # a peer's keys are texts
            return 0
    else:
        return 0
    kind = bare(kind)
    kinds = [bare(one) for one in kind.types] if isinstance(kind, inspect.UnionType) else [kind]
    if all(isinstance(one, _SECRET) for one in kinds):
        return 0
    return MAX_NUMBERS if all(isinstance(one, _SECRET + _NUMBERS) for one in kinds) else MAX_OTHERS


def _inside(node: Any, value: Any, path: Path) -> Iterator[tuple[Node, Any, Path]]:
    """What a container holds, and the type that this should have."""
    if isinstance(value, dict):
        if isinstance(node, inspect.DictType):
            return ((node.value_type, item, (path, key)) for key, item in value.items())
        if isinstance(node, OBJECTS):
            known = ((field.type, field.encode_name) for field in node.fields)
            return ((kind, value[name], (path, name)) for kind, name in known if name in value)
        return iter(())
    if isinstance(node, LISTS):
        return ((node.item_type, item, (path, at)) for at, item in enumerate(value))
    if isinstance(node, inspect.TupleType):
        return ((kind, value[at], (path, at)) for at, kind in enumerate(node.item_types[: len(value)]))
    tag = 0 if getattr(node, "tag_field", None) is None else 1
    fields = chain([None] * tag, getattr(node, "fields", ()))
    places = zip(fields, enumerate(value), strict=False)
    return ((field.type, item, (path, at)) for field, (at, item) in places if field is not None)
