"""Rooms as the application sees them: say something there, read the past, see who is in it."""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

import re
from _thread import get_ident
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Self, overload

import trio

from rtcore._ground.numbers import FIXED

from ._app.hooks import checked_whole
from ._app.rights import grant_words
from ._data.values import ANYTHING, JSON, encode
from ._engine import Blocked, Engine, Refused, denied, unsayable
from ._ground.home import anywhere
from ._ground.sayable import sayable
from ._turn.budget import checkpoint, due
from ._turn.sessions import meet
from .errors import InvalidData, NotServing, SessionEnded, UsageError
from .session import Session, sessions_only

if TYPE_CHECKING:
    from collections.abc import Iterable

_POSITION: Final = re.compile(r"([a-z0-9]+)\.(0|[1-9][0-9]{0,19})\Z")

MOST: Final = FIXED["API_HISTORY"]
"""Entries of one history, as on the wire."""


def _is_position(text: object) -> bool:
    return isinstance(text, str) and _POSITION.match(text) is not None


class Position(str):
    """Says "I have everything up to here": epoch and sequence number, `epoch.seq` on the wire.

    A text, so that it can be stored and sent as it is.

    Raises:
        UsageError: the text is no position.

    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check and keep the text."""
        if not _is_position(text):
            raise UsageError(f"a position is `epoch.seq`, as in `k3f9.124`, and not {text!r}")
        return super().__new__(cls, text)

    @property
    def epoch(self) -> str:
        """The life of the log in which the number counts."""
        return self.partition(".")[0]

    @property
    def seq(self) -> int:
        """The sequence number."""
        return int(self.partition(".")[2])


class Entry:
    """An event once it is in the log: it has a sequence number and never changes.

    `seq` is 0 for a volatile event, which is in no log and has no position.
    """

    __slots__ = ("_epoch", "room", "seq")

    def __init__(self, room: str, seq: int, epoch: str) -> None:
        self.room = room
        self.seq = seq
        self._epoch = epoch

    @property
    def position(self) -> Position | None:
        """Where it is in the log: `None` for a volatile event."""
        return Position(f"{self._epoch}.{self.seq}") if self.seq else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.seq} in {self.room!r}>"


class Heard(Entry):
    """An entry that was read back, with what was said.

    `time` is milliseconds since 1970; `session` and `user` are the ids of who said it, None for the
    application. `raw` is what was said, as JSON; `trace` a W3C traceparent, or None.
    """

    __slots__ = ("event", "raw", "session", "time", "trace", "user")

    def __init__(
        self, room: str, epoch: str, row: tuple[int, str, bytes, int, str | None, str | None, str | None]
    ) -> None:
        super().__init__(room, row[0], epoch)
        _, self.event, self.raw, self.time, self.session, self.user, self.trace = row

    @property
    def data(self) -> Any:
        """What was said; read anew each time."""
        return ANYTHING.by_form(JSON, self.raw)


class History(Sequence[Heard]):
    """Entries of a room, oldest first.

    `complete` is false when the ring has let go of something after the position that was asked for; `more` is
    true when there is more than was asked for.
    """

    __slots__ = ("_entries", "complete", "more")

    def __init__(self, entries: list[Heard], complete: bool, more: bool) -> None:
        self._entries = entries
        self.complete = complete
        self.more = more

    @overload
    def __getitem__(self, at: int) -> Heard: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Heard]: ...
    def __getitem__(self, at: int | slice) -> Heard | Sequence[Heard]:
        return self._entries[at]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Heard]:
        return iter(self._entries)


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

        A cancel point. It waits only in a room whose policy is `block`, at most `block_ms` milliseconds,
        while a member is behind; else it is a schedule point after each 64 calls of a task.

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
                )
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

        Raises:
            NotFound: no settings name this room.
            InvalidData: a name, the key or the data cannot be said.
            KeyConflict: the key was used with other content.
            Overloaded: a limit was reached.
            trio.WouldBlock: the room's policy is `block`, and a member is behind.

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
            )
        except Refused as error:
            raise denied(error) from None
        except UnicodeEncodeError as error:
            raise unsayable(error) from None
        except AttributeError:
            sessions_only(exclude=exclude, sender=sender)
            raise
        except Blocked:
            raise trio.WouldBlock(
                f"a member of {self.name!r} is behind, and the room's policy is `block`"
            ) from None
        if not engine.turning:
            engine.wake()
        return Entry(self.name, seq, engine.epoch)

    async def history(self, after: str | None = None, limit: int = 100) -> History:
        """The oldest entries after a position; without one, the oldest that the ring holds.

        A cancel point, and a schedule point after each 64 calls of a task.

        Args:
            after: a position, as in `Entry.position`.
            limit: at most so many entries, 1 to 1,000.

        Raises:
            NotFound: no settings name this room.
            InvalidData: `after` is no position.
            UsageError: the limit is no whole number from 1 to 1,000.

        """
        engine = self._engine
        engine.here("history")
        if due():
            await checkpoint()
        if after is not None and not _is_position(after):
            raise InvalidData(f"`after` is a position, `epoch.seq` as in `k3f9.124`, and not {after!r}")
        if checked_whole(limit, "the limit of a history", 1) > MOST:
            raise UsageError(f"a history has at most {MOST:,} entries, and {limit:,} were asked for")
        rows, complete, more = engine.call(engine.core.history, self.name, after, limit)
        return History([Heard(self.name, engine.epoch, row) for row in rows], complete, more)

    @anywhere
    def members(self) -> list[Member]:
        """Who is in it now, the absent within their resume window included."""
        rows = self._engine.core.members(self.name)
        return [Member(self._engine, row) for row in rows or ()]

    @anywhere
    def add(self, session: Session, *, grants: Iterable[str] | None = None, info: Any = None) -> None:
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
        if not engine.call(engine.core.put_in, session._handle, self.name, words, known):
            raise SessionEnded(f"the session {session.id} has ended")

    @anywhere
    def remove(self, session: Session, reason: str = "") -> bool:
        """Take a session out of the room; it is told so, with the reason. False: it was not in it."""
        sessions_only(session=session)
        return bool(self._engine.call(self._engine.core.put_out, session._handle, self.name, sayable(reason)))

    @anywhere
    def grant(self, session: Session, grants: Iterable[str]) -> bool:
        """Change what a member may do, from now on; it is told so. False: it is not in the room.

        Raises:
            UsageError: one of the words is no right.

        """
        sessions_only(session=session)
        words = grant_words(grants)
        return bool(self._engine.call(self._engine.core.set_grants, session._handle, self.name, words))

    def __repr__(self) -> str:
        return f"<Room {self.name!r}>"


def unserved(what: str) -> NotServing:
    """The error for what needs a running server."""
    return NotServing(
        f"{what}: the application is not being served. Call it while `rtcore.run` or `rtcore.serve` runs, "
        "in a handler, a background task or a lifespan"
    )


for _kind in (Position, Entry, Heard, History, Member, Room):
    _kind.__module__ = "rtcore"
del _kind
