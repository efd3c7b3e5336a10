"""Sockets that somebody else has opened: systemd, for socket activation, or whoever started us and says `fd`.

They outlive this process: while a server is restarted its clients wait in the kernel's backlog, and none is
refused.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping, Sequence
from typing import Final

from rtcore.errors import StartError

_FIRST: Final = 3
"""The first descriptor that systemd gives: sd_listen_fds(3)."""
_MOST: Final = 64
"""More than anybody listens on: a larger number in the environment is no number of sockets."""


def activated(environment: MutableMapping[str, str], process: int) -> tuple[int, ...]:
    """The descriptors that systemd gave to this process, and to no other; they are named once.

    Of sd_listen_fds(3): they are ours if LISTEN_PID is, and are LISTEN_FDS in number from 3 on. The variables
    are taken away, so that what this process starts does not think that they are its own.
    """
    owner, count = environment.get("LISTEN_PID", ""), environment.get("LISTEN_FDS", "")
    if owner != str(process):
        return ()
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        environment.pop(name, None)
    if not count.isascii() or not count.isdigit() or not 0 < int(count) <= _MOST:
        return ()
    return tuple(range(_FIRST, _FIRST + int(count)))


def inherited(numbers: Sequence[int]) -> list[socket.socket]:
    """Listening, non-blocking sockets of those descriptors, which are ours from now on.

    Raises:
        StartError: a descriptor is not open, or is no listening stream socket.

    """
    found: list[socket.socket] = []
    try:
        found.extend(map(_one, numbers))
    except BaseException:
        for each in found:
            each.close()
        raise
    return found


def _one(number: int) -> socket.socket:
    try:
        listener = socket.socket(fileno=number)
    except OSError as error:
        raise StartError(
            f"descriptor {number} cannot be listened on: {error.strerror}; whoever starts the server must "
            "pass it on, listening"
        ) from error
    stream = listener.type == socket.SOCK_STREAM and listener.family in (
        socket.AF_INET,
        socket.AF_INET6,
        socket.AF_UNIX,
    )
    if not stream or not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listener.detach()  # it is not ours to close
        raise StartError(
            f"descriptor {number} is no listening stream socket: bind it and call listen() before"
        )
    os.set_inheritable(number, False)
    listener.setblocking(False)
    return listener
