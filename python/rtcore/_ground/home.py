"""The run of Trio in which something lives, and what is done with calls from anywhere else.

    the run itself          the call is done
    another thread          a plain function is handed over to the run, and the thread waits for what it gives
    the thread of another   refused, before anything was done: it would hold up that loop, and a coroutine
    run, or of asyncio      function would wait in the wrong one; the error says what to write
    before, and after       `NotServing`

The look costs what `get_ident` costs, some 30 ns: the hot functions have it in their own lines, the others by
`anywhere`.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

import trio

from rtcore.errors import NotServing, UsageError

P = ParamSpec("P")
T = TypeVar("T")


class Home:
    """Where something lives: the thread of its run, 0 before and after."""

    __slots__ = ("_token", "thread")

    def __init__(self) -> None:
        self.thread = 0
        self._token: trio.lowlevel.TrioToken | None = None

    def settle(self) -> None:
        """From now on, in the current run of Trio."""
        self._token = trio.lowlevel.current_trio_token()
        self.thread = get_ident()

    def leave(self) -> None:
        """No longer."""
        self.thread = 0
        self._token = None

    def here(self, what: str, plain: str = "") -> None:
        """Go on only in the run itself: for coroutine functions. `plain`: what every thread may call instead.

        Raises:
            NotServing: it does not live yet, or any more.
            UsageError: this is another run, another thread, or asyncio.

        """
        if get_ident() != self.thread:
            raise self.elsewhere(what, plain)

    def elsewhere(self, what: str, plain: str = "") -> UsageError:
        """The error of a coroutine function that was called outside of the run."""
        if self._token is None:
            return _unserved(what)
        other = f", or call `{plain}`, which every thread may" if plain else ""
        return UsageError(
            f"`{what}` was called outside of the run of Trio that serves the application; nothing was done: "
            f"in a thread that this run started write `trio.from_thread.run(….{what}, …)`{other}"
        )

    def hand_over(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have the run do it, in its next pass, and wait for what it gives or raises: from another thread.

        Raises:
            NotServing: it does not live yet, or any more.
            UsageError: a loop runs in this thread, Trio's or asyncio's, and would stand still.

        """
        what = getattr(function, "__name__", "this").lstrip("_")
        token = self._token
        if token is None:
            raise _unserved(what)
        loop = _loop()
        if loop:
            raise UsageError(
                f"`{what}` was called in the thread of another loop, which would stand still until the run "
                f"that serves the application has done it; nothing was done: write "
                f"`await {loop}(….{what}, …)`"
            )
        try:
            return trio.from_thread.run_sync(partial(function, *args, **kwargs), trio_token=token)
        except trio.RunFinishedError:
            raise _unserved(what) from None


def on_trio() -> bool:
    """Whether the caller is a task of Trio."""
    return trio.lowlevel.in_trio_task()


class Inhabitant(Protocol):
    """Something that lives where its engine does."""

    @property
    def _engine(self) -> Any: ...


S = TypeVar("S", bound=Inhabitant)


def anywhere(function: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """A plain method that every thread may call: it is done in the run that serves the application."""

    @wraps(function)
    def called(self: S, *args: P.args, **kwargs: P.kwargs) -> T:
        home: Home = self._engine
        if get_ident() == home.thread:
            return function(self, *args, **kwargs)
        return home.hand_over(function, self, *args, **kwargs)

    return cast("Callable[Concatenate[S, P], T]", called)


def _loop() -> str:
    """What has a thread do something for the loop that runs in this one; empty: none runs."""
    if trio.lowlevel.in_trio_run():
        return "trio.to_thread.run_sync"
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return ""
        return "asyncio.to_thread"
    return ""


def _unserved(what: str) -> NotServing:
    return NotServing(
        f"`{what}` reaches nobody, and nothing was done: the application is not being served. Call it while "
        "`rtcore.run` or `rtcore.serve` runs, in a handler, a background task or a lifespan"
    )
