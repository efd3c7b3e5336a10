"""What a function of the application answers, as far as its annotation shows that nobody can be told it.

A value is found out when it is said, and its peer has an error then. What can be seen before is refused where
it is written: an object of a class that no library encodes. What may be anything (a protocol, an abstract
class, one of whose subclasses some can be said) is left to the values.
"""

from __future__ import annotations

import abc
import collections.abc
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from rtcore._data.shape import bare
from rtcore.errors import UsageError

from .kinds import annotation, is_generator

_ITERATES: Final = (
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
)
_BUILT_IN: Final = (str, int, float, bool, bytes, bytearray, memoryview, dict, list, tuple, set, frozenset)


def checked_answer(function: Callable[..., Any], what: str, names: Mapping[str, Any]) -> None:
    """Look at what a function says that it returns, or yields.

    Raises:
        UsageError: it is of a class whose objects cannot be said as JSON.

    """
    kind = _answer(function, names)
    if is_generator(function):
        iterates = (typing.get_origin(kind) or kind) in _ITERATES
        kind = next(iter(typing.get_args(kind)), Any) if iterates else Any
    for one in _classes(kind):
        if _never(one):
            raise UsageError(
                f"{what} gives {one.__qualname__}, which cannot be said as JSON. Structs of msgspec, "
                "dataclasses, models of pydantic, dicts, lists, texts, numbers and bytes can; of another "
                "object say what is in it (if a middleware does so, register that first, or annotate what is "
                "said then)"
            )


def _answer(function: Callable[..., Any], names: Mapping[str, Any]) -> Any:
    try:
        said = inspect.signature(function).return_annotation
    except (TypeError, ValueError):
        return Any
    if said is inspect.Signature.empty:
        return Any
    try:
        return annotation(
            function, inspect.Parameter("answer", inspect.Parameter.KEYWORD_ONLY, annotation=said), names
        )
    except UsageError:
        return Any  # it stands for type checkers only


def _classes(kind: Any) -> Iterator[type]:
    """The classes of which msgspec knows nothing, in unions and containers. Fields are left to the values."""
    try:
        due = [msgspec.inspect.type_info(kind)]
    except Exception:  # noqa: BLE001 - a type that cannot be read says nothing of what is said
        return
    while due:
        node = bare(due.pop())
        if isinstance(node, msgspec.inspect.CustomType):
            if isinstance(node.cls, type):
                yield node.cls
        elif isinstance(node, msgspec.inspect.UnionType):
            due += node.types
        elif isinstance(node, msgspec.inspect.CollectionType):
            due.append(node.item_type)
        elif isinstance(node, msgspec.inspect.TupleType):
            due += node.item_types
        elif isinstance(node, msgspec.inspect.DictType):
            due.append(node.value_type)


def _never(kind: type) -> bool:
    """Whether no object of this class can be said, nor of one below it."""
    if kind is object or isinstance(kind, abc.ABCMeta) or getattr(kind, "_is_protocol", False):
        return False
    if issubclass(kind, _BUILT_IN) or hasattr(kind, "model_dump"):
        return False
    if kind is not type and any(not _never(one) for one in _below(kind)):
        return False
    try:
        return isinstance(msgspec.inspect.type_info(kind), msgspec.inspect.CustomType)
    except Exception:  # noqa: BLE001 - as above
        return False


def _below(kind: type) -> list[type]:
    return type.__subclasses__(kind)
