"""A Unix socket to listen on: behind a proxy on the same machine, without a port.

Who may enter its folder may connect: the file itself is open to all, as the proxy runs as somebody else. A
file that was left by a server that is gone is taken away; one at which somebody answers is in use, and one
that is no socket is nobody's to remove.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

from rtcore.errors import StartError

from .listeners import BACKLOG

# Reading and writing, for all: connecting is writing.
_OPEN_TO_ALL = 0o666


def listen_at(path: str) -> socket.socket:
    """A listening, non-blocking socket at that path.

    Raises:
        StartError: the path is in use, is no socket, or cannot be written.

    """
    _make_room(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        Path(path).chmod(_OPEN_TO_ALL)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        # Of a path that is too long Python's own error has no number, and says so in words.
        raise StartError(f"the socket {path} cannot be made: {error.strerror or error}") from error
    listener.setblocking(False)
    return listener


def _make_room(path: str) -> None:
    """Take away what a server that is gone has left."""
    try:
        found = os.lstat(path)
    except OSError:  # there is none, or the folder is the trouble: `bind` says which
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise StartError(f"{path} is there and is no socket: it is left alone; choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)  # one whose backlog is full is alive all the same
        try:
            caller.connect(path)
        except ConnectionRefusedError:
            with contextlib.suppress(FileNotFoundError):
                Path(path).unlink()
            return
        except FileNotFoundError:
            return
        except BlockingIOError:
            pass
        except OSError as error:
            raise StartError(f"the socket {path} cannot be used: {error.strerror}") from error
    raise StartError(f"the socket {path} is in use: something else listens there; choose another path")


class Name:
    """The file of a listening socket, which goes with it: unless it is another server's by now."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._own = self._look()

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = os.lstat(self._path)
        except OSError:
            return None
        # The number of a file that is gone is given to the next one: its age tells them apart.
        return found.st_dev, found.st_ino, found.st_mtime_ns

    def remove(self) -> None:
        """Take the file away."""
        if self._own is not None and self._look() == self._own:
            with contextlib.suppress(OSError):
                Path(self._path).unlink()
