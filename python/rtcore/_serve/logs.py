"""What a program says: its logs, for people or for programs, and a line on the standard output.

A server serves, whoever listens to what it says: the standard streams may be closed, full, or a pipe that
nobody reads any more.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import sys
from typing import TextIO

# What every record has; anything else was given with `extra=` and is part of what is said.
_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time (RFC 3339, UTC), level, logger, message, then what `extra=` gave."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        said: dict[str, object] = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        said.update((name, value) for name, value in vars(record).items() if name not in _ORDINARY)
        if record.exc_info:
            said["traceback"] = record.exc_text or self.formatException(record.exc_info)
        return json.dumps(said, default=str, ensure_ascii=False)


class SteadyHandler(logging.StreamHandler[TextIO]):
    """Writes to a stream that may refuse: what it does not take is counted, and said once it takes some."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, after a line about those that could not be written. Raises nothing."""
        lost, self._lost = self._lost, 0
        if lost:
            text = "%d records before this one could not be written"
            super().emit(logging.makeLogRecord({**vars(record), **_plain(text, lost)}))
            if self._lost:  # nor can this one, it seems: all of them are still to be told
                self._lost = lost
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's name
        """There is nowhere to say that a log cannot be written."""
        self._lost += 1


def _plain(text: str, *args: object) -> dict[str, object]:
    return {"msg": text, "args": args, "exc_info": None, "exc_text": None, "levelname": "WARNING"}


def set_up_logging(level: str, style: str) -> None:
    """Log from `level` on, as `text` or `json`, unless the program has set up logging already."""
    handler = SteadyHandler(sys.stderr) if sys.stderr is not None else logging.NullHandler()
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if style == "json" else text)
    logging.basicConfig(level=level.upper(), handlers=[handler])


def keep_standard_streams() -> None:
    """Give the descriptors 0 to 2 that are closed to the null device.

    Else the next sockets get these numbers, and what a library writes to "the standard error" goes to a peer.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free: this one


def announce(text: str) -> None:
    """Say a line on the standard output, if there is anybody to hear it."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        # What is buffered would be tried again at the end, and make that a failure of the program.
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stdout.fileno())
            os.close(null)
