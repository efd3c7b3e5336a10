"""Joining rooms, leaving them, and what they held before."""

from __future__ import annotations

import math
from typing import Any

import trio

from rtcore.errors import UsageError

from .asking import Asking
from .errors import RequestTimeout
from .event import Event, Gap, Heard, event_of
from .given import seconds
from .reader import Reader
from .request import Request
from .rooms import RoomState
from .states import State
from .words import Said, data_of


class Entering:
    """The rooms of a client, as its program uses them."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking
        self._machine = asking.machine

    async def join(
        self,
        name: str,
        last: int | None,
        since: str | None,
        data: Any,
        timeout: float | None,
        *,
        resume: bool,
    ) -> tuple[RoomState, Reader]:
        """Join, and give what is heard from the beginning of this join on."""
        self.asking.still()
        if last is not None and since is not None:
            raise UsageError("a join has last= or since=, not both")
        rooms = self._machine.hearing.rooms
        if resume and (mark := self._machine.hearing.stored_marks.pop(name, None)) is not None:
            last, since = None, f"{self._machine.hearing.epoch}.{mark}"
        fields: Said = {"last": last} if last is not None else {"since": since} if since is not None else {}
        if data is not None:
            fields["data"] = data_of(data)
        if timeout is not None:
            seconds(timeout, "timeout")
        until = math.inf if timeout is None else trio.current_time() + timeout
        state = rooms.make(name)
        with trio.move_on_at(until) as waiting:
            while (before := _before(state)) is not None:
                await self._ended(before)
                state = rooms.make(name)
        if waiting.cancelled_caught:
            raise RequestTimeout(
                f"join was not sent: what was said of {name!r} before it has no answer yet",
                maybe_done=False,
            )
        reader = Reader(name, state.mark)
        state.readers.append(reader)
        state.views += 1
        try:
            if state.member:
                await self._again(state, reader, last, since, timeout)
            else:
                left = until - trio.current_time()
                patience = None if timeout is None else self._machine.clock.now() + left
                sent = self.asking.handle(self._machine.join(state, fields, patience=patience))
                await self.asking.result(sent)
        except BaseException:
            state.views -= 1
            if reader in state.readers:
                state.readers.remove(reader)
            self._unwanted(state)
            raise
        return state, reader

    async def _ended(self, request: Request) -> None:
        """Wait until a request has ended that is not the caller's own."""
        if request.ended:
            return
        ended, before = trio.Event(), request.done

        def done(one: Request) -> None:
            if before is not None:
                before(one)
            ended.set()

        request.done = done
        await ended.wait()

    async def _again(
        self, state: RoomState, reader: Reader, last: int | None, since: str | None, timeout: float | None
    ) -> None:
        """The session is in the room already: joining is counted here, and history is asked for."""
        if last is not None and self._machine.who.life is not None:
            reader.holds()
            told = await self.asking.ask("history", {"room": state.name, "last": last}, timeout)
            history = entries(told, state.name)
            first = history[0].seq if history and isinstance(history[0], Event) else None
            reader.at = (first or 1) - 1 if history else told.get("seq", state.mark)
            reader.filled(history, complete=True, more=False, up_to=told.get("seq"))
        elif since is not None:
            epoch, _, number = since.partition(".")
            if epoch == self._machine.hearing.epoch and number.isdecimal():
                reader.at = int(number)
                reader.lack(state.mark)
                self.taken(reader)

    def _unwanted(self, state: RoomState) -> None:
        """A join did not come to its end: perhaps nobody wants the room."""
        if state.views > 0 or self._machine.state is State.ENDED:
            return
        if state.member or state.joining is not None:
            self._machine.leave(state)
            self.asking.runner.pump()
        elif state.leaving is None:
            self._machine.hearing.rooms.forget(state.name)

    async def leave(self, state: RoomState, reader: Reader | None, timeout: float | None) -> None:
        """One join less; with the last, the server hears of it."""
        wait = self.asking.timeout if timeout is None else timeout
        seconds(wait, "timeout")
        if reader is not None and reader in state.readers:
            state.readers.remove(reader)
            reader.end()
        state.views -= 1
        if state.views > 0 or not (state.member or state.joining is not None):
            return
        self.asking.still()
        state.end(None)
        request = self._machine.leave(state)
        self.asking.runner.pump()
        with trio.move_on_after(wait):
            await self._ended(request)
        if not request.ended:
            raise RequestTimeout(
                "leave has no answer yet; it is said until it has, and nothing is heard", maybe_done=False
            )
        if request.error is not None:
            raise request.error

    async def leave_all(self) -> None:
        """Leave every room, whoever joined it, and wait until the server has said so to each."""
        rooms = self._machine.hearing.rooms
        for state in rooms:
            state.views = 0
            state.end(None)
            self._unwanted(state)
        for state in rooms:
            while (request := state.leaving or state.joining) is not None:
                await self._ended(request)

    async def history(
        self, room: str, after: int | None, limit: int, timeout: float | None
    ) -> tuple[list[Heard], bool]:
        """What the room still holds after a number, and whether there is more."""
        fields: Said = {"room": room, "limit": limit}
        if after is not None:
            fields["after"] = f"{self._machine.hearing.epoch}.{after}"
        wait = self.asking.timeout if timeout is None else timeout
        told = await self.asking.ask("history", fields, wait)
        return entries(told, room), bool(told.get("more"))

    def taken(self, reader: Reader) -> None:
        """Somebody took from it, or looked: what it lacks is asked for when its consumer is through."""
        if not reader.wants_history:
            return
        epoch = self._machine.hearing.epoch
        if reader.room is None or self._machine.state is State.ENDED or epoch is None:
            reader.cannot_fill()
            return
        reader.asks()
        limit = min(1000, self._machine.sending.limits.history)
        fields = {"room": reader.room, "after": f"{epoch}.{reader.at}", "limit": limit}

        def filled(request: Request) -> None:
            if request.error is not None or epoch != self._machine.hearing.epoch:
                reader.cannot_fill()
            else:
                told = request.result
                history = entries(told, reader.room, since=reader.at)
                reader.filled(history, complete=told.get("complete", True), more=bool(told.get("more")))
            if reader.wake is not None:
                reader.wake()

        self._machine.request("history", fields, ours=True, done=filled)
        self.asking.runner.pump()


def _before(state: RoomState) -> Request | None:
    """What must be answered before the room is joined: moves of one room are one behind the other."""
    return state.leaving or (None if state.member else state.joining)


def entries(told: Said, room: str | None, since: int | None = None) -> list[Heard]:
    """A history, its gap first. `since`: the number after which it was asked for, by one who was too slow."""
    found: list[Heard] = [event_of(each) for each in told["history"]]
    if gap := told.get("gap"):
        if since is None:
            found.insert(0, Gap(gap["from"], gap["to"], gap.get("reason", ""), room))
        else:
            found.insert(0, Gap(max(gap["from"], since + 1), gap["to"], "slow", room))
    return found
