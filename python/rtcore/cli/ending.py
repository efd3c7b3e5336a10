"""How a command ends in which a client ran: what went wrong as one line, and a status."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rtcore._ground.groups import leaves
from rtcore.client import ClientError, WrongURL
from rtcore.errors import RtcoreError, UsageError

from .wrong import Failed, Wrong


@contextlib.contextmanager
def ends_in_words() -> Iterator[None]:
    """What ends the block on purpose ends the command, with one line; a fault of ours keeps its traceback."""
    try:
        yield
    except RtcoreError as error:
        raise _failed([error]) from None
    except BaseExceptionGroup as group:
        causes = list(leaves(group))
        mine = [cause for cause in causes if isinstance(cause, RtcoreError)]
        if len(mine) == len(causes):
            raise _failed(mine) from None
        if all(isinstance(cause, OSError) for cause in causes):
            raise causes[0] from None  # whoever read what is shown is gone: that is no fault
        raise


def _failed(errors: list[RtcoreError]) -> Failed:
    kind = Wrong if all(isinstance(error, WrongURL | UsageError) for error in errors) else Failed
    return kind("; ".join(f"{error}{_maybe(error)}" for error in errors))


def _maybe(error: RtcoreError) -> str:
    done = isinstance(error, ClientError) and getattr(error, "maybe_done", False)
    return " (it may have been done)" if done else ""
