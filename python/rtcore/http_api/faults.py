"""What is wrong with a request: a code, and the HTTP status that goes with it."""

from __future__ import annotations

import math
from typing import Any, Final

from rtcore import _engine, errors
from rtcore._ground.numbers import FIXED

STATUS: Final = {**_engine.ERROR_STATUS, "METHOD_NOT_ALLOWED": 405}
"""The statuses of the core's table, and one of HTTP's own; a rate is 429 and says so itself."""
COME_BACK: Final = FIXED["COME_BACK_S"]
"""Seconds after which to try again when the server is what has too much to do."""

Headers = tuple[tuple[bytes, bytes], ...]


class Fault(errors.RtcoreError):
    """An operation was not done. `after` is when to come back (s); `status` None: that of the code."""

    def __init__(
        self,
        code: str,
        message: str,
        details: Any = None,
        *,
        retry: bool = False,
        after: float | None = None,
        status: int | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.details = details
        self.retry = retry
        self.status = STATUS.get(code, 500) if status is None else status
        if after is None and code == "OVERLOADED":
            after = COME_BACK
        if after is not None:
            # RFC 9110 §10.2.3: whole seconds.
            headers = (*headers, (b"retry-after", str(max(1, math.ceil(after))).encode()))
        self.headers = headers


def of(error: Exception) -> Fault:
    """What was not done, as it is answered."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, errors.NotServing):
        return Fault("OVERLOADED", "the server is going down", retry=True)
    if isinstance(error, errors.SessionEnded):
        return Fault("NOT_FOUND", "there is no such session, or no longer")
    if isinstance(error, errors.Denied) and error.code in STATUS:
        return Fault(error.code, error.message, retry=error.retry)
    return Fault("INTERNAL", "the server could not do this; its log says why")
