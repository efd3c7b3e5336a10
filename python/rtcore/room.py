"""Rooms as the application sees them: say something there, read the past, see who is in it."""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

from _thread import get_ident
from typing import TYPE_CHECKING, Any, Final

import trio

from rtcore._ground.numbers import FIXED

from ._app.hooks import checked_whole
from ._app.rights import grant_words
from ._data.values import encode
from ._engine import Blocked, Engine, Refused, Storing, denied, unsayable
from ._ground.home import anywhere
from ._ground.sayable import sayable
from ._turn.budget import checkpoint, due
from ._turn.listening import Listening
from .entry import Entry, Heard, History, is_position
from .errors import Denied, Forbidden, InvalidData, NotServing, SenderForbidden, SessionEnded, UsageError
from .member import Member
from .session import Session, sessions_only

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .auth import Grant

MOST: Final = FIXED["API_HISTORY"]
"""Entries of one history, as on the wire."""


class Room:
    """A named place where events are heard. Cheap to make: ask `app.room(name)` for it each time.

    Its plain functions may be called in any thread in which no loop runs; the others raise `UsageError`
    outside of the run of Trio that serves the application. All raise `NotServing` before and after that.
    """

    __slots__ = ("_backend", "_engine", "name")

    def __init__(self, engine: Engine, name: str, backend: str | None = None) -> None:
        self._engine = engine
        self._backend = backend  # whose share its rooms and keys are in: an API key's, else the application's
        self.name = name

    async def publish(
        self,
        event: str,
        data: Any = None,
        *,
        exclude: Session | None = None,
        sender: Session | None = None,
        key: str | None = None,
        volatile: bool = False,
        trace: str | None = None,
        rights: bool = True,
    ) -> Entry:
        """Say an event in the room: either it has a number and is heard, or it was never said.

        A cancel point. It waits in a durable room until the entry is on disk, and in one whose policy is
        `block` while a member is behind, at most `block_ms` milliseconds; else it is a schedule point after
        each 64 calls of a task. On its way to the disk it cannot be taken back: who is cancelled then waits
        until it is there, at most as long as the store is waited for.

        Args:
            event: its name, 1 to 255 bytes.
            data: anything that can be said as JSON; bytes become binary.
            exclude: a session that does not hear it.
            sender: the session in whose name it is said; None: the application's. It must be in the room and
                have the right to publish there. (In the rooms of users and of all nobody has any.)
            key: said at most once in the time that keys are kept, under this key (1 to 128 characters).
            volatile: not kept and not replayed, and dropped for listeners that lag.
            trace: a W3C traceparent, copied to the entry.
            rights: False: whatever the sender may, the application answers for it.

        Raises:
            NotFound: no settings name this room.
            InvalidData: a name, the key or the data cannot be said.
            SenderForbidden: the sender is not in the room, or may not publish there.
            KeyConflict: the key was used with other content.
            Overloaded: a limit was reached, or the time in a `block` room was over.
            Unavailable: the room is durable, and the store takes nothing now. It was not said.
            OutcomeUnknown: the disk has not answered in time: it may be kept, and may yet be heard.

        """
        engine = self._engine
        if get_ident() != engine.thread:
            raise engine.elsewhere("publish", "publish_nowait")
        if due():
            await checkpoint()
        payload = encode(data)
        while True:
            try:
                seq = engine.core.publish(
                    self.name,
                    event,
                    payload,
                    0 if exclude is None else exclude._handle,
                    0 if sender is None else sender._handle,
                    key,
                    volatile,
                    trace,
                    self._backend,
                    engine.request_of_caller(),
                    rights,
                )
                break
            except Storing as error:
                seq = await engine.wait_stored(error.args[0])
                break
            except Refused as error:
                raise _denied(error, sender) from None
            except UnicodeEncodeError as error:
                raise unsayable(error) from None
            except AttributeError:
                sessions_only(exclude=exclude, sender=sender)
                raise
            except Blocked as error:
                ticket = error.args[0]
            await engine.wait_unblocked(ticket)
        if not engine.turning:
            engine.wake()
        return Entry(self.name, seq, engine.epoch)

    def publish_nowait(
        self,
        event: str,
        data: Any = None,
        *,
        exclude: Session | None = None,
        sender: Session | None = None,
        key: str | None = None,
        volatile: bool = False,
        trace: str | None = None,
        rights: bool = True,
    ) -> Entry:
        """Say an event in the room, now. For plain functions, of any thread; see `publish` for the rest.

        In another thread it is done by the run that serves the application, and the thread waits for that.
        In a durable room it does not wait for the disk: nobody hears the entry before it is there, and the
        ack of the request in whose handler it was said leaves no sooner.

        Raises:
            NotFound: no settings name this room.
            InvalidData: a name, the key or the data cannot be said.
            SenderForbidden: the sender is not in the room, or may not publish there.
            KeyConflict: the key was used with other content.
            Overloaded: a limit was reached.
            Unavailable: the room is durable, and the store takes nothing now. It was not said.
            trio.WouldBlock: a member of a `block` room is behind, or `publish` would wait for the disk first.

        """
        engine = self._engine
        if get_ident() != engine.thread:
            return engine.hand_over(
                self.publish_nowait,
                event,
                data,
                exclude=exclude,
                sender=sender,
                key=key,
                volatile=volatile,
                trace=trace,
                rights=rights,
            )
        try:
            seq = engine.core.publish(
                self.name,
                event,
                encode(data),
                0 if exclude is None else exclude._handle,
                0 if sender is None else sender._handle,
                key,
                volatile,
                trace,
                self._backend,
                engine.request_of_caller(),
                rights,
                False,
            )
        except Refused as error:
            raise _denied(error, sender) from None
        except UnicodeEncodeError as error:
            raise unsayable(error) from None
        except AttributeError:
            sessions_only(exclude=exclude, sender=sender)
            raise
        except Blocked:
            raise trio.WouldBlock(
                f"publishing in {self.name!r} has to wait first (a member of a `block` room is behind, too "
                "much waits for the disk, or the key of an earlier start is looked up there): await `publish`"
            ) from None
        if not engine.turning:
            engine.wake()
        return Entry(self.name, seq, engine.epoch)

    async def history(self, after: str | None = None, limit: int = 100) -> History:
        """The oldest entries after a position; without one, the oldest that there are.

        A cancel point. Of a durable room what memory does not hold is read from disk, which is waited for;
        else it is a schedule point after each 64 calls of a task.

        Args:
            after: a position, as in `Entry.position`.
            limit: at most so many entries, 1 to 1,000.

        Raises:
            NotFound: no settings name this room.
            InvalidData: `after` is no position.
            UsageError: the limit is no whole number from 1 to 1,000.
            Unavailable: the disk cannot be read now, or has not answered in time.

        """
        engine = self._engine
        engine.here("history")
        if due():
            await checkpoint()
        if after is not None and not is_position(after):
            raise InvalidData(f"`after` is a position, `epoch.seq` as in `k3f9.124`, and not {after!r}")
        if checked_whole(limit, "the limit of a history", 1) > MOST:
            raise UsageError(f"a history has at most {MOST:,} entries, and {limit:,} were asked for")
        ticket = engine.call(engine.core.read_history, self.name, after, limit) if engine.durable else 0
        if ticket:
            await engine.wait_ticket(ticket)
            rows, complete, more = engine.core.take_history(ticket) or ((), False, False)
        else:
            rows, complete, more = engine.call(engine.core.history, self.name, after, limit)
        return History([Heard(self.name, engine.epoch, row) for row in rows], complete, more)

    @anywhere
    def listen(self, since: str | None = None) -> Listening:
        """Hear what is said in the room, as a member does: `async for entry in app.room("tea").listen():`.

        It gives `Heard`, and `Gap` where the room no longer has what came after the position; volatile events
        are not heard. Nobody sees the application in the room. In a durable room an entry is heard when it is
        on disk.

        Args:
            since: a position, as in `Entry.position`: what came after it is heard first. None: what is said
                from now on.

        Raises:
            NotFound: no settings name this room.
            InvalidData: `since` is no position.

        """
        engine = self._engine
        if since is not None and not is_position(since):
            raise InvalidData(f"`since` is a position, `epoch.seq` as in `k3f9.124`, and not {since!r}")
        seq = engine.call(engine.core.readable, self.name)
        return Listening(self, f"{engine.epoch}.{seq}" if since is None else str(since))

    @property
    @anywhere
    def present(self) -> bool:
        """Whether somebody is in it who has a connection now; of `app.user("ann")`: whether ann is there."""
        return bool(self._engine.core.present(self.name))

    @anywhere
    def users(self) -> list[str]:
        """The ids of the users who are in it, the absent within their resume window included, each once."""
        rows = self._engine.core.members(self.name)
        return list(dict.fromkeys(row[2] for row in rows or () if row[2] is not None))

    @anywhere
    def members(self) -> list[Member]:
        """Who is in it now, the absent within their resume window included."""
        rows = self._engine.core.members(self.name)
        return [Member(self._engine, row) for row in rows or ()]

    @anywhere
    def add(self, session: Session, *, grants: Iterable[Grant] | None = None, info: Any = None) -> None:
        """Put a session into the room, without asking the authorizer.

        Args:
            session: who.
            grants: words of "publish", "presence", "history"; None: what the room's settings give.
            info: what the other members see of it.

        Raises:
            NotFound: no settings name this room.
            UsageError: one of the words is no right.
            InvalidData: the info cannot be said as JSON.
            SessionEnded: the session has ended.
            Overloaded: there are as many rooms as may be (`rooms`).

        """
        engine = self._engine
        sessions_only(session=session)
        words = None if grants is None else grant_words(grants)
        known = None if info is None else encode(info)
        request = engine.request_of_caller()
        if not engine.call(engine.core.put_in, session._handle, self.name, words, known, request):
            raise SessionEnded(f"the session {session.id} has ended")

    @anywhere
    def remove(self, session: Session, reason: str = "") -> bool:
        """Take a session out of the room; it is told so, with the reason. False: it was not in it.

        Nothing more of the room is said to it from now on. Where the session lives over a restart (durable
        rooms), it is told when that is on disk, and the ack of the request in whose handler this was called
        leaves no sooner.
        """
        sessions_only(session=session)
        engine, said = self._engine, sayable(reason)
        request = engine.request_of_caller()
        return bool(engine.call(engine.core.put_out, session._handle, self.name, said, request))

    @anywhere
    def grant(self, session: Session, grants: Iterable[Grant]) -> bool:
        """Change what a member may do, from now on; it is told so, as with `remove`. False: it is not in it.

        Raises:
            UsageError: one of the words is no right.

        """
        sessions_only(session=session)
        engine, words = self._engine, grant_words(grants)
        request = engine.request_of_caller()
        return bool(engine.call(engine.core.set_grants, session._handle, self.name, words, request))

    @anywhere
    def set_info(self, session: Session, info: Any) -> bool:
        """Change what others see of a member, who hear it as presence. None: nothing. False: it is not in it.

        An authorizer that gives an `info` when the session returns, or joins again, changes it likewise.

        Raises:
            InvalidData: the info cannot be said as JSON.

        """
        sessions_only(session=session)
        engine, known = self._engine, None if info is None else encode(info)
        return bool(engine.call(engine.core.set_info, session._handle, self.name, known))

    def __repr__(self) -> str:
        return f"<Room {self.name!r}>"


def _denied(error: Refused, sender: Session | None) -> Denied:
    told = denied(error)
    if sender is None or not isinstance(told, Forbidden):
        return told
    told = SenderForbidden(told.message)
    told.add_note(
        f"It was to be said in the name of session {sender.id}: `rights=False` says it whatever that may."
    )
    return told


def unserved(what: str) -> NotServing:
    """The error for what needs a running server."""
    return NotServing(
        f"{what}: the application is not being served. Call it while `rtcore.run` or `rtcore.serve` runs, "
        "in a handler, a background task or a lifespan"
    )


Room.__module__ = "rtcore"
