"""Rooms as the application sees them: say something there, read the past, see who is in it."""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

from _thread import get_ident
from typing import TYPE_CHECKING, Any, Final

import trio

from rtcore._ground.numbers import FIXED

from ._app.hooks import checked_whole
from ._app.rights import grant_words
from ._data.values import ANYTHING, JSON, encode
from ._engine import Blocked, Engine, Refused, Storing, denied, unsayable
from ._ground.home import anywhere
from ._ground.sayable import sayable
from ._turn.budget import checkpoint, due
from ._turn.sessions import meet
from .entry import Entry, Heard, History, is_position
from .errors import InvalidData, NotServing, SessionEnded, UsageError
from .session import Session, sessions_only

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .auth import Grant

MOST: Final = FIXED["API_HISTORY"]
"""Entries of one history, as on the wire."""


class Member:
    """Who is in a room: the ids of session and user, and what the authorizer said of it."""

    __slots__ = ("_engine", "_handle", "_info", "session_id", "user")

    def __init__(self, engine: Engine, row: tuple[int, str, str | None, bytes | None]) -> None:
        self._engine = engine
        self._handle, self.session_id, self.user, self._info = row

    @property
    def info(self) -> Any:
        """What the authorizer said of it, or None."""
        return None if self._info is None else ANYTHING.by_form(JSON, self._info)

    @property
    @anywhere
    def session(self) -> Session:
        """The session itself.

        Raises:
            SessionEnded: it has ended since.

        """
        return meet(self._engine, self._handle)

    def __repr__(self) -> str:
        return f"<Member {self.session_id} of {self.user!r}>"


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
            sender: the session in whose name it is said; None: the application's.
            key: said at most once in the time that keys are kept, under this key (1 to 128 characters).
            volatile: not kept and not replayed, and dropped for listeners that lag.
            trace: a W3C traceparent, copied to the entry.

        Raises:
            NotFound: no settings name this room.
            InvalidData: a name, the key or the data cannot be said.
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
                )
                break
            except Storing as error:
                seq = await engine.wait_stored(error.args[0])
                break
            except Refused as error:
                raise denied(error) from None
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
    ) -> Entry:
        """Say an event in the room, now. For plain functions, of any thread; see `publish` for the rest.

        In another thread it is done by the run that serves the application, and the thread waits for that.
        In a durable room it does not wait for the disk: nobody hears the entry before it is there, and the
        ack of the request in whose handler it was said leaves no sooner.

        Raises:
            NotFound: no settings name this room.
            InvalidData: a name, the key or the data cannot be said.
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
            )
        except Storing:
            seq = engine.core.head()  # it has its number, and is on its way
        except Refused as error:
            raise denied(error) from None
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

    def __repr__(self) -> str:
        return f"<Room {self.name!r}>"


def unserved(what: str) -> NotServing:
    """The error for what needs a running server."""
    return NotServing(
        f"{what}: the application is not being served. Call it while `rtcore.run` or `rtcore.serve` runs, "
        "in a handler, a background task or a lifespan"
    )


for _kind in (Member, Room):
    _kind.__module__ = "rtcore"
del _kind
