"""One connection of a pool: opened, lent, cleaned, lent again, closed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable
from math import inf
from typing import Any, Final

import trio

from .asking import Asking
from .client import Client
from .connecting import connect
from .entering import Entering
from .errors import ClientClosed, ConnectError
from .places import Place

CLEANING: Final = 2.0
"""Seconds that the server may take for the leaving of rooms before the connection is closed instead."""
ANSWER: Final = 2.0
"""Seconds for the ping before a client is lent again."""
FRESH: Final = 1.0
"""What was heard of so many seconds ago is not asked whether it is there."""


class Lent:
    """A client of a pool. `run` is its task; all else is a plain function, but for `healthy`."""

    def __init__(
        self,
        target: str,
        key: Hashable,
        place: Place[Lent],
        options: dict[str, Any],
        gone: Callable[[Lent, str | None], None],
        *,
        idle: float,
        dies: float,
    ) -> None:
        self.key = key
        self.client: Client | None = None
        self._target, self._place, self._options, self._gone = target, place, options, gone
        self._idle, self._dies = idle, dies
        self._user: str | None = None
        self._lent: Client | None = None
        self.held = True
        """Whether it is somebody's: it is opened for one who asked."""
        self._why: str | None = None
        self._left = False
        self._counts = True

    # -- the borrower

    def lend(self) -> Client:
        """The client, as one borrower sees it: it ends for him when it is given back."""
        assert self.client is not None  # noqa: S101 - it is open
        lent = copy.copy(self.client)
        old = self.client._asking  # noqa: SLF001 - a client of ours, as in `connect`
        lent._asking = Asking(old.machine, old.runner, timeout=old.timeout, stored=False)  # noqa: SLF001
        lent._entering = Entering(lent._asking)  # noqa: SLF001
        self._lent = lent
        return lent

    def give_back(self) -> None:
        """The borrower is through: his handle does nothing any more. Never waits: nothing is lost here."""
        if self._lent is not None:
            self._lent._asking.over = ClientClosed("this client was given back to its pool")  # noqa: SLF001
            self._lent = None
        self.held = False
        self._tell()

    async def healthy(self) -> bool:
        """Whether it may be lent again: live, of the same user, and the server answers.

        Cancelled, it is given back.
        """
        client, self.held = self.client, True
        self._tell()
        try:
            if client is None:
                return False
            if not self._fit():
                return False
            pulse = client._machine.pulse  # noqa: SLF001
            if pulse is not None and trio.current_time() - pulse.heard < FRESH:
                return True
            with trio.move_on_after(ANSWER):
                await client.ping()
                return self._fit()
        except ConnectError:
            return False
        except BaseException:
            self.give_back()
            raise
        return False

    def _fit(self) -> bool:
        assert self.client is not None  # noqa: S101 - as above
        status = self.client.status
        return status.live and status.user == self._user and trio.current_time() < self._dies

    # -- the pool

    def make_room(self) -> None:
        """Somebody else needs the place."""
        self._left = True
        self.close("room")

    def close(self, why: str) -> None:
        """Close it; lent or not."""
        if self._why is None:
            self._why = why
            self._left = self._place.gone(self) or self._left
        self._tell()

    def _tell(self) -> None:
        if self.client is not None:
            self.client._runner.tell()  # noqa: SLF001

    def never_opened(self) -> None:
        """It is not open, and will not be."""
        self._free(None)

    def _free(self, why: str | None) -> None:
        if self._counts:
            self._counts = False
            self._place.freed(left=self._left)
            self._gone(self, why)

    # -- its life

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Open it, and keep it until it is closed."""
        opened = False
        try:
            async with connect(self._target, wait=True, **self._options) as client:
                self.client, self._user = client, client.user
                opened = True
                task_status.started()
                await self._live(client)
        except ConnectError:
            if not opened:
                raise
        finally:
            self.client = None
            self._free((self._why or "ended") if opened else None)

    async def _live(self, client: Client) -> None:
        while True:
            await self._while_held(client)
            if not (self._why or await self._clean(client)):
                self.close("unclean")
            if self._why is not None:
                return
            self._place.rest(self)
            await self._while_unused(client)

    async def _while_held(self, client: Client) -> None:
        while self.held and self._why is None:
            await client._runner.changed.wait()  # noqa: SLF001

    async def _clean(self, client: Client) -> bool:
        """Leave nothing of the borrower's behind. False: something is left, and it must be closed."""
        machine, runner = client._machine, client._runner  # noqa: SLF001 - as above
        client._handlers.clear()  # noqa: SLF001
        runner.answers.clear()
        machine.streams.cancel_all(ClientClosed("this client was given back to its pool"))
        runner.pump()
        if machine.sending.owes or machine.hearing.asked.running or not self._fit():
            return False
        with trio.move_on_after(CLEANING):
            await client._entering.leave_all()  # noqa: SLF001
        left = list(machine.hearing.rooms)
        return not (left or machine.sending.owes) and self._fit()

    def _unwanted(self) -> bool:
        return not self.held and self._why is None

    async def _while_unused(self, client: Client) -> None:
        """Until it is somebody's, or must close: idle too long, too old, or not live."""
        until = min(trio.current_time() + self._idle, self._dies)
        while self._unwanted():
            changed, promised = client._runner.changed, self not in self._place.idle  # noqa: SLF001
            if not promised and not client.status.live:
                self.close("lost")
            elif not promised and trio.current_time() >= until:
                self.close("lifetime" if until == self._dies else "idle")
            else:
                with trio.move_on_at(inf if promised else until):
                    await changed.wait()
