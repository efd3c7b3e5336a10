"""The beginning and the end of a server: signals, the mounted application's lifespan.

Shutdown ends in bounded time, whatever peers do. A first SIGTERM or SIGINT begins it; a second one ends it.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

import trio

from ._listeners import StartError

if sys.platform != "win32":
    import resource

log = logging.getLogger("rtcore.serve")


def raise_file_limit() -> None:
    """Allow as many open files, so as many connections, as the system lets this process have."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Some systems refuse what they report as allowed; the limit that we have is enough to run.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Stop:
    """The wish that the server ends: `ask` for shutdown within the grace, `insist` on ending now."""

    def __init__(self) -> None:
        self._asked = trio.Event()
        self.patience = trio.CancelScope()

    def ask(self) -> None:
        """Shut down, within the grace. Idempotent."""
        self._asked.set()

    def insist(self) -> None:
        """End now, whatever is running."""
        self._asked.set()
        self.patience.cancel()

    async def asked(self) -> None:
        """Return when shutdown was asked for."""
        await self._asked.wait()

    async def hear_signals(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Turn SIGTERM and SIGINT into `ask`, and each after the first into `insist`."""
        if threading.current_thread() is not threading.main_thread():
            task_status.started()  # signals are heard there alone: who runs us elsewhere sees to them
            return
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            async for number in signals:
                if self._asked.is_set():
                    log.warning("%s again: ending now", signal.Signals(number).name)
                    self.insist()
                else:
                    log.info("%s: shutting down", signal.Signals(number).name)
                    self.ask()


class Lifespan:
    """The lifespan of an ASGI application: started before the first request, ended after the last.

    An application that does not know lifespans raises when it is asked for one, and is served without.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._started, self._ended = trio.Event(), trio.Event()
        self._failure: str | None = None
        self.state: dict[str, Any] = {}

    @contextlib.asynccontextmanager
    async def running(self, patience: float) -> AsyncIterator[dict[str, Any]]:
        """Within this the application is started, and has filled the state that is given.

        `patience` bounds (in seconds) both its start and its end. Raises `StartError` when it says that it
        cannot start, or is not ready in time.
        """
        say, hear = trio.open_memory_channel[dict[str, Any]](2)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._live, hear.receive)
            await say.send({"type": "lifespan.startup"})
            with trio.move_on_after(patience) as wait:
                await self._started.wait()
            if wait.cancelled_caught:
                self._failure = f"it was not ready within {patience:g} s"
            if self._failure is None:
                try:
                    yield self.state
                finally:
                    with trio.move_on_after(patience, shield=True):
                        await say.send({"type": "lifespan.shutdown"})
                        await self._ended.wait()
            nursery.cancel_scope.cancel()
        if self._failure is not None:
            raise StartError(f"the mounted application did not start: {self._failure}")

    async def _live(self, receive: Any) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, receive, self._answer)
        except Exception:
            level = logging.ERROR if self._started.is_set() else logging.DEBUG
            log.log(level, "the mounted application's lifespan raised", exc_info=True)
        self._started.set()
        self._ended.set()

    async def _answer(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.failed":
            self._failure = str(message.get("message") or "it gave no reason")
        elif kind == "lifespan.shutdown.failed":
            log.error("the mounted application did not end well: %s", message.get("message"))
        (self._started if kind.startswith("lifespan.startup") else self._ended).set()
        await trio.lowlevel.checkpoint()
