"""What Python itself would write to the standard error, as records of the log.

A program that reads a log of JSON reads every line of it as an object: the traceback that ends a program too,
that of a thread or of a destructor, and warnings. `sys.excepthook` and its kin are how Python says those.
"""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType

log = logging.getLogger("rtcore")


def into_the_log() -> None:
    """From now on they are records. The program ends as it did, with the same status."""
    sys.excepthook = _ended
    threading.excepthook = _thread_ended
    sys.unraisablehook = _unraisable
    logging.captureWarnings(True)


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        log.info("ended from the keyboard")
    else:
        log.critical("the program ends by an error", exc_info=(kind, error, trace))


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        name = ended.thread.name if ended.thread is not None else "a thread"
        log.error("%s ended by an error", name, exc_info=ended.exc_value)


def _unraisable(raised: sys.UnraisableHookArgs) -> None:
    if raised.exc_value is not None:
        log.error("an error that nobody could catch, in %r", raised.object, exc_info=raised.exc_value)
