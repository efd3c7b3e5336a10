"""What an application registers around its functions: middleware, error handlers, stand-ins in tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rtcore.call import Call, Next
from rtcore.errors import UsageError

from .handlers import positional
from .hooks import checked_once, name_of
from .kinds import is_generator, is_plain_generator
from .registry import Registry
from .spelling import spelt

M = TypeVar("M", bound=Callable[[Call, Next], Any])
H = TypeVar("H", bound=Callable[..., Any])


@spelt
class Surrounding:
    """Middleware, error handlers and stand-ins: a part of `App` and of `Router`."""

    _registry: Registry

    def middleware(self, function: M) -> M:
        """Decorator: what surrounds each handler, stream and decision. `(call, next)`, plain or a coroutine.

        `next(call)` goes on: to the next middleware, at last to the function; its result is the answer, to
        be awaited in a coroutine function. Not to call it answers in the function's place; to raise `Refuse`
        refuses. The first that is registered is outermost; an application's surround those of its routers,
        and a router's surround what the router holds.

        A plain middleware is called wherever its function is, in the turn too; what it gets from `next` of a
        coroutine function is a coroutine. Below a middleware that is a coroutine function everything runs in
        the session's task. Of a stream `next` runs the whole of it: the items do not come by here. Hooks, the
        states of rooms and raw sockets are not surrounded.

        Raises:
            UsageError: it takes other arguments, yields, or is registered already.

        """
        self._registry.open("middleware")
        _checked(function, "a middleware takes (call, next)", ("call", "next"))
        checked_once(function, self._registry.layer.middleware, "middleware")
        self._registry.layer.middleware.append(function)
        return function

    def on_error(self, *errors: type[Exception]) -> Callable[[H], H]:
        """Decorator: who answers for errors of these classes. `(call, error)`, plain or a coroutine function.

        Most raise `Refuse`, with a code that a client can act on; what it returns is the answer in place of
        the function's: the ack of an event, the end of a stream, `None` or `False` at a decision (no). The
        nearest class counts, and a router's come before the application's. `Refuse` passes by, unless its
        own class is named; cancellation and groups of exceptions always do. What it answers for is not
        logged.

        Args:
            errors: classes of exceptions, one at least.

        Raises:
            UsageError: a class has one already or is none of `Exception`, it takes other arguments, or it
                stands without a class.

        """
        for one in errors:
            kind: object = one
            if not isinstance(kind, type):
                written = "stands without its class" if callable(kind) else f"is given {kind!r}"
                raise UsageError(f"`@app.on_error` {written}: write `@app.on_error(SomeError)`")
            if not issubclass(kind, Exception):
                raise UsageError(f"`@app.on_error` is given {kind.__name__}, which is no Exception")
        if not errors:
            raise UsageError("`@app.on_error` is given no class: write `@app.on_error(SomeError)`")

        def register(function: H) -> H:
            self._registry.open("on_error")
            _checked(function, "an error handler takes (call, error)", ("call", "error"))
            known = self._registry.layer.errors
            for one in errors:
                if one in known:
                    raise UsageError(f"{name_of(known[one])} answers for {one.__name__} already")
            known.update(dict.fromkeys(errors, function))
            return function

        return register

    def override(self, dependency: Callable[..., Any], instead: Callable[..., Any]) -> None:
        """Let another function stand in for a dependency, wherever `Depends` names it. For tests.

        Args:
            dependency: the function that is given to `rtcore.Depends`.
            instead: what is called in its place, without arguments.

        Raises:
            UsageError: the application is served already, or `instead` takes arguments.

        """
        self._registry.open("override")
        if instead is not dependency:
            positional(instead, f"what stands in for {name_of(dependency)} takes no arguments", 0, 0)
        self._registry.overrides[dependency] = instead


def _checked(function: Callable[..., Any], what: str, words: tuple[str, str]) -> None:
    positional(function, what, 2, 2, words)
    if is_generator(function) or is_plain_generator(function):
        raise UsageError(f"{what} and returns, and {name_of(function)} yields")
