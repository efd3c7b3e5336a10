"""Sessions that Python has met: each has one object, made when the application first has to do with it."""

from __future__ import annotations

from rtcore._engine import Engine, session_info
from rtcore.errors import SessionEnded
from rtcore.session import Session


def meet(engine: Engine, handle: int) -> Session:
    """The session with this handle.

    Raises:
        SessionEnded: there is none any more.

    """
    session: Session | None = engine.sessions.get(handle)
    if session is None:
        info = session_info(engine, handle)
        if info is None:
            raise SessionEnded("the session has ended")
        session = engine.sessions[handle] = Session(engine, handle, info)
    return session


def met(engine: Engine, handle: int) -> Session | None:
    """The same; None: there is none any more."""
    try:
        return meet(engine, handle)
    except SessionEnded:
        return None
