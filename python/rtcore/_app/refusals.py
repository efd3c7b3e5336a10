"""A `Refuse` as it can be said, whatever it has become.

Its text may hold what a peer sent (half of a surrogate pair), its class may be the application's own and have
set nothing or anything, its details may not fit JSON. Each part that cannot be said is left out and logged;
what is refused stays refused.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from rtcore._data.values import encode
from rtcore._ground.failures import Failures, blame
from rtcore._ground.sayable import sayable
from rtcore.errors import LATEST, Refuse, is_code

log = logging.getLogger("rtcore.app")


class Refusal(NamedTuple):
    """What the core is told."""

    code: str
    message: str
    details: bytes | None
    retry: bool
    after_ms: int | None = None


def refusal(error: Refuse, failures: Failures, what: str) -> Refusal:
    """What is to be said of a refusal by `what`. Raises nothing but `KeyboardInterrupt`."""
    code, details, retry, after_ms = Refuse.code, None, False, None
    try:
        code = _code(error)
    except BaseException as fault:  # noqa: BLE001 - the application's, whatever it is
        _left_out(failures, "code", what, blame(fault))
    try:
        message = sayable(error.message) or code
    except BaseException as fault:  # noqa: BLE001 - as above
        blame(fault)
        message = code
    try:
        retry = bool(error.retry)
        after_ms = _milliseconds(error.after) if retry else None
        details = None if error.details is None else encode(error.details)
    except BaseException as fault:  # noqa: BLE001 - as above
        _left_out(failures, "details", what, blame(fault))
    return Refusal(code, message, details, retry, after_ms)


def _milliseconds(after: object) -> int | None:
    if after is None:
        return None
    if not isinstance(after, (int, float)) or not 0 <= after <= LATEST:
        raise ValueError(f"its `after` is {after!r}, and not 0 to {LATEST} seconds")
    return round(after * 1000)


def _code(error: Refuse) -> str:
    given: object = error.code
    if given is Refuse.code and "code" not in vars(error):
        raise ValueError("it has none: its class has not called Refuse.__init__")
    if not is_code(given):
        raise ValueError(f"its code is {given!r}, and not 1 to 64 of A-Z, 0-9 and _")
    return sayable(given)


def _left_out(failures: Failures, part: str, what: str, fault: BaseException) -> None:
    text = "the %s of a refusal by %s cannot be said: %s"
    failures.log(log, f"refusal by {what}", text, part, what, sayable(fault), error=None)
