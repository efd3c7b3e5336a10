"""One collection, as the application sees it: what is in it, changes of its own, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rtcore._data.values import ANYTHING, JSON, encode
from rtcore._ground.crdts import told
from rtcore._ground.home import anywhere
from rtcore._turn.following import Following, position_of, read_page
from rtcore.entry import is_position
from rtcore.errors import InvalidData

from .texts import SharedText

if TYPE_CHECKING:
    from rtcore._engine import Engine


class SharedData:
    """One collection, for the application: what is in it, and changes of its own, which nothing contests.

    A durable collection that nobody uses may be on disk alone: then what is asked of it raises `Unavailable`
    while it is being read, and `await` of `loaded` waits for that. What is changed in it is decided at once
    and heard when it is on disk, which `await` of `stored` waits for.

    Its plain functions may be called in any thread in which no loop runs; the others raise `UsageError`
    outside of the run of Trio that serves the application. All raise `NotServing` before and after that.
    """

    __slots__ = ("_engine", "_words", "name")

    def __init__(
        self, engine: Engine, name: str, words: Callable[[str], Mapping[str, str]] = lambda _: {}
    ) -> None:
        self._engine = engine
        self._words = words
        self.name = name

    async def loaded(self) -> SharedData:
        """Have it in memory, and be given it: `notes = await app.collection("notes:ann").loaded()`.

        A cancel point; who is cancelled waits no more, and it is read all the same.

        Raises:
            NotFound: no settings name this collection.
            Unavailable: it cannot be read from disk.

        """
        self._engine.here("loaded")
        ticket = self._engine.call(self._engine.core.load_collection, self.name)
        if ticket is not None:
            await self._engine.wait_ticket(ticket)
        return self

    async def stored(self) -> None:
        """Until the application's changes of it so far are on disk; at once where they are, or need not be.

        A cancel point; what was changed stays so.

        Raises:
            Unavailable: one of them is not on disk and never will be: it was not done.
            OutcomeUnknown: the disk has not answered in time: they may be kept.

        """
        self._engine.here("stored")
        ticket = self._engine.call(self._engine.core.changes_stored, self.name)
        if ticket is not None:
            await self._engine.wait_ticket(ticket)

    @anywhere
    def put(self, key: str, value: Any) -> int | None:
        """Create a document, or replace it. Its number.

        Of values that merge it says what was done to them since they were made: those of others stay.

        Raises:
            NotFound: no settings name this collection.
            InvalidData: the document cannot be said as JSON, is over a limit, or the key is none.
            Unavailable: it is on disk alone, or the store takes nothing now.
            Overloaded: too much waits for the disk.

        """
        return self._change(key, {"op": "put", "value": self._told(key, value)})

    @anywhere
    def patch(self, key: str, /, _unset: tuple[str, ...] = (), **fields: Any) -> int | None:
        """Set fields of a document, and take those of `_unset` out. Its number.

        To a value that merges something is done: `patch("i1", votes=rtcore.crdt.add(1))`.

        Raises:
            NotFound: there is no such document, or no settings name this collection.
            InvalidData, Unavailable, Overloaded: as `put`.

        """
        value = self._told(key, fields)
        return self._change(key, {"op": "patch", "value": value, "unset": list(_unset)})

    @anywhere
    def delete(self, key: str) -> int | None:
        """Delete a document; one that is not there is deleted already. Its number, None: it never had one.

        Raises:
            NotFound: no settings name this collection.
            Unavailable, Overloaded: as `put`.

        """
        return self._change(key, {"op": "delete"})

    @anywhere
    def get(self, key: str) -> Any:
        """The document at a key; None: there is none.

        Raises:
            Unavailable: it is on disk alone: wait for `loaded`.

        """
        found = self._engine.call(self._engine.core.document, self.name, key)
        return None if found is None else ANYTHING.by_form(JSON, found)

    @anywhere
    def text(self, key: str, field: str = "", *, writable: bool = True) -> SharedText:
        """The text in a field of a document; without a field, that which the document is.

        `writable`: whether who is given it by `@app.yjs` may change it.
        """
        return SharedText(self, self._engine, key, field, writable=writable)

    @anywhere
    def snapshot(self) -> dict[str, Any]:
        """All documents by key, as they are now.

        Raises:
            NotFound: no settings name this collection.
            Unavailable: it is on disk alone: wait for `loaded`.

        """
        return {doc["key"]: doc["value"] for doc in self._docs()}

    @anywhere
    def changes(self, since: str | None = None) -> Following:
        """What becomes of documents: `async for changed in app.collection("notes:ann").changes():`.

        It gives `Changed`, whoever changed it, the application too: of each key that was changed what is
        there now, in the order of the last changes. Of a key that is changed again before it is taken only
        the last is told, so one that is slow costs nothing. Where deletes since the position are not
        remembered any more it gives a `Gap`, and goes on from now: what was there is in `snapshot()`. In a
        durable collection a change is told when it is on disk.

        Args:
            since: a position, as in `Changed.position`: what changed after it comes first. None: what is
                changed from now on.

        Raises:
            NotFound: no settings name this collection.
            InvalidData: `since` is no position.

        """
        if since is not None and not is_position(since):
            raise InvalidData(f"`since` is a position, `epoch.seq` as in `k3f9.124`, and not {since!r}")
        here = position_of(self._engine, self.name)
        return Following(self, here if since is None else str(since))

    def _docs(self) -> Iterator[dict[str, Any]]:
        after = begun = None
        while True:
            page = read_page(self._engine, self.name, after, begun)
            yield from (doc for doc in page["docs"] if "value" in doc)
            if page["complete"]:
                return
            after, begun = page["next"], page["begun"]

    def _told(self, key: str, value: Any) -> Any:
        return told(value, lambda: self._words(self.name), lambda: self.get(key))

    def _change(self, key: str, change: dict[str, Any]) -> int | None:
        engine = self._engine
        request = engine.request_of_caller() if engine.durable else 0
        seq: int = engine.call(engine.core.change, self.name, key, encode(change), request)
        return seq or None


SharedData.__module__ = "rtcore"
