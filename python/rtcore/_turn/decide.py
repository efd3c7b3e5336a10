"""Decisions that the core asks the application for: who this is, and whether it may join.

A plain function answers in the turn. A coroutine gets a task in the server's nursery: for a hello it ends
with the time that the core gives to say one, for a session with the session. An error of the application
refuses, and its traceback goes to the log.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import trio

from rtcore._app.refusals import refusal
from rtcore._app.registry import registered
from rtcore._app.rights import access, expires_ms, user_of
from rtcore._data.values import ANYTHING, FAULTS, encode
from rtcore._engine import (
    EXPIRED_CLOSE,
    FORBIDDEN_CLOSE,
    INTERNAL_CLOSE,
    OVERLOADED_CLOSE,
    UNAUTHORIZED_CLOSE,
    CoreEvent,
    Engine,
)
from rtcore._ground.failures import Guard
from rtcore.app import App
from rtcore.auth import ANONYMOUS, Hello, Join, User
from rtcore.errors import Refuse, SessionEnded
from rtcore.room import Room
from rtcore.session import Session

from .life import enter, leave
from .refused import lost_room
from .renewal import Again
from .sessions import meet

log = logging.getLogger("rtcore.app")

_CLOSES: Final = {
    "UNAUTHORIZED": UNAUTHORIZED_CLOSE,
    "FORBIDDEN": FORBIDDEN_CLOSE,
    "OVERLOADED": OVERLOADED_CLOSE,
}


class Decisions:
    """Puts the core's questions to the application, and its answers to the core."""

    __slots__ = ("_asked", "_back", "_hellos", "_registry", "engine", "hello_seconds")

    def __init__(self, app: App, engine: Engine, hello_seconds: float) -> None:
        self._registry = registered(app)
        self.engine = engine
        self.hello_seconds = hello_seconds
        self._hellos: dict[int, trio.CancelScope] = {}  # authenticators that run, by connection
        self._asked: dict[int, trio.CancelScope] = {}  # authorizers that run, by ticket
        self._back: dict[int, tuple[Session, str]] = {}  # of a session that comes back, by ticket

    def unasked(self, event: CoreEvent) -> None:
        """UNASKED: who was asked about is gone. What runs to answer is cancelled; its answer is nobody's."""
        _, conn, ticket = event
        self._back.pop(ticket, None)
        scope = self._asked.pop(ticket, None) if ticket else self._hellos.pop(conn, None)
        if scope is not None:
            scope.cancel()

    # -- who is this?

    def authenticate(self, event: CoreEvent) -> None:
        """AUTHENTICATE: a hello came."""
        _, conn, token, client, address, user_agent, secure = event
        hello = Hello(token=token, client=client, address=address, user_agent=user_agent, secure=secure)
        with Guard(partial(self._refuse_hello, conn), waits=False):
            answer = self._ask_who(hello)
            if inspect.isawaitable(answer):
                scope = self._hellos[conn] = trio.CancelScope()
                self._spawn(self._authenticate_later, conn, scope, answer)
            else:
                self._admit_user(conn, answer)

    def _ask_who(self, hello: Hello) -> Any:
        authenticator = self._registry.authenticator
        return ANONYMOUS if authenticator is None else authenticator.run(hello)

    async def _authenticate_later(self, conn: int, scope: trio.CancelScope, answer: Any) -> None:
        scope.deadline = trio.current_time() + self.hello_seconds
        try:
            with scope, Guard(partial(self._refuse_asked, conn, scope)):
                user = await self.engine.held.watch("the authenticator", answer)
                if self._is_asked(conn, scope):
                    self._admit_user(conn, user)
            if scope.cancelled_caught:
                self._refuse_asked(conn, scope, TimeoutError(f"it took longer than {self.hello_seconds:g} s"))
        finally:
            if self._is_asked(conn, scope):
                del self._hellos[conn]
        self.engine.wake()

    def _refuse_asked(self, conn: int, scope: trio.CancelScope, error: BaseException) -> None:
        if self._is_asked(conn, scope):
            self._refuse_hello(conn, error)

    def _is_asked(self, conn: int, scope: trio.CancelScope) -> bool:
        """Whether this answer is waited for: the connection may be gone, or have said another hello since."""
        return self._hellos.get(conn) is scope

    def _admit_user(self, conn: int, answer: Any) -> None:
        if answer is None:
            self.engine.core.refuse_hello(conn, UNAUTHORIZED_CLOSE, "the token is not accepted")
        else:
            user = user_of(answer)
            if user.resume is not None:
                self.engine.core.stay(conn, int(user.resume * 1000))
            self.engine.core.authenticated(conn, user.id, expires_ms(user))

    def _refuse_hello(self, conn: int, error: BaseException) -> None:
        """A hello that is not taken. Raises nothing."""
        failures = self.engine.failures
        said = refusal(error, failures, "the authenticator") if isinstance(error, Refuse) else None
        if said is not None and said.code in _CLOSES:
            # A token that is over, or not good yet: a client with another one may come back.
            over = said.retry and said.code == "UNAUTHORIZED"
            self.engine.core.refuse_hello(conn, EXPIRED_CLOSE if over else _CLOSES[said.code], said.message)
        else:
            failures.log(log, "authenticator", "the authenticator failed", error=error)
            self.engine.core.refuse_hello(conn, INTERNAL_CLOSE, "the server could not find out who this is")

    # -- who is this now?

    def reauthenticate(self, event: CoreEvent) -> None:
        """REAUTHENTICATE: a session brought a new token."""
        _, handle, ticket, token = event
        try:
            session = meet(self.engine, handle)
        except SessionEnded:
            return
        if self._registry.authenticator is None:
            self.engine.core.reauthenticated(ticket, session.user, None)
            return
        hello = Hello(token=token, address=session.address, user_agent=session.user_agent, session=session)
        about = {"session": session.id}
        with Guard(partial(self._deny, ticket, "the authenticator", about), waits=False):
            answer = self._ask_who(hello)
            if inspect.isawaitable(answer):
                self._spawn(self._reauthenticate_later, session, ticket, answer)
                return
            renewal = self._begin_renewal(session, ticket, answer)
            if renewal is None:
                return
            user, rooms = renewal
            if rooms.waiting:
                self._spawn(self._renew_later, session, ticket, user, rooms)
            else:
                self._renewed(ticket, user)

    async def _reauthenticate_later(self, session: Session, ticket: int, answer: Any) -> None:
        async with self._of_session(session, ticket, "the authenticator", trio.CancelScope()):
            answer = await self.engine.held.watch("the authenticator", answer)
            renewal = self._begin_renewal(session, ticket, answer)
            if renewal is not None:
                user, rooms = renewal
                await rooms.hear()
                self._renewed(ticket, user)

    async def _renew_later(self, session: Session, ticket: int, user: User, rooms: Again) -> None:
        async with self._of_session(session, ticket, "the authenticator", trio.CancelScope()):
            await rooms.hear()
            self._renewed(ticket, user)

    def _renewed(self, ticket: int, user: User) -> None:
        self.engine.core.reauthenticated(ticket, user.id, expires_ms(user))

    def _begin_renewal(self, session: Session, ticket: int, answer: Any) -> tuple[User, Again] | None:
        """The user after the renewal, and the rooms that were asked about again; None: it was refused."""
        if answer is None:
            self.engine.core.deny(ticket, "UNAUTHORIZED", "the token is not accepted")
            return None
        user = user_of(answer)
        rooms = Again(self._registry, self.engine, session)
        if user.id == session.user:  # else the core refuses: what another may is nothing to this session
            rooms.ask()
        return user, rooms

    # -- may it join?

    def authorize(self, event: CoreEvent) -> None:
        """AUTHORIZE: a session wants to be in a room that has an authorizer, a state, or both."""
        _, handle, ticket, room, form, data, resuming = event
        try:
            session = meet(self.engine, handle)
        except SessionEnded:
            return
        authorizer = self._registry.authorizers.find(room)
        if authorizer is None:
            self._admit(session, ticket, room, answer=True)
            return
        if resuming:
            self._back[ticket] = session, room
        try:
            value = None if data is None else ANYTHING.by_form(form, data)
        except FAULTS as error:
            self._say_no(ticket, "INVALID_MESSAGE", f"the data of the join cannot be read: {error}")
            return
        about = {"session": session.id, "room": room}
        with Guard(partial(self._deny, ticket, f"the authorizer of {room!r}", about), waits=False):
            answer = authorizer.run(session, Join(room=room, data=value, resuming=resuming))
            if inspect.isawaitable(answer):
                scope = self._asked[ticket] = trio.CancelScope()
                self._spawn(self._authorize_later, session, ticket, room, scope, answer)
            else:
                self._admit(session, ticket, room, answer)

    async def _authorize_later(
        self, session: Session, ticket: int, room: str, scope: trio.CancelScope, answer: Any
    ) -> None:
        try:
            what = f"the authorizer of {room!r}"
            async with self._of_session(session, ticket, what, scope, room=room):
                self._admit(session, ticket, room, await self.engine.held.watch(what, answer))
        finally:
            self._asked.pop(ticket, None)
            self._back.pop(ticket, None)

    @asynccontextmanager
    async def _of_session(
        self, session: Session, ticket: int, what: str, scope: trio.CancelScope, **about: str
    ) -> AsyncIterator[None]:
        """A decision that waits: it ends with its session, its failure is told, what it did is written."""
        about["session"] = session.id
        with scope:
            try:
                if not enter(session, scope):
                    scope.cancel()
                with Guard(partial(self._deny, ticket, what, about)):
                    yield
            finally:
                leave(session, scope)
        self.engine.wake()

    def _admit(self, session: Session, ticket: int, room: str, answer: Any) -> None:
        """Admit or deny. The state is made here, with no wait before the core takes it with its position."""
        core, about = self.engine.core, {"session": session.id, "room": room}
        with Guard(partial(self._deny, ticket, f"the authorizer or state of {room!r}", about), waits=False):
            allowed = access(answer)
            if allowed is None:
                self._say_no(ticket, "FORBIDDEN", f"this session may not be in {room!r}")
                return
            info = None if allowed.info is None else encode(allowed.info)
            state = self._registry.states.find(room)
            known: bytes | None = None
            if state is not None:
                place = Room(self.engine, room)
                known = encode(state.function(place, session) if state.for_session else state.function(place))
            core.admit(ticket, None if allowed.grants is None else list(allowed.grants), info, known)
            self._back.pop(ticket, None)

    def _deny(self, ticket: int, what: str, about: Mapping[str, str], error: BaseException) -> None:
        """A wish that is not granted. Raises nothing."""
        failures = self.engine.failures
        if isinstance(error, Refuse):
            said = refusal(error, failures, what)
            self._say_no(ticket, said.code, said.message)
        else:
            failures.log(log, "authorizer", "%s failed", what, error=error, about=about)
            self._say_no(ticket, "INTERNAL", f"{what} failed")

    def _say_no(self, ticket: int, code: str, message: str) -> None:
        """A wish is denied. The core tells the log of a refused join; a room lost on return is told here."""
        self.engine.core.deny(ticket, code, message)
        lost = self._back.pop(ticket, None)
        if lost is not None:
            session, room = lost
            lost_room(self.engine.failures, session.address, session.id, room, f"{code}: {message}")

    def _spawn(self, function: Any, *args: Any) -> None:
        nursery = self.engine.nursery
        if nursery is not None:
            nursery.start_soon(function, *args)
        elif inspect.iscoroutine(args[-1]) or isinstance(args[-1], Again):
            args[-1].close()  # the server ends: the coroutine is never awaited, and says nothing about it
