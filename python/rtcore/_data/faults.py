"""What is wrong with data that did not fit their type: every fault with its path, within bounds.

msgspec names the first fault and stops. So the value is gone through once more, along the shape of its type:
each value is looked at once and for itself, never with all that it contains. It ends at the faults that are
told (`MAX_FAULTS`) or at the values that may be looked at (`LOOKS`), whichever comes first, so that what does
not fit costs hardly more than what does, however a peer has built it. If none was found by then, msgspec's
first is told.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import inspect

from rtcore._ground.numbers import FIXED

from .crowds import Crowded
from .models import Unfit
from .paths import Path, cut, path_text
from .shape import LISTS, OBJECTS, Node, bare, meant, plain, shape
from .values import ANYTHING

MAX_FAULTS: Final = FIXED["FAULTS"]
"""Faults that are told: more help nobody."""
LOOKS: Final = FIXED["FAULT_LOOKS"]
"""Values that are looked at for them, a microsecond or two each: the share of a turn, not of a second."""

Fault = dict[str, str]
Child = tuple[Node, Any, Path]


def faults(kind: Any, form: int, data: bytes, first: Exception | None = None) -> list[Fault]:
    """What is wrong with data that did not fit a type: `[{code, path, message}]`, at most 64.

    Codes: `syntax` (unreadable), `depth`, `missing`, `type` (another kind of value), `value` (the right kind,
    outside its constraints), `unknown` (a field that is not there). `first` is what msgspec said.
    """
    if isinstance(first, Unfit):  # pydantic has told all of them
        return first.faults
    if isinstance(first, Crowded):  # to look any further is what must not be
        return [_fault("value", first.path, str(first))]
    try:
        value = ANYTHING.by_form(form, data)
    except RecursionError:
        return [_fault("depth", None, "it is nested too deeply")]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return [_fault("syntax", None, str(error))]
    search = _Search()
    try:
        search.run(_shape(kind), value)
    except _Enough:
        pass
    except TypeError:  # of a type that is only known to the decoder
        search.found.clear()
    if search.found or first is None:
        return search.found
    return [_first(first)]


@functools.lru_cache(maxsize=1024)
def _shape(kind: Any) -> Node:
    return shape(kind)


class _Enough(Exception):  # noqa: N818 - what happened
    """What was to be found or looked at is."""


class _Frame:
    """A container that is being gone through, and how many faults there were before it."""

    __slots__ = ("before", "children", "node", "path", "value")

    def __init__(
        self, children: Iterator[Child], node: Node | None, value: Any, path: Path, before: int
    ) -> None:
        self.children = children
        self.node = node
        self.value = value
        self.path = path
        self.before = before


class _Search:
    """One search. It keeps its own stack, since peers nest as deep as they may."""

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self._left = LOOKS

    def run(self, root: Node, value: Any) -> None:
        """Go through a value.

        Raises:
            _Enough: all is found that is told, or all looked at that may be.

        """
        stack = [_Frame(iter([(root, value, None)]), None, None, None, 0)]
        while stack:
            frame = stack[-1]
            child = next(frame.children, None)
            if child is None:
                stack.pop()
                if frame.node is not None and len(self.found) == frame.before:
                    self._as_a_whole(frame.node, frame.value, frame.path)
                continue
            node, value, path = child
            self._look(1)
            node = meant(bare(node), value)
            children = self._inside(node, value, path)
            if children is None:
                self._check(node, value, path)
            else:
                stack.append(_Frame(children, node, value, path, len(self.found)))

    def _look(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise _Enough

    def _add(self, code: str, path: Path, message: str) -> None:
        self.found.append(_fault(code, path, message))
        if len(self.found) >= MAX_FAULTS:
            raise _Enough

    def _check(self, node: Node, value: Any, path: Path) -> None:
        """Look at a value for itself."""
        if isinstance(node, inspect.RawType | inspect.AnyType):
            return
        try:
            msgspec.convert(value, plain(node))
        except msgspec.ValidationError as error:
            code = _code(node, value)
            self._add(code, path, f"{error}{_measured(value)}" if code == "value" else str(error))
        except RecursionError:
            self._add("depth", path, "it is nested too deeply")

    def _as_a_whole(self, node: Node, value: Any, path: Path) -> None:
        """Look at a container whose parts are as they should be."""
        cls = getattr(node, "cls", None)
        if cls is None:
            if any(getattr(node, name, None) is not None for name in ("min_length", "max_length")):
                self._check(node, value, path)
            return
        origin = getattr(cls, "__origin__", cls)
        # What a class checks by itself it checks of the whole, so all of it is looked at once more.
        if hasattr(origin, "__post_init__") or hasattr(origin, "__attrs_attrs__"):
            self._look(_size(value, self._left))
            try:
                msgspec.convert(value, cls)
            except (msgspec.ValidationError, RecursionError) as error:
                fault = _first(error, path)
                self._add(fault["code"], path, fault["message"])

    # -- what is in it

    def _inside(self, node: Node, value: Any, path: Path) -> Iterator[Child] | None:
        """What a value contains, where the type says what that should be; None: it is looked at itself."""
        if isinstance(value, dict):
            if isinstance(node, inspect.DictType):
                return self._members(node, value, path)
            if isinstance(node, OBJECTS) and not getattr(node, "array_like", False):
                return self._fields(node, value, path)
        elif isinstance(value, list):
            if isinstance(node, LISTS):
                return iter(()) if _is_any(node.item_type) else _items(node.item_type, value, path)
            if isinstance(node, inspect.TupleType) and len(node.item_types) == len(value):
                kinds = enumerate(zip(node.item_types, value, strict=True))
                return ((kind, item, (path, at)) for at, (kind, item) in kinds)
            if isinstance(node, inspect.NamedTupleType) or getattr(node, "array_like", False):
                return self._places(node, value, path)
        return None

    def _members(self, node: inspect.DictType, value: dict[str, Any], path: Path) -> Iterator[Child]:
        key_type, value_type = bare(node.key_type), node.value_type
        checked = not _is_any(key_type) and key_type != inspect.StrType()
        if not checked and _is_any(value_type):
            return
        kind = dict[plain(key_type), Any] if checked else None  # type: ignore[misc]
        for key, item in value.items():
            if kind is not None:
                self._look(1)
                try:
                    msgspec.convert({key: None}, kind, str_keys=True)
                except msgspec.ValidationError as error:
                    self._add("type", (path, key), f"the key: {_first(error)['message']}")
            yield value_type, item, (path, key)

    def _fields(self, node: Any, value: dict[str, Any], path: Path) -> Iterator[Child]:
        tag_field = getattr(node, "tag_field", None)
        if tag_field is not None and value.get(tag_field, node.tag) != node.tag:
            self._add("value", (path, tag_field), f"Expected {node.tag!r}, got {value[tag_field]!r:.64}")
        known = {field.encode_name: field for field in node.fields}
        for name, field in known.items():
            if name in value:
                yield field.type, value[name], (path, name)
            elif field.required:
                self._add("missing", (path, name), f"the field {name!r} is missing")
        if getattr(node, "forbid_unknown_fields", False):
            for name in value:
                if name not in known and name != tag_field:
                    self._add("unknown", (path, name), f"there is no field {name!r:.64}")

    def _places(self, node: Any, value: list[Any], path: Path) -> Iterator[Child]:
        """A struct or a named tuple that is written as a list, its tag first."""
        start = 0 if getattr(node, "tag_field", None) is None else 1
        for at, field in enumerate(node.fields, start):
            if at < len(value):
                yield field.type, value[at], (path, at)
            elif field.required:
                self._add("missing", (path, at), f"the field {field.name!r} is missing")
        most = start + len(node.fields)
        closed = isinstance(node, inspect.NamedTupleType) or node.forbid_unknown_fields
        if closed and len(value) > most:
            self._add("unknown", (path, most), f"there are {len(value)} items, and {most} are known")


def _items(kind: Node, value: list[Any], path: Path) -> Iterator[Child]:
    return ((kind, item, (path, at)) for at, item in enumerate(value))


def _is_any(node: Node) -> bool:
    return isinstance(bare(node), inspect.AnyType | inspect.RawType)


def _size(value: Any, most: int) -> int:
    """How many values a value is, itself included; a few more than `most` if there are more."""
    count, due = 1, [value]
    while due and count <= most:
        one = due.pop()
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        count += len(inner)
        if count <= most:
            due.extend(inner)
    return count


# -- how it is told


def _fault(code: str, path: Path, message: str) -> Fault:
    return {"code": code, "path": cut(path_text(path)), "message": cut(message)}


def _first(error: Exception, outer: Path = None) -> Fault:
    """The one fault that msgspec names."""
    text, _, place = str(error).partition(" - at `")
    if isinstance(error, RecursionError):
        code, text = "depth", "it is nested too deeply"
    elif "missing required field" in text:
        code = "missing"
    elif "unknown field" in text:
        code = "unknown"
    else:
        code = "type" if text.startswith("Expected") and ", got `" in text else "value"
    fault = _fault(code, outer, text)
    if place:
        fault["path"] = cut(path_text(outer) + place.removesuffix("`").removeprefix("$"))
    return fault


def _measured(value: Any) -> str:
    """What is there of what is out of bounds."""
    if isinstance(value, int | float):
        return f"; it is {value!r:.40}"
    return f"; it has {len(value)}" if isinstance(value, str | bytes | list | dict) else ""


_KINDS: Final[dict[type[Node], tuple[type, ...]]] = {
    inspect.StrType: (str,),
    inspect.IntType: (int,),
    inspect.FloatType: (int, float),
    inspect.BoolType: (bool,),
    inspect.NoneType: (type(None),),
    inspect.BytesType: (bytes, str),
    inspect.ByteArrayType: (bytes, str),
    inspect.MemoryViewType: (bytes, str),
    inspect.DictType: (dict,),
    inspect.TupleType: (list,),
    inspect.NamedTupleType: (list,),
    **dict.fromkeys(LISTS, (list,)),
}


def _code(node: Node, value: Any) -> str:
    """Whether a value is of another kind than its type wants, or of the right kind and out of bounds."""
    node = bare(node)
    if isinstance(node, inspect.UnionType):
        return "value" if any(_code(one, value) == "value" for one in node.types) else "type"
    if isinstance(node, OBJECTS):
        wanted: tuple[type, ...] = (list if getattr(node, "array_like", False) else dict,)
    else:
        wanted = _KINDS.get(type(node), (object,))
    if isinstance(value, bool) and bool not in wanted and object not in wanted:
        return "type"
    return "value" if isinstance(value, wanted) else "type"
