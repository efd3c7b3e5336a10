"""The one place that knows the native core. It owns no rules.

Here are the core's words and numbers; `build` makes one; `engine` is what Python keeps beside it while it is
served.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final, cast

from rtcore import _core

from .build import CollectionPlan as CollectionPlan
from .build import CoreSettings as CoreSettings
from .build import Plan as Plan
from .build import RoomPlan as RoomPlan
from .build import build_core as build_core
from .engine import Core as Core
from .engine import CoreEvent as CoreEvent
from .engine import Engine as Engine
from .engine import SessionInfo as SessionInfo
from .engine import denied as denied
from .engine import session_info as session_info
from .engine import unsayable as unsayable

Refused = _core.Refused
Blocked = _core.Blocked
Storing = _core.Storing
check_own = _core.check_own
Crdt = _core.Crdt
packed = _core.packed
proxy_header = _core.proxy_header
DONE: Final = cast("Coroutine[Any, Any, None]", _core.Done())
"""What a plain function gives that may be awaited, when it did not have to wait. No coroutine is made."""
VERSION: Final = _core.VERSION
SQLITE: Final = _core.SQLITE
"""The version of the SQLite that keeps what is durable."""
PAUSED, FINISH, DROP, HANDED_OVER = _core.PAUSED, _core.FINISH, _core.DROP, _core.HANDED_OVER
"""The bits of `Core.stream_state`."""

REQUEST: Final = _core.REQUEST
RAW_MESSAGE: Final = _core.RAW_MESSAGE
AUTHENTICATE: Final = _core.AUTHENTICATE
AUTHORIZE: Final = _core.AUTHORIZE
CHANGE: Final = _core.CHANGE
REAUTHENTICATE: Final = _core.REAUTHENTICATE
REPLY: Final = _core.REPLY
OPENED: Final = _core.OPENED
RESUMED: Final = _core.RESUMED
AWAY: Final = _core.AWAY
ENDED: Final = _core.ENDED
RAW_OPENED: Final = _core.RAW_OPENED
RAW_CLOSED: Final = _core.RAW_CLOSED
RAW_DRAINED: Final = _core.RAW_DRAINED
DRAINED: Final = _core.DRAINED
UNBLOCKED: Final = _core.UNBLOCKED
HAND_OVER: Final = _core.HAND_OVER
STREAM_OPENED: Final = _core.STREAM_OPENED
STREAM_WANTS: Final = _core.STREAM_WANTS
STREAM_ITEM: Final = _core.STREAM_ITEM
STREAM_END: Final = _core.STREAM_END
STREAM_CANCELLED: Final = _core.STREAM_CANCELLED
UNASKED: Final = _core.UNASKED
REFUSED: Final = _core.REFUSED
KEYED: Final = _core.KEYED
STORED: Final = _core.STORED
APART: Final = _core.APART
JOINED: Final = _core.JOINED
LEFT: Final = _core.LEFT
SAID: Final = _core.SAID

CLOSE_CODES: Final[dict[str, int]] = dict(_core.CLOSE_CODES)
"""Close codes by their names in `vectors/codes.json`."""
ERROR_STATUS: Final[dict[str, int]] = dict(_core.ERROR_CODES)
"""The HTTP status of each error code of the wire."""

NORMAL_CLOSE: Final = CLOSE_CODES["NORMAL"]
INTERNAL_CLOSE: Final = CLOSE_CODES["INTERNAL"]
OVERLOADED_CLOSE: Final = CLOSE_CODES["OVERLOADED"]
UNAUTHORIZED_CLOSE: Final = CLOSE_CODES["UNAUTHORIZED"]
EXPIRED_CLOSE: Final = CLOSE_CODES["EXPIRED"]
FORBIDDEN_CLOSE: Final = CLOSE_CODES["FORBIDDEN"]
ENDED_CLOSE: Final = CLOSE_CODES["ENDED"]

GRANTS: Final = ("publish", "presence", "history", "write")
