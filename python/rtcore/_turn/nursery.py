"""The nursery of a session: what the application starts for one peer."""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

import logging
from _thread import get_ident
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import trio

from rtcore._app.hooks import name_of
from rtcore._ground.failures import Guard, part
from rtcore.errors import NotServing

from .life import enter, leave, living

if TYPE_CHECKING:
    from rtcore.session import Session

log = logging.getLogger("rtcore.app")


class SessionNursery:
    """The nursery of a session: what is started here is cancelled when the session ends.

    It is opened by a task of its own when it is first used, and closed by the session's end only. One failing
    task harms no other: its traceback goes to the log.
    """

    __slots__ = ("_nursery", "_opened", "_session", "_waiting")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._nursery: trio.Nursery | None = None
        self._opened: trio.Event | None = None
        self._waiting: list[tuple[Callable[..., Awaitable[Any]], tuple[Any, ...], object]] = []

    def start_soon(self, function: Callable[..., Awaitable[Any]], *args: Any, name: object = None) -> None:
        """Start a task for this peer.

        Raises:
            SessionEnded: the session has ended.

        """
        home = self._session._engine
        if get_ident() != home.thread:
            home.hand_over(self.start_soon, function, *args, name=name)
            return
        living(self._session)
        if self._nursery is None:
            self._open()
            self._waiting.append((function, args, name))
        else:
            self._nursery.start_soon(self._guarded, function, args, name=name or function)

    async def start(self, function: Callable[..., Awaitable[Any]], *args: Any, name: object = None) -> Any:
        """Start a task for this peer and wait until it calls `task_status.started(value)`; gives that value.

        A cancel point and a schedule point. What the task raises before that comes out here.

        Raises:
            SessionEnded: the session has ended.

        """
        self._session._engine.here("start", "start_soon")
        living(self._session)
        if self._nursery is None:
            await self._open().wait()
            living(self._session)
        nursery = cast("trio.Nursery", self._nursery)
        failed: list[BaseException] = []
        try:
            return await nursery.start(self._guarded_start, function, args, failed, name=name or function)
        except RuntimeError:
            if not failed:
                raise
        raise failed[0]

    def _open(self) -> trio.Event:
        if self._opened is None:
            outer = self._session._engine.nursery
            if outer is None:
                raise NotServing("the application is not being served")
            self._opened = trio.Event()
            outer.start_soon(self._hold, self._opened, name=f"nursery of session {self._session.id}")
        return self._opened

    async def _hold(self, opened: trio.Event) -> None:
        with trio.CancelScope() as scope:
            if enter(self._session, scope):
                try:
                    async with trio.open_nursery() as self._nursery:
                        opened.set()
                        for function, args, name in self._waiting:
                            self._nursery.start_soon(self._guarded, function, args, name=name or function)
                        self._waiting.clear()
                        await trio.sleep_forever()
                finally:
                    leave(self._session, scope)
        opened.set()

    async def _guarded(self, function: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> None:
        with Guard(partial(self._report, function)):
            await self._watch(function, function(*args))

    async def _guarded_start(
        self,
        function: Callable[..., Awaitable[Any]],
        args: tuple[Any, ...],
        failed: list[BaseException],
        task_status: trio.TaskStatus[Any] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        status = _Status(task_status)
        try:
            await self._watch(function, function(*args, task_status=status))
        except BaseException as error:  # noqa: BLE001 - the application's, whatever it is
            ours, rest = part(error)
            if ours is not None and not status.was_started:
                # To the task in `start`; not through Trio's nursery, which asks an error for its text.
                failed.append(ours)
            elif ours is not None:
                self._report(function, ours)
            if rest is not None:
                raise rest from None

    def _watch(self, function: Callable[..., Awaitable[Any]], work: Awaitable[Any]) -> Awaitable[Any]:
        return self._session._engine.held.watch(
            f"task {name_of(function)} of session {self._session.id}", work
        )

    def _report(self, function: Callable[..., Awaitable[Any]], error: BaseException) -> None:
        name = name_of(function)
        failures, text = self._session._engine.failures, "task %s of session %s failed"
        about = {"session": self._session.id, "task": name}
        failures.log(log, f"task {name}", text, name, self._session.id, error=error, about=about)


class _Status:
    """Passes `started` on, and remembers that it was said."""

    __slots__ = ("_inner", "was_started")

    def __init__(self, inner: trio.TaskStatus[Any]) -> None:
        self._inner = inner
        self.was_started = False

    def started(self, value: Any = None) -> None:
        self._inner.started(value)
        self.was_started = True


SessionNursery.__module__ = "rtcore"
