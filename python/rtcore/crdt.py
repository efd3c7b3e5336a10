"""Values that merge, whoever changed them and in whatever order that is heard. They need no server.

Each replica has a name that no other has at the same time, changes its own copy, and hands on either deltas
(what a method returns) or whole states. Merging is commutative, associative and idempotent: hearing something
twice, late or in another order changes nothing. States are those of the wire (`vectors/crdt.json`), so they
may travel as JSON.

No method waits or is cancelled. Each raises `OverflowError` where a sum would leave 2^53 - 1, `TypeError`
where kinds differ, and `ValueError` for what is no state or is over a limit (10,000 elements, 1 MiB).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ._engine import Crdt, Refused

__all__ = ["GCounter", "GSet", "LWWRegister", "ORSet", "PNCounter"]


def _raised(refused: Exception) -> Exception:
    """Python's own error for a refusal of the core."""
    code, message, _ = refused.args
    kind = {"OVERFLOW": OverflowError, "TYPE_CONFLICT": TypeError}.get(code, ValueError)
    return kind(message)


class _Merges:
    """What all kinds have in common."""

    _KIND: ClassVar[str]

    def __init__(self, replica: str) -> None:
        if not replica:
            raise ValueError("a replica has a name: a text that no other replica uses")
        self.replica = replica
        self._held = Crdt(self._KIND)

    @property
    def state(self) -> dict[str, Any]:
        """All of it, as JSON has it: for another replica, or to be kept."""
        return self._held.state()

    def merge(self, other: _Merges | dict[str, Any]) -> None:
        """Have what `other` has: a replica, or a state or delta of one; a delta costs its own size."""
        try:
            theirs = other._held if isinstance(other, _Merges) else Crdt.read(other)  # noqa: SLF001 - of its own kind
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


class GCounter(_Merges):
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


class PNCounter(GCounter):
    """A counter that counts both ways: `add(-1)`."""

    _KIND = "pn-counter"


class GSet(_Merges):
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


class ORSet(GSet):
    """A set of texts from which elements can be taken. An add wins over a removal that had not seen it."""

    _KIND = "or-set"

    def remove(self, element: str) -> dict[str, Any]:
        """Take an element out, as far as it is seen here; nothing happens if it is not. Returns the delta."""
        return self._held.remove(element).state()


class LWWRegister(_Merges):
    """One value; the later wins: by its time, then by the name of the replica."""

    _KIND = "lww-register"

    def set(self, value: object, at: int) -> dict[str, Any]:
        """Set it, at this time (ms since 1970), raised above that of what is here. Returns the delta."""
        return self._held.set(self.replica, value, at).state()

    @property
    def value(self) -> Any:
        """What it holds; None before the first."""
        return self._held.value()
