"""What systemd wants to know of a service, `Type=notify`: sd_notify(3), a datagram for each change.

    READY=1       it can be reached          WATCHDOG=1    its turns still come
    STOPPING=1    it sends everybody away    RELOADING=1   it reads its certificate again

The watchdog is told by a task of Trio: a turn that never ends is a server that answers nobody, and is what
systemd starts anew. Where no one asks to be told (NOTIFY_SOCKET), nothing here does anything.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping

import trio


class Notifier:
    """Who is told, and how often."""

    def __init__(self, environment: Mapping[str, str], process: int) -> None:
        self._where = environment.get("NOTIFY_SOCKET", "")
        self.interval = _interval(environment, process) if self._where else None
        """Seconds within which the watchdog must hear of us; None: there is none."""

    @classmethod
    def here(cls) -> Notifier:
        """The one of this process."""
        return cls(os.environ, os.getpid())

    def ready(self, status: str) -> None:
        """The server can be reached."""
        self._say("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Something is read again; `ready` follows."""
        moment = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._say("RELOADING=1", f"MONOTONIC_USEC={moment}")

    def stopping(self) -> None:
        """Shutdown has begun."""
        self._say("STOPPING=1")

    async def keep_alive(self) -> None:
        """Tell the watchdog twice in its time, until cancelled."""
        if self.interval is None:
            return
        while True:
            self._say("WATCHDOG=1")
            await trio.sleep(self.interval / 2)

    def _say(self, *lines: str) -> None:
        if not self._where:
            return
        # A name that begins with @ is in the abstract space, sd_notify(3).
        where = "\0" + self._where[1:] if self._where.startswith("@") else self._where
        # Who does not listen any more cannot be told, and the server is none the worse for it.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto("\n".join(lines).encode("utf-8", "surrogateescape"), where)


def _interval(environment: Mapping[str, str], process: int) -> float | None:
    """Of sd_watchdog_enabled(3): WATCHDOG_USEC counts for the process WATCHDOG_PID, without it for any."""
    given = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(process)) != str(process):
        return None
    if not given.isascii() or not given.isdigit() or not int(given):
        return None
    return int(given) / 1e6
