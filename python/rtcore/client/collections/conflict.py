"""Changes that came to nothing: what their author wanted, what is there, and what was there before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .own import OwnChange

T = TypeVar("T")
Decide = Callable[[int, str, Any], Awaitable[OwnChange]]
"""The number, how (`mine`, `theirs`, `set`, `retry`, `discard`), and the document of `set`."""


@dataclass(frozen=True, slots=True)
class _Failed(Generic[T]):
    """`mine`: the document as it would be with the change (None: deleted); `theirs`: as it is now; `base`: as
    it was seen before. `change`: the change as it was said: `op`, `value`, `unset`.
    """

    n: int
    key: str
    change: dict[str, Any]
    mine: T | None
    theirs: T | None
    base: T | None
    _decide: Decide

    async def set(self, document: T) -> OwnChange:
        """Make this the document, whatever was wanted. Returns once that is kept here."""
        return await self._decide(self.n, "set", document)

    async def discard(self) -> None:
        """Let go of the change: what is there stays. Returns once that is kept here."""
        await self._decide(self.n, "discard", None)


@dataclass(frozen=True, slots=True)
class Conflict(_Failed[T]):
    """A change that met another's, and waits for its author. `fields`: what both changed. `gone`: the
    document was deleted meanwhile, or is another one.
    """

    fields: tuple[str, ...] = ()
    gone: bool = False

    async def keep_mine(self) -> OwnChange:
        """My change counts after all. Returns once that is kept here."""
        return await self._decide(self.n, "mine", None)

    async def keep_theirs(self) -> OwnChange:
        """What is there stays. Returns once that is kept here."""
        return await self._decide(self.n, "theirs", None)


@dataclass(frozen=True, slots=True)
class Refusal(_Failed[T]):
    """A change that was refused for good: `code` and `message` say why."""

    code: str = ""
    message: str = ""

    async def retry(self) -> OwnChange:
        """Say it anew, on what is there now. Returns once that is kept here."""
        return await self._decide(self.n, "retry", None)


def wanted(change: dict[str, Any], was: Any) -> Any:
    """What a change would make of a document, fields that are CRDTs aside."""
    op, value = change.get("op"), change.get("value")
    if op == "delete":
        return None
    if op != "patch":
        return _plain(value, was)
    kept = {name: each for name, each in (was or {}).items() if name not in (change.get("unset") or ())}
    return kept | _plain(value or {}, kept)


def _plain(value: Any, was: Any) -> Any:
    """An operation on a CRDT is shown as the state that it was made on."""
    if not isinstance(value, dict):
        return value
    before = was if isinstance(was, dict) else {}
    shown = {}
    for name, each in value.items():
        if not (isinstance(each, dict) and "$crdt" in each):
            shown[name] = each
        elif name in before:
            shown[name] = before[name]
        else:
            shown[name] = {"$crdt": each["$crdt"]}
    return shown
