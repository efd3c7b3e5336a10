"""Signals that end a server, and the end of a process that does not end by itself.

Nothing in Python can end a task that swallows its cancellation, shields itself or waits for a thread, nor a
function that blocks. So a program that was told to stop has a `LastResort`: a thread that waits for the time
at which everything should be over, and ends the process then.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import logging
import math
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import trio

from rtcore._ground.failures import write
from rtcore._ground.numbers import FIXED

SETTLE: Final = FIXED["SETTLE_MS"] / 1000
"""Seconds in which what was cancelled must be over."""
AT_ONCE: Final = FIXED["SETTLE_AT_ONCE_MS"] / 1000
"""The same, once somebody has said so a second time."""
_NUDGE: Final = FIXED["NUDGE_MS"] / 1000
_FLUSH: Final = FIXED["LAST_WORDS_MS"] / 1000

SIGNALS: Final = ("SIGTERM", "SIGINT", "SIGHUP")
"""What ends a server."""

log = logging.getLogger("rtcore.serve")


class LastResort:
    """Ends this process unless it ends within the time that was set last; with status 0 if that was asked.

    `grace` (seconds) is what running handlers have. The methods may be called in a signal handler.
    """

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._deadline = math.inf
        self._why = ""
        # Never set later again: a signal may come in the midst of what is done for another.
        self._at_once = math.inf
        self._begun = False
        self.nudge: Callable[[], None] = lambda: None
        """What lets the main thread hear a signal that the kernel gave to another thread while it blocks."""
        self._hear, self._wake = socket.socketpair()
        self._wake.setblocking(False)
        # The kernel gives a signal to any thread that takes it, and a second one to another than the first.
        # What blocks in the main thread is interrupted only by one that comes there: this thread takes none.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            threading.Thread(target=self._watch, name="rtcore: last resort", daemon=True).start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def begin(self) -> None:
        """Shutdown begins: the grace, and a little for what is cancelled then."""
        if not self._begun:
            self._begun = True
            self.within(self._grace + SETTLE, f"the grace of {self._grace:g} s is over")

    def hurry(self) -> None:
        """Somebody has asked a second time: everything is to be over now, whatever `within` says later."""
        self._at_once = min(self._at_once, time.monotonic() + AT_ONCE)
        self._begun = True
        self._look()

    def within(self, seconds: float, why: str) -> None:
        """The rest is to be over in so many seconds from now."""
        self._deadline, self._why = time.monotonic() + seconds, why
        self._look()

    def close(self) -> None:
        """It is over."""
        self._deadline = self._at_once = math.inf
        self._wake.close()

    def _look(self) -> None:
        with contextlib.suppress(OSError):
            self._wake.send(b"w")

    def _watch(self) -> None:
        while True:
            left = min(self._deadline, self._at_once) - time.monotonic()
            if left <= 0:
                self.end()
            if self._begun and self._at_once == math.inf:
                self.nudge()
                left = min(left, _NUDGE)
            readable, _, _ = select.select([self._hear], [], [], None if left == math.inf else left)
            if readable and not self._hear.recv(64):
                self._hear.close()
                return

    def end(self) -> None:
        """End the process now. Returns never."""
        words = threading.Thread(target=self._say, daemon=True)
        with contextlib.suppress(RuntimeError):  # the interpreter may be ending already
            words.start()
            words.join(_FLUSH)  # the log may be locked, or a pipe that is full
        os._exit(0 if self._begun else 1)

    def _say(self) -> None:
        why = "it was to end at once" if self._at_once < self._deadline else self._why
        write(log, logging.WARNING, "%s, and something is still running: the process ends here", why)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()


@contextlib.contextmanager
def hearing(
    first: Callable[[], None],
    again: Callable[[], None],
    resort: LastResort | None,
    reload: Callable[[], None] | None = None,
) -> Iterator[None]:
    """SIGTERM, SIGINT and SIGHUP call `first`, in Trio, and the next one `again`.

    A third acts as it did before there was a server. With a last resort it ends the process, and so does one
    that comes when the server has ended already: the interpreter needs a moment for its own end. SIGHUP says
    that a terminal has gone, often twice, and is never taken for impatience; where it is ignored (nohup) it
    stays so. With `reload` SIGHUP calls that instead, in Trio, and ends nothing. In a thread other than the
    main one nothing is heard: who runs us there sees to them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    token = trio.lowlevel.current_trio_token()
    before: dict[int, object] = {}
    count = itertools.count(1)  # one call, so that a signal in the midst of another is counted too
    heard = 0

    def restore() -> None:
        for number, handler in before.items():
            if signal.getsignal(number) is hear:
                signal.signal(number, handler)  # type: ignore[arg-type]

    def hear(number: int, _frame: object) -> None:
        # Python calls this between two instructions of whatever runs: no lock may be waited for here.
        nonlocal heard
        name = signal.Signals(number).name
        if heard and name == "SIGHUP":
            return
        if name == "SIGHUP" and reload is not None:
            with contextlib.suppress(trio.RunFinishedError):
                token.run_sync_soon(reload)
            return
        this = heard = next(count)
        if this == 1:
            act = first
            if resort is not None:
                resort.begin()
        elif this == 2:
            act = again
            if resort is not None:
                resort.hurry()
            else:
                restore()
        else:
            if resort is not None:
                resort.end()
            return
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(_tell, act, name, this)

    main = threading.get_ident()

    def nudge() -> None:
        # A blocking call in the main thread returns to Python for a signal that comes there. SIGHUP is not
        # counted any more, and Python hears with it what other threads (Trio's workers) were given.
        if signal.getsignal(signal.SIGHUP) is hear:
            signal.pthread_kill(main, signal.SIGHUP)

    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
            continue
        before[number] = signal.signal(number, hear)
    if resort is not None:
        resort.nudge = nudge
    try:
        yield
    finally:
        if resort is None or not heard:
            restore()


def without_terminal() -> bool:
    """Whether this process has no terminal that may go: SIGHUP is then a word to read things again."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return True
    return False


def deaf_at_the_end() -> None:
    """From the last function that runs at exit on, nothing but SIGKILL disturbs this process's own end.

    The interpreter gives its signals back to the system before it has ended, and somebody's second signal
    would make a failure of a clean end. To be called before others register theirs: the first runs last.
    """

    def ignore() -> None:
        for name in SIGNALS:
            number = getattr(signal, name, None)
            if number is not None:
                signal.signal(number, signal.SIG_IGN)

    atexit.register(ignore)


def _tell(act: Callable[[], None], name: str, heard: int) -> None:
    if heard == 1:
        log.info("%s: shutting down", name)
    else:
        log.warning("%s again: ending now", name)
    act()
