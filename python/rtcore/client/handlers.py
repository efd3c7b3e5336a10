"""Functions of the program that are called with what is heard."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rtcore.errors import UsageError

from .bell import Bell
from .entering import Entering
from .event import Event, Gap
from .reader import Reader

log = logging.getLogger("rtcore.client")
Handler = Callable[[Any], object] | Callable[[Any], Awaitable[object]]


def takes_one(handler: Any, what: str) -> None:
    """Raises `UsageError` for a function that cannot be called with one argument."""
    try:
        signature = inspect.signature(handler)
    except ValueError:
        return  # a built-in function without one
    except TypeError:
        raise UsageError(f"what is given to {what} is a function; not {handler!r}") from None
    try:
        signature.bind(None)
    except TypeError:
        raise UsageError(
            f"the function given to {what} takes one argument, the event; not {signature}"
        ) from None


async def call(handler: Handler, item: Any) -> bool:
    """Call it; what it raises is logged. Whether it raised nothing."""
    try:
        told = handler(item)
        if inspect.isawaitable(told):
            await told
    except Exception:
        log.exception("a handler of %r failed", getattr(item, "name", "gap"))
        return False
    return True


class Handlers:
    """By the names of events; None for all, and for gaps."""

    def __init__(self) -> None:
        self._by_name: dict[str | None, list[Handler]] = {}

    def add(self, event: str | None, handler: Handler) -> None:
        """Call it from now on. Raises `UsageError`."""
        takes_one(handler, "on")
        self._by_name.setdefault(event, []).append(handler)

    def remove(self, event: str | None, handler: Handler) -> None:
        """Call it no longer."""
        if handler in self._by_name.get(event, ()):
            self._by_name[event].remove(handler)

    def clear(self) -> None:
        """Call none of them any longer."""
        self._by_name.clear()

    async def hear(self, item: Event | Gap, entering: Entering) -> None:
        """Call those that want it, one after the other."""
        names: tuple[str | None, ...] = (item.name, None) if isinstance(item, Event) else (None,)
        for handler in [each for name in names for each in self._by_name.get(name, ())]:
            entering.asking.runner.handler_failures += not await call(handler, item)

    async def serve(self, inbox: Reader, entering: Entering) -> None:
        """Call them with all that comes, in order."""
        bell = Bell()
        inbox.wake = bell.ring
        while not inbox.over or len(inbox):
            bell.silent()
            item = inbox.take()
            entering.taken(inbox)
            if item is not None:
                await self.hear(item, entering)
                await entering.asking.breathe()
            elif not len(inbox):
                await bell.wait()
