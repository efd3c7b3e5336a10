"""A collection as a program sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar, overload

import trio

from rtcore._ground.replica import Refused
from rtcore.client.errors import ClientError, InvalidDocument, NotConnected, NotDone, RequestTimeout
from rtcore.client.handlers import call, takes_one
from rtcore.client.runner import Runner
from rtcore.errors import InvalidData

from .conflict import Conflict, Decide, Refusal, wanted
from .heard import Changes, DocumentChange
from .held import Held
from .own import OwnChange
from .syncing import SyncResult, sync
from .table import Table
from .view import View

T = TypeVar("T")
D = TypeVar("D")


class Collection(Generic[T]):
    """Documents by their keys, as they are seen here: what is confirmed, with one's own changes on top.

    Looking never waits, and works without a connection. What is given is shared: it is not to be changed.
    Changing returns once the change is kept here; what came of it is told by the handle. Made by
    `client.collection`; everything belongs to the client's run of Trio.
    """

    def __init__(self, held: Held, table: Table, runner: Runner, kind: Any, schema: int | None) -> None:
        self._held, self._table, self._runner, self._own_schema = held, table, runner, schema
        self._view: View[T] = View(held, kind)

    def __repr__(self) -> str:
        return f"<Collection {self.name!r}: {len(self)} documents>"

    # -- looking

    @property
    def name(self) -> str:
        """Its name."""
        return self._held.name

    def __getitem__(self, key: str) -> T:
        """The document. Raises `KeyError`; `InvalidDocument` for one that is not of the type."""
        return self._view.get(key)

    @overload
    def get(self, key: str) -> T | None: ...
    @overload
    def get(self, key: str, default: D) -> T | D: ...
    def get(self, key: str, default: Any = None) -> Any:
        """The document, or `default`. Raises `InvalidDocument`."""
        try:
            return self._view.get(key)
        except KeyError:
            return default

    def raw(self, key: str) -> Any:
        """The document as JSON has it, whatever its type; None: there is none."""
        return self._held.replica.get(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._held.replica.has(key)

    def __len__(self) -> int:
        return self._held.replica.count()

    def __iter__(self) -> Iterator[str]:
        """Its keys, in their order."""
        return iter(self._held.replica.keys())

    def keys(self) -> list[str]:
        """Its keys, in their order."""
        return self._held.replica.keys()

    def items(self) -> list[tuple[str, T]]:
        """Keys and documents, in the order of the keys. What is not of the type is left out: see
        `unreadable`.
        """
        found = []
        for key in self.keys():
            try:
                found.append((key, self._view.get(key)))
            except InvalidDocument:
                continue
        return found

    def values(self) -> list[T]:
        """The documents, in the order of their keys. What is not of the type is left out: see
        `unreadable`.
        """
        return [document for _, document in self.items()]

    @property
    def unreadable(self) -> dict[str, str]:
        """Documents that are not of the type, and why: of another version of the program, mostly."""
        found: dict[str, str] = {}
        for key in self.keys():
            try:
                self._view.get(key)
            except InvalidDocument as error:
                found[key] = str(error)
        return found

    # -- how it is

    @property
    def whole(self) -> bool:
        """Whether everything that was said to this moment, as far as the connection knows, is held."""
        return self._held.replica.is_whole()

    @property
    def position(self) -> str | None:
        """`epoch.seq`: everything up to here is confirmed; None: nothing yet."""
        return self._held.replica.confirmed()

    @property
    def problem(self) -> Exception | None:
        """Why it does not go on by itself: no right, say. None: it does."""
        return self._held.ended or self._held.problem

    @property
    def outdated(self) -> bool:
        """Whether the server has documents of a later schema than this program: then its changes may be
        refused with `OUTDATED`, and are kept.
        """
        there = self._held.schema
        return self._own_schema is not None and there is not None and there > self._own_schema

    async def ready(self, timeout: float | None = None) -> None:
        """Wait until it is whole.

        Raises:
            Rejected: the application does not let this session in.
            RequestTimeout: `timeout` seconds went by.
            ConnectError: the client has ended.

        """
        held = self._held
        with trio.move_on_after(float("inf") if timeout is None else timeout):
            while not held.replica.is_whole():
                if held.ended is not None:
                    raise held.ended
                if held.problem is not None and not held.room.joining:
                    raise held.problem
                woken = trio.Event()
                held.wakes.append(woken.set)
                await woken.wait()
            return
        raise RequestTimeout(f"{self.name!r} was not whole within {timeout:g} s", maybe_done=False)

    # -- changing

    async def put(self, key: str, document: T | Mapping[str, Any]) -> OwnChange:
        """Create a document, or make it this one: of one that is seen, the fields that differ are said.

        Returns once that is kept here: with an outbox, on disk. Cancelled before, the change is made all the
        same.

        Raises:
            InvalidData: the document is not of the type, or over a limit.
            ClientError: the collection, or the client, has ended.

        """
        said = self._view.document(key, document)
        return await self._do(key, lambda at: self._held.replica.put(key, said, at))

    async def patch(
        self,
        key: str,
        fields: Mapping[str, Any] | None = None,
        /,
        *,
        _unset: tuple[str, ...] = (),
        **more: Any,
    ) -> OwnChange:
        """Set fields of a document, and take those of `_unset` out. Raises as `put`; `KeyError`: there is
        none.
        """
        if key not in self:
            raise KeyError(key)
        said = self._view.fields(key, {**(fields or {}), **more})
        unset = self._view.names(_unset)
        return await self._do(key, lambda at: self._held.replica.patch(key, said, unset, at))

    async def delete(self, key: str) -> OwnChange:
        """Delete a document. Raises as `put`; `KeyError`: there is none."""
        if key not in self:
            raise KeyError(key)
        return await self._do(key, lambda at: self._held.replica.delete(key, at))

    async def sync(
        self, documents: Mapping[str, T | Mapping[str, Any] | None], *, timeout: float | None = None
    ) -> SyncResult[T]:
        """Make these documents so (None: not there), and wait for the server's word: the difference is worked
        out here. Keys that are not named stay as they are.

        Raises:
            TooSlowError: `timeout` seconds went by (trio's); what was made goes on.
            InvalidData, ClientError: as `put`.

        """
        return await sync(self, documents, timeout)

    async def _do(self, key: str, make: Callable[[int], int | None]) -> OwnChange:
        self._still()
        try:
            n = make(self._table.time.now())
        except Refused as refused:
            code, message, _ = refused.args
            raise InvalidData(f"{code}: {message}") from None
        except ValueError as error:
            raise InvalidData(str(error)) from None
        change = OwnChange(n, key)
        if n is not None:
            self._held.own[n] = change
        # (What is let go of is kept as well, though it has no number.)
        self._held.settle(change, own=True)
        self._runner.pump()
        await change.kept()
        return change

    def _still(self) -> None:
        if self._held.ended is not None:
            raise self._held.ended

    # -- what came to nothing

    @property
    def pending(self) -> list[OwnChange]:
        """One's own changes that are not confirmed yet, in their order; also of processes before this one."""
        found = []
        for row in self._held.replica.pending():
            said = row["said"]
            if said["op"] == "skip":
                continue
            change = self._held.own.get(said["n"])
            if change is None:
                change = self._held.own[said["n"]] = OwnChange(said["n"], said["key"])
                change.committed = True
            found.append(change)
        return found

    @property
    def conflicts(self) -> list[Conflict[T]]:
        """Changes that met another's and wait for a decision."""
        return [
            Conflict(*self._failed(row), fields=tuple(row["fields"]), gone=bool(row["gone"]))
            for row in self._held.replica.conflicts()
        ]

    @property
    def refused(self) -> list[Refusal[T]]:
        """Changes that were refused for good, until they are retried or let go of."""
        return [
            Refusal(*self._failed(row), code=row["code"], message=row["message"])
            for row in self._held.replica.refused()
        ]

    def _failed(
        self, row: dict[str, Any]
    ) -> tuple[int, str, dict[str, Any], T | None, T | None, T | None, Decide]:
        said, was = row["said"], row.get("was")
        key: str = said["key"]
        mine, theirs = wanted(said, was), self._held.replica.theirs(key)
        sides = (self._typed(key, mine), self._typed(key, theirs), self._typed(key, was))
        return said["n"], key, said, *sides, self._decide

    def _typed(self, key: str, document: Any) -> Any:
        """Of the type where it fits; else as JSON has it."""
        if document is None:
            return None
        try:
            return self._view.typed(key, document)
        except InvalidDocument:
            return document

    async def _decide(self, n: int, how: str, document: Any) -> OwnChange:
        replica = self._held.replica
        conflict = next((row for row in replica.conflicts() if row["said"]["n"] == n), None)
        row = conflict or next((row for row in replica.refused() if row["said"]["n"] == n), None)
        if row is None:
            raise NotDone(f"change {n} waits for no decision any more", "NOT_FOUND")
        key = row["said"]["key"]
        if how == "set":
            document = self._view.document(key, document)
        if conflict is not None:
            way = "theirs" if how == "discard" else how
            return await self._do(key, lambda at: replica.resolve(n, way, document, at))
        if how == "retry":
            return await self._do(key, lambda at: replica.retry(n, at))

        def let_go(at: int) -> int | None:
            said = replica.put(key, document, at) if how == "set" else None
            replica.forget(n)
            return said

        return await self._do(key, let_go)

    async def discard(self, change: OwnChange) -> bool:
        """Take back a change that was never sent; False: it may have been done already."""
        self._still()
        if change.n is None or not self._held.replica.discard(change.n):
            return False
        self._held.settle(own=True)
        self._runner.pump()
        return True

    # -- hearing

    def changes(self) -> Changes[T]:
        """What becomes of documents from now on, one's own changes and others': `DocumentChange`, with what
        was before.
        """
        self._still()
        return Changes(self._held, self._view)

    def subscribe(
        self, function: Callable[[DocumentChange[T]], object], key: str | None = None
    ) -> Callable[[], None]:
        """Call a function, plain or coroutine, with each `DocumentChange` (of one key), in order and one at a
        time.

        What it raises is logged. Gives a function that ends it. Raises `UsageError` if it does not take one
        argument.
        """
        takes_one(function, "subscribe")
        self._still()
        changes, scope = Changes(self._held, self._view), trio.CancelScope()
        self._runner.start_soon(_serve, scope, changes, function, key)
        return scope.cancel

    # -- going

    async def close(self) -> None:
        """Hear it no longer. With an outbox, what was held and what is pending are kept for the next time."""
        await self._runner.flush_store()
        self._table.close(self._held, NotConnected(f"{self.name!r} was closed here"))
        self._runner.pump()


async def _serve(
    scope: trio.CancelScope,
    changes: Changes[Any],
    function: Callable[[DocumentChange[Any]], object],
    key: str | None,
) -> None:
    with scope:
        try:
            while True:
                try:
                    heard = await anext(changes)
                except InvalidDocument:
                    continue
                if key in (None, heard.key):
                    await call(function, heard)
        except (StopAsyncIteration, ClientError):
            return
        finally:
            changes.close()
