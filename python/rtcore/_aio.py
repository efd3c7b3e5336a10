"""Libraries of asyncio, awaited in Trio: `await rtcore.aio(coro)`.

One loop of asyncio lives in a thread beside Trio, from the first call to the end of the process. What is
given to `aio` runs there as a task, while the caller's Trio task waits; nothing else of the server knows it.

A thread, and not Trio as a guest of asyncio: in a guest each wait goes through two loops and a thread, for
all connections; here a call pays, and nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, overload

import outcome
import trio

from .errors import UsageError

T = TypeVar("T")


class _Beside:
    """The thread and its loop, made when they are first wanted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                # Of a fork the child has no thread: `forget` lets it make its own.
                self._loop = asyncio.new_event_loop()
                run = threading.Thread(target=self._loop.run_forever, name="rtcore-asyncio", daemon=True)
                run.start()
            return self._loop

    def forget(self) -> None:
        self._lock, self._loop = threading.Lock(), None


_BESIDE: Final = _Beside()
os.register_at_fork(after_in_child=_BESIDE.forget)


@overload
async def aio(what: Awaitable[T], /) -> T: ...
@overload
async def aio(what: Callable[..., Awaitable[T]], /, *args: Any, **kwargs: Any) -> T: ...
async def aio(what: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Run something of asyncio in its own loop, and give its result or raise its exception.

    Context variables are carried over, and what the coroutine sets stays with it. Cancelled, the task in the
    loop is cancelled, and this waits until it has ended: a transaction is rolled back before the handler goes
    on. It is always a cancel point and a schedule point.

    Args:
        what: a coroutine; or a function, which is called in the loop with what follows, where it gives
            something to be awaited (as of libraries that look for the running loop when they are called).
        args: what the function is called with.
        kwargs: the same, by name.

    Raises:
        UsageError: it is neither, or a coroutine with arguments, or the caller is no task of Trio's.

    """
    if not callable(what) and (not inspect.isawaitable(what) or args or kwargs):
        _close(what)
        raise UsageError(f"`rtcore.aio` takes a coroutine, or a function and its arguments; not {what!r}")
    try:
        task, token = trio.lowlevel.current_task(), trio.lowlevel.current_trio_token()
    except RuntimeError:
        _close(what)
        raise UsageError(
            "`rtcore.aio` is awaited in a task of Trio's; in asyncio await it as it is"
        ) from None
    await trio.lowlevel.checkpoint_if_cancelled()
    loop = _BESIDE.loop()
    call = _Call(task, token)
    context = contextvars.copy_context()
    loop.call_soon_threadsafe(lambda: call.begin(loop, context, what, args, kwargs), context=context)
    return await trio.lowlevel.wait_task_rescheduled(lambda cancel: call.abort(loop, cancel))


def _close(what: Any) -> None:
    """It is not awaited, and says nothing about it."""
    if inspect.iscoroutine(what):
        what.close()


class _Call:
    """One call: what the two threads tell each other. Its task of asyncio is touched in the loop alone."""

    def __init__(self, task: trio.lowlevel.Task, token: trio.lowlevel.TrioToken) -> None:
        self._task, self._token = task, token
        self._running: asyncio.Task[Any] | None = None
        self._cancelled: Callable[[], Any] | None = None

    def begin(
        self,
        loop: asyncio.AbstractEventLoop,
        context: contextvars.Context,
        what: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self._running = loop.create_task(_run(what, args, kwargs), context=context)
        self._running.add_done_callback(self._done)

    def abort(self, loop: asyncio.AbstractEventLoop, cancel: Callable[[], Any]) -> trio.lowlevel.Abort:
        """Trio's task is cancelled: the other one is, too, and its end is waited for."""
        self._cancelled = cancel
        loop.call_soon_threadsafe(self._cancel)
        return trio.lowlevel.Abort.FAILED

    def _cancel(self) -> None:
        if self._running is not None:
            self._running.cancel()

    def _done(self, running: asyncio.Task[Any]) -> None:
        if running.cancelled():
            result: outcome.Outcome[Any] = outcome.Error(asyncio.CancelledError())
        elif (error := running.exception()) is not None:
            result = outcome.Error(error)
        else:
            result = outcome.Value(running.result())
        with contextlib.suppress(trio.RunFinishedError):  # else nobody waits any more
            self._token.run_sync_soon(self._tell, result)

    def _tell(self, result: outcome.Outcome[Any]) -> None:
        cancel = self._cancelled
        ended = isinstance(result, outcome.Error) and isinstance(result.error, asyncio.CancelledError)
        if cancel is not None and ended:
            result = outcome.capture(cancel)  # Trio's own Cancelled
        trio.lowlevel.reschedule(self._task, result)


async def _run(what: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    awaited: Any = what
    if callable(what):
        awaited = what(*args, **kwargs)
    return await awaited


aio.__module__ = "rtcore"
