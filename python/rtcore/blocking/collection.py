"""Collections with calls that wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from rtcore.client import Collection as AsyncCollection
from rtcore.client import Conflict as AsyncConflict
from rtcore.client import DocumentChange, Outcome, SyncResult
from rtcore.client import OwnChange as AsyncChange
from rtcore.client import Refusal as AsyncRefusal
from rtcore.client.collections.heard import Changes

from .loop import Loop, following, of, threaded, within

T = TypeVar("T")


class OwnChange:
    """A change that is kept here. Each wait takes a `timeout` in seconds, None for as long as it takes; after
    it the change goes on.
    """

    def __init__(self, loop: Loop, change: AsyncChange) -> None:
        self._loop, self._change = loop, change
        self.key, self.n = change.key, change.n

    @property
    def done(self) -> bool:
        """Whether what came of it is known."""
        return self._change.done

    def accepted(self, timeout: float | None = None) -> None:
        """Wait until the server has answered for it."""
        self._loop.do(within, timeout, "being accepted", lambda: of(self._change.accepted))

    def outcome(self, timeout: float | None = None) -> Outcome:
        """Wait for what came of it."""
        told: Outcome = self._loop.do(within, timeout, "the outcome", lambda: of(self._change.outcome))
        return told

    def applied(self, timeout: float | None = None) -> Outcome:
        """Wait until it is done. Raises `Conflicted`, `Rejected`."""
        told: Outcome = self._loop.do(within, timeout, "the outcome", lambda: of(self._change.applied))
        return told


class Failed(Generic[T]):
    """A change that came to nothing; see `rtcore.client.Conflict` and `rtcore.client.Refusal`."""

    def __init__(self, loop: Loop, failed: AsyncConflict[T] | AsyncRefusal[T]) -> None:
        self._loop, self._failed = loop, failed
        self.n, self.key, self.change = failed.n, failed.key, failed.change
        self.mine, self.theirs, self.base = failed.mine, failed.theirs, failed.base

    def _do(self, decide: Callable[[], Awaitable[AsyncChange]]) -> OwnChange:
        return OwnChange(self._loop, self._loop.do(decide))

    def set(self, document: T) -> OwnChange:
        """Make this the document, whatever was wanted."""
        return self._do(lambda: self._failed.set(document))

    def discard(self) -> None:
        """Let go of the change: what is there stays."""
        self._loop.do(self._failed.discard)


class Conflict(Failed[T]):
    """A change that met another's, and waits for its author."""

    def __init__(self, loop: Loop, conflict: AsyncConflict[T]) -> None:
        super().__init__(loop, conflict)
        self._conflict, self.fields, self.gone = conflict, conflict.fields, conflict.gone

    def keep_mine(self) -> OwnChange:
        """My change counts after all."""
        return self._do(self._conflict.keep_mine)

    def keep_theirs(self) -> OwnChange:
        """What is there stays."""
        return self._do(self._conflict.keep_theirs)


class Refusal(Failed[T]):
    """A change that was refused for good."""

    def __init__(self, loop: Loop, refusal: AsyncRefusal[T]) -> None:
        super().__init__(loop, refusal)
        self._refusal, self.code, self.message = refusal, refusal.code, refusal.message

    def retry(self) -> OwnChange:
        """Say it anew, on what is there now."""
        return self._do(self._refusal.retry)


class Collection(Generic[T]):
    """As `rtcore.client.Collection`, with calls that wait."""

    def __init__(self, loop: Loop, collection: AsyncCollection[T]) -> None:
        self._loop, self._collection = loop, collection

    def __repr__(self) -> str:
        return self._loop.call(repr, self._collection)

    @property
    def name(self) -> str:
        """Its name."""
        return self._collection.name

    def __getitem__(self, key: str) -> T:
        return self._loop.call(lambda: self._collection[key])

    def get(self, key: str, default: Any = None) -> Any:
        """The document, or `default`."""
        return self._loop.call(lambda: self._collection.get(key, default))

    def __contains__(self, key: object) -> bool:
        return self._loop.call(lambda: key in self._collection)

    def __len__(self) -> int:
        return self._loop.call(len, self._collection)

    def __iter__(self) -> Iterator[str]:
        """Its keys, in their order."""
        return iter(self.keys())

    def keys(self) -> list[str]:
        """Its keys, in their order."""
        return self._loop.call(self._collection.keys)

    def values(self) -> list[T]:
        """The documents, in the order of their keys."""
        return self._loop.call(self._collection.values)

    def items(self) -> list[tuple[str, T]]:
        """Keys and documents."""
        return self._loop.call(self._collection.items)

    @property
    def whole(self) -> bool:
        """Whether all that was said to this moment is held."""
        return self._loop.call(lambda: self._collection.whole)

    def ready(self, timeout: float | None = None) -> None:
        """Wait until it is whole."""
        self._loop.do(self._collection.ready, timeout)

    def put(self, key: str, document: T | Mapping[str, Any]) -> OwnChange:
        """As `rtcore.client.Collection.put`."""
        return OwnChange(self._loop, self._loop.do(self._collection.put, key, document))

    def patch(self, key: str, fields: Mapping[str, Any] | None = None, /, **more: Any) -> OwnChange:
        """As `rtcore.client.Collection.patch`."""
        return OwnChange(self._loop, self._loop.do(lambda: self._collection.patch(key, fields, **more)))

    def delete(self, key: str) -> OwnChange:
        """As `rtcore.client.Collection.delete`."""
        return OwnChange(self._loop, self._loop.do(self._collection.delete, key))

    def sync(self, documents: Mapping[str, Any], *, timeout: float | None = None) -> SyncResult[T]:
        """As `rtcore.client.Collection.sync`; its conflicts are had from `conflicts`."""
        return self._loop.do(lambda: self._collection.sync(documents, timeout=timeout))

    @property
    def pending(self) -> list[OwnChange]:
        """One's own changes that are not confirmed yet."""
        return [OwnChange(self._loop, each) for each in self._loop.call(lambda: self._collection.pending)]

    @property
    def conflicts(self) -> list[Conflict[T]]:
        """Changes that met another's and wait for a decision."""
        return [Conflict(self._loop, each) for each in self._loop.call(lambda: self._collection.conflicts)]

    @property
    def refused(self) -> list[Refusal[T]]:
        """Changes that were refused for good."""
        return [Refusal(self._loop, each) for each in self._loop.call(lambda: self._collection.refused)]

    def changes(self) -> Iterator[DocumentChange[T]]:
        """What becomes of documents from now on."""
        changes = self._loop.call(self._collection.changes)
        return self._heard(changes)

    def _heard(self, changes: Changes[T]) -> Iterator[DocumentChange[T]]:
        while True:
            try:
                yield self._loop.do(lambda: following(changes))
            except StopAsyncIteration:
                return

    def subscribe(
        self, function: Callable[[DocumentChange[T]], object], key: str | None = None
    ) -> Callable[[], None]:
        """Call a function, in a worker thread, with each of them. Gives a function that ends it."""
        stop = self._loop.call(lambda: self._collection.subscribe(threaded(function), key))
        return lambda: self._loop.call(stop)

    def close(self) -> None:
        """Hear it no longer."""
        self._loop.do(self._collection.close)
