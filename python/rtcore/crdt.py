"""Values that merge, whoever changed them and in whatever order that is heard. They need no server.

Each replica has a name that no other has at the same time, changes its own copy, and hands on either deltas
(what a method returns) or whole states. Merging is commutative, associative and idempotent: hearing something
twice, late or in another order changes nothing. States are those of the wire (`vectors/crdt.json`), so they
may travel as JSON.

In a collection they are types of fields, or of whole documents (`tags: rtcore.ORSet[str]`): the server names
who speaks, so they are made without a name there, and what is to be done to one is said by `add`, `remove`
and
`assign`: `await board.patch("i1", tags=rtcore.crdt.add("urgent"))`.

No method waits or is cancelled. Each raises `OverflowError` where a sum would leave 2^53 - 1, `TypeError`
where kinds differ, and `ValueError` for what is no state or is over a limit (10,000 elements, 1 MiB).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Generic, Self, TypeVar

from ._ground.replica import Crdt, Refused

__all__ = [
    "GCounter",
    "GSet",
    "LWWRegister",
    "ORSet",
    "Op",
    "PNCounter",
    "Text",
    "Value",
    "add",
    "assign",
    "kind_of",
    "remove",
]
T = TypeVar("T")
MARK = "$crdt"


def _raised(refused: Exception) -> Exception:
    """Python's own error for a refusal of the core."""
    code, message, _ = refused.args
    kind = {"OVERFLOW": OverflowError, "TYPE_CONFLICT": TypeError}.get(code, ValueError)
    return kind(message)


class Value:
    """What all kinds have in common. `replica`: its name; without one it is for a collection's document."""

    _KIND: ClassVar[str]

    def __init__(self, replica: str | None = None) -> None:
        if replica == "":
            raise ValueError("a replica has a name: a text that no other replica uses")
        self.replica = replica or ""
        self._held = Crdt(self._KIND)
        self._read = Crdt(self._KIND)

    @classmethod
    def of_state(cls, state: Any) -> Self:
        """What a document holds. Raises `ValueError`: it is no state of this kind."""
        made = cls()
        try:
            made._held = Crdt.read(state)
        except Refused as refused:
            raise _raised(refused) from None
        if made._held.kind() != cls._KIND:
            raise ValueError(f"it is of kind {made._held.kind()}, not {cls._KIND}")
        made._read = made._held.copy()
        return made

    def __copy__(self) -> Self:
        made = type(self)()
        made.replica, made._held, made._read = (  # noqa: SLF001 - of its own kind
            self.replica,
            self._held.copy(),
            self._read.copy(),
        )
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.__copy__()

    @property
    def changed(self) -> bool:
        """Whether something was done to it since it was made, or read from a document."""
        return not self._held.same(self._read)

    def said_as(self, kind: str, state: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - an `Op` needs it
        """What was done to it since, as a change says it. `kind` and `state`: of what it is said to."""
        if kind != self._KIND:
            raise TypeError(f"a {type(self).__name__} cannot stand for a {kind}")
        return {MARK: kind} | self._done()

    def _done(self) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def state(self) -> dict[str, Any]:
        """All of it, as JSON has it: for another replica, or to be kept."""
        return self._held.state()

    def merge(self, other: Value | dict[str, Any]) -> None:
        """Have what `other` has: a replica, or a state or delta of one; a delta costs its own size."""
        try:
            theirs = other._held if isinstance(other, Value) else Crdt.read(other)  # noqa: SLF001 - of its own kind
            self._held.merge(theirs)
        except Refused as refused:
            raise _raised(refused) from None

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same, whatever their names are."""
        if type(other) is not type(self):
            return NotImplemented
        return self._held.same(other._held)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._held.value()!r})"


class GCounter(Value):
    """A counter that only counts up."""

    _KIND = "g-counter"

    def add(self, by: int = 1) -> dict[str, Any]:
        """Count. Returns the delta."""
        try:
            return self._held.count(self.replica, by).state()
        except Refused as refused:
            raise _raised(refused) from None

    @property
    def value(self) -> int:
        """What all have counted."""
        return int(self._held.value())

    def _done(self) -> dict[str, Any]:
        return {"add": self.value - int(self._read.value())}


class PNCounter(GCounter):
    """A counter that counts both ways: `add(-1)`."""

    _KIND = "pn-counter"


class GSet(Value, Generic[T]):
    """A set of texts that only grows."""

    _KIND = "g-set"

    def add(self, element: str) -> dict[str, Any]:
        """Put an element in. Returns the delta."""
        try:
            return self._held.add(self.replica, element).state()
        except Refused as refused:
            raise _raised(refused) from None

    @property
    def value(self) -> set[str]:
        """Its elements."""
        return set(self._held.value())

    def __contains__(self, element: object) -> bool:
        return isinstance(element, str) and self._held.contains(element)

    def __len__(self) -> int:
        return self._held.length()

    def __iter__(self) -> Iterator[str]:
        """Its elements, in the order of their code points."""
        return iter(self._held.value())

    def _done(self) -> dict[str, Any]:
        return {"add": sorted(self.value - set(self._read.value()))}


class ORSet(GSet[T]):
    """A set of texts from which elements can be taken. An add wins over a removal that had not seen it."""

    _KIND = "or-set"

    def remove(self, element: str) -> dict[str, Any]:
        """Take an element out, as far as it is seen here; nothing happens if it is not. Returns the delta."""
        return self._held.remove(element).state()

    def _done(self) -> dict[str, Any]:
        dots, gone = self._read.state().get("e") or {}, set(self._read.value()) - self.value
        return super()._done() | {"remove": {element: dots[element] for element in sorted(gone)}}


class LWWRegister(Value, Generic[T]):
    """One value; the later wins: by its time, then by the name of the replica."""

    _KIND = "lww-register"

    def set(self, value: object, at: int) -> dict[str, Any]:
        """Set it, at this time (ms since 1970), raised above that of what is here. Returns the delta."""
        return self._held.set(self.replica, value, at).state()

    @property
    def value(self) -> Any:
        """What it holds; None before the first."""
        return self._held.value()

    def _done(self) -> dict[str, Any]:
        return {"set": self.value}


class Text(Value):
    """Text that several edit, or any other document of Yjs: its updates, which whoever knows Yjs reads.

    Updates are those of form 1, as `Doc.get_update` of pycrdt and `Y.encodeStateAsUpdate` give them. What is
    no update is refused; one that brings nothing new is left out.
    """

    _KIND = "text"

    def add(self, *updates: bytes) -> dict[str, Any]:
        """Have these updates. Returns the delta."""
        said = {MARK: self._KIND, "u": list(updates)}
        try:
            return self._held.apply(said, self.replica or "a", 1, 0, True) or {MARK: self._KIND, "u": []}
        except Refused as refused:
            raise _raised(refused) from None

    @property
    def updates(self) -> list[bytes]:
        """Its updates, in the order in which they came. Together they are the document."""
        return list(self._held.value())

    def _done(self) -> dict[str, Any]:
        return {"u": self.updates[len(self._read.value()) :]}


class Op:
    """Something that is done to a CRDT of a document. Made by `add`, `remove` and `assign`."""

    def __init__(self, what: str, values: tuple[Any, ...]) -> None:
        self.what, self.values = what, values

    def __repr__(self) -> str:
        return f"{self.what}({', '.join(map(repr, self.values))})"

    def said_as(self, kind: str, state: dict[str, Any]) -> dict[str, Any]:
        """As a change says it. `kind` and `state`: of what it is said to. Raises `TypeError`: it has none
        such.
        """
        if self.what == "add" and kind.endswith("-counter"):
            by = self.values[0] if self.values else 1
            if len(self.values) > 1 or not isinstance(by, int):
                raise TypeError("a counter is told one whole number")
            return {MARK: kind, "add": by}
        if self.what == "add" and kind.endswith("-set"):
            return {MARK: kind, "add": _texts(self.values)}
        if self.what == "add" and kind == "text":
            if not all(isinstance(each, bytes) for each in self.values):
                raise TypeError("a text is told updates of Yjs, which are bytes")
            return {MARK: kind, "u": list(self.values)}
        if self.what == "remove" and kind == "or-set":
            dots = state.get("e") or {}
            return {MARK: kind, "remove": {each: dots[each] for each in _texts(self.values) if each in dots}}
        if self.what == "assign" and kind == "lww-register":
            return {MARK: kind, "set": self.values[0]}
        raise TypeError(f"a {kind} has no operation {self!r}")


def _texts(values: tuple[Any, ...]) -> list[str]:
    if not all(isinstance(each, str) for each in values):
        raise TypeError("the elements of a set are texts")
    return list(values)


def add(*what: Any) -> Op:
    """Count so far (a whole number; 1 without it), or put these into a set (texts) or a text (updates)."""
    return Op("add", what)


def remove(*elements: str) -> Op:
    """Take these texts out of an or-set, as far as they are seen here."""
    return Op("remove", elements)


def assign(value: Any) -> Op:
    """Set a register; the later wins."""
    return Op("assign", (value,))


def kind_of(of: type[Value]) -> str:
    """The word of the wire for a class: `or-set`."""
    return of._KIND  # noqa: SLF001 - of its own kind


# A public name has one home: these are offered by `rtcore` itself.
for _thing in (GCounter, GSet, LWWRegister, ORSet, PNCounter, Text):
    _thing.__module__ = "rtcore"
