"""What lives as long as a session: its scopes, which its end cancels."""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from rtcore.errors import SessionEnded

if TYPE_CHECKING:
    from rtcore.session import Session


def living(session: Session) -> None:
    """Go on only while the session lives.

    Raises:
        SessionEnded: it has ended.

    """
    if session.ended:
        raise SessionEnded(f"the session {session.id} has ended: {session.end_reason or 'it was told to go'}")


def enter(session: Session, scope: trio.CancelScope) -> bool:
    """Have a scope cancelled when the session ends. False: it has ended."""
    if session.end_reason is not None:
        return False
    if session._scopes is None:
        session._scopes = set()
    session._scopes.add(scope)
    return True


def leave(session: Session, scope: trio.CancelScope) -> None:
    """The scope is over."""
    if session._scopes is not None:
        session._scopes.discard(scope)


def end(session: Session, reason: str) -> None:
    """The session is gone: everything that it started is cancelled."""
    session.end_reason = reason or "ended"
    for scope in tuple(session._scopes or ()):
        scope.cancel()
    session._engine.session_ended(session._handle, session.end_reason)
