"""What was refused, in the log: who could not come in and why, and what to set if it should.

A refusal is told to the peer; here it is told to the operator: an origin, a host, a token and a join
at `info`, a message that could not be read at `debug`. A few a turn leave the core, and a few a second of
each kind are written (`Failures`); `rtcore_refused_total` and `rtcore_faults_total` count all of them. What a
peer said is in these lines, escaped and cut.
"""

from __future__ import annotations

import logging
from typing import Final

from rtcore._engine import CoreEvent
from rtcore._ground.failures import Failures

log = logging.getLogger("rtcore.refused")

_KINDS: Final = ("request", "token", "join", "message")
_MESSAGE: Final = 3
_HOST: Final = "allow that host in the settings"
"""How the core ends what it says of a name in `Host`."""
# What lets in what is refused with a code, by what it was.
_HINTS: Final = {
    ("request", "FORBIDDEN_ORIGIN"): "; to let it in: --origin, or `origins` in the settings",
    ("request", "FORBIDDEN"): "; app.authorize(...) decides who may hear",
    ("host", "FORBIDDEN"): "; to let it in: --allow-host, or `hosts` in the settings",
    ("request", "OVERLOADED"): "; to let more in: the limit that it names",
    ("join", "NOT_FOUND"): "; app.rooms(...) says which rooms there are",
    ("join", "FORBIDDEN"): "; app.authorize(...) decides who may join",
}


def wants_faults() -> bool:
    """Whether the log takes lines about messages that are refused."""
    return log.isEnabledFor(logging.DEBUG)


def tell(failures: Failures, event: CoreEvent) -> None:
    """REFUSED: write it, if there were not enough of its kind this second."""
    _, what, address, text = event
    kind = _KINDS[what]
    code = next((word.rstrip(":") for word in text.split(" ", 2)[:2] if word.rstrip(":").isupper()), "")
    level = logging.DEBUG if what == _MESSAGE else logging.INFO
    line = "refused a %s of %s: %s%s"
    hint = _HINTS.get(("host" if text.endswith(_HOST) else kind, code), "")
    failures.log(log, f"refused {kind} {code}", line, kind, address, text, hint, error=None, level=level)


def lost_room(failures: Failures, address: str, session: str, room: str, why: str) -> None:
    """A session came back, and may not be in a room that it was in. No ack says so: it asked for nothing."""
    line = "a session of %s came back and is out of the room %s: %s (session %s); the authorizer was asked"
    failures.log(
        log,
        "refused return",
        f"{line} again, with `join.resuming` and without the data of the join",
        address,
        room,
        why,
        session,
        error=None,
        about={"session": session, "room": room},
        level=logging.INFO,
    )
