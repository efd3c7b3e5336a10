"""A pool of clients: for processes that speak for many users, or to many servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Final, Self

import trio

from rtcore.errors import UsageError

from . import given
from .client import Client
from .errors import ClientClosed, PoolTimeout
from .lending import Lent
from .places import Place
from .runner import Token

_OWN: Final = frozenset({"outbox", "wait", "connect_timeout"})
"""Options of `connect` of no use here: a file belongs to one session; how long is waited is the pool's."""


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A pool's figures. The first four are of now, all others count since it was made.

    `closed` says how many were closed why: `idle` too long, past its `lifetime`, `unhealthy` before reuse,
    `lost` while idle, `unclean` when it was given back, `ended` by its borrower or the server, to make `room`
    for another user, `closing` with the pool. `waited` is the longest wait of an `acquire` that got its
    client (s).
    """

    open: int = 0
    lent: int = 0
    idle: int = 0
    waiting: int = 0
    acquired: int = 0
    opened: int = 0
    reused: int = 0
    failed: int = 0
    timeouts: int = 0
    waited: float = 0.0
    closed: Mapping[str, int] = field(default_factory=dict)


class Pool:
    """Clients to borrow, at most `size` connections to a server at a time.

        async with rtcore.Pool("https://example.org/rt") as pool:
            async with pool.acquire(user="ann", token=token_of_ann) as client:
                await client.emit("order", {"cup": 1})

    A client is lent to one borrower at a time. Given back, it leaves its rooms, its streams are cancelled,
    its handlers are forgotten, and the borrower's `Client` raises `ClientClosed`; where a request has no
    answer yet, it is closed instead. A client is lent again only to who asks for the same server, user,
    token and options, after the server has answered a ping.

    Args:
        target: the address of the server, as in `connect`; `acquire` may name another.
        size: connections to one server at most.
        timeout: seconds that `acquire` may take.
        idle: seconds after which a client that nobody borrows is closed.
        lifetime: seconds after which a client is not lent any more.
        options: those of `connect`, for each client; `acquire` adds its own.

    """

    def __init__(
        self,
        target: str,
        *,
        size: int = 5,
        timeout: float = 5.0,
        idle: float = 60.0,
        lifetime: float = 3600.0,
        **options: Any,
    ) -> None:
        given.whole(size, "size, of connections of a pool,", 1)
        for what, value in (("timeout", timeout), ("idle", idle), ("lifetime", lifetime)):
            given.seconds(value, what)
        _checked(options)
        self._target, self._size, self._timeout = target, size, timeout
        self._idle, self._lifetime, self._options = idle, lifetime, options
        self._places: dict[str, Place[Lent]] = {}
        self._slots: set[Lent] = set()
        self._nursery: trio.Nursery | None = None
        self._over = False
        self._stats = PoolStats()
        self._closed: dict[str, int] = {}

    @property
    def stats(self) -> PoolStats:
        """Its figures, as of now."""
        places = self._places.values()
        return replace(
            self._stats,
            open=sum(slot.client is not None for slot in self._slots),
            lent=sum(slot.held and slot.client is not None for slot in self._slots),
            idle=sum(len(place.idle) for place in places),
            waiting=sum(len(place.waiting) for place in places),
            closed=dict(self._closed),
        )

    async def __aenter__(self) -> Self:
        if self._nursery is not None or self._over:
            raise UsageError("a pool is entered once")
        self._manager = trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """All clients are closed, lent or not: within the 5 s that `Client.close` may take."""
        self._over = True
        for place in self._places.values():
            for ask in list(place.waiting):
                ask.ready.set()
            place.waiting.clear()
        for slot in list(self._slots):
            slot.close("closing")
        # What the block raised goes on as it is: no group of a nursery is put around it.
        await self._manager.__aexit__(None, None, None)

    @asynccontextmanager
    async def acquire(
        self,
        target: str | None = None,
        *,
        user: str | None = None,
        token: str | Token | None = None,
        **options: Any,
    ) -> AsyncIterator[Client]:
        """Borrow a live client for a block. Those who wait are served in the order of asking.

        `user`: whose it is: what makes a token function of one call and of the next the same. Without it the
        function itself, or the token, does. `options`: of `connect`, beside the pool's. Cancelled, it holds
        nothing.

        Raises:
            PoolTimeout: no client came free in the pool's `timeout`.
            ConnectError: the server cannot be reached in that time, or refuses; or the pool is closed.
            UsageError: the pool is not entered, or an option is of no use in a pool.

        """
        _checked(options)
        wanted = {**self._options, **options}
        where = target or self._target
        known = token if user is None or isinstance(token, str) else None
        key = (where, user, _same(known), tuple(sorted((name, _same(each)) for name, each in wanted.items())))
        slot = await self._acquire(where, key, {**wanted, "token": token})
        try:
            yield slot.lend()
        finally:
            slot.give_back()

    async def _acquire(self, where: str, key: Hashable, options: dict[str, Any]) -> Lent:
        began = trio.current_time()
        place = self._places.setdefault(where, Place(self._size))
        first = False
        while True:
            self._still()
            ask = place.ask(key, first=first)
            try:
                with trio.fail_at(began + self._timeout):
                    await ask.ready.wait()
                self._still()
            except trio.TooSlowError:
                place.take_back(ask)
                self._count("timeouts")
                raise PoolTimeout(
                    f"no client of {where} came free within {self._timeout:g} s: {place.count} of "
                    f"{place.size} connections are in use, and {len(place.waiting)} others wait"
                ) from None
            except BaseException:
                if not self._over:
                    place.take_back(ask)
                raise
            slot = ask.slot
            if slot is None:
                left = max(0.0, began + self._timeout - trio.current_time())
                slot = await self._open(place, where, key, {**options, "connect_timeout": left})
            elif await slot.healthy():
                self._count("reused")
            else:
                slot.close("unhealthy")
                first = True
                continue
            self._count("acquired")
            waited = max(self._stats.waited, trio.current_time() - began)
            self._stats = replace(self._stats, waited=waited)
            return slot

    async def _open(self, place: Place[Lent], where: str, key: Hashable, options: dict[str, Any]) -> Lent:
        assert self._nursery is not None  # noqa: S101 - `_still` has looked
        dies = trio.current_time() + self._lifetime
        slot = Lent(where, key, place, options, self._gone, idle=self._idle, dies=dies)
        self._slots.add(slot)
        try:
            await self._nursery.start(slot.run)
        except BaseException:
            slot.never_opened()
            self._count("failed")
            raise
        self._count("opened")
        return slot

    def _gone(self, slot: Lent, why: str | None) -> None:
        self._slots.discard(slot)
        if why is not None:
            self._closed[why] = self._closed.get(why, 0) + 1

    def _count(self, name: str) -> None:
        self._stats = replace(self._stats, **{name: getattr(self._stats, name) + 1})

    def _still(self) -> None:
        if self._over:
            raise ClientClosed("the pool is closed")
        if self._nursery is None:
            raise UsageError("a pool is used within its block: write `async with rtcore.Pool(...) as pool:`")


def _checked(options: Mapping[str, Any]) -> None:
    for name in sorted(_OWN & options.keys()):
        raise UsageError(f"a pool has no use for {name}=: its clients are lent to one after the other")


def _same(thing: Any) -> Hashable:
    """What tells two options apart: what they hold, or which object they are."""
    if isinstance(thing, Mapping):
        return ("mapping", *sorted((str(name), _same(each)) for name, each in thing.items()))
    if isinstance(thing, list | tuple):
        return ("row", *(_same(each) for each in thing))
    if thing is None or isinstance(thing, str | int | float | bool | bytes):
        return (type(thing).__name__, thing)
    return ("object", id(thing))
