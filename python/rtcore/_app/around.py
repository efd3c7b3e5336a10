"""What an application registers around its functions: middleware, error handlers, stand-ins in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, TypeVar

from rtcore.call import Call, Next
from rtcore.errors import UsageError

from .handlers import names_of_caller, positional
from .hooks import checked_once, name_of
from .kinds import yields
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
        what, kinds = "a middleware takes (call, next)", (Call, FunctionType)
        _checked(function, what, ("call", "next"), kinds, names_of_caller())
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
        names = names_of_caller()
        for one in errors:
            kind: object = one
            if not isinstance(kind, type):
                written = "stands without its class" if callable(kind) else f"is given {kind!r}"
                raise UsageError(f"`@app.on_error` {written}: write `@app.on_error(SomeError)`")
            if not issubclass(kind, Exception):
                raise UsageError(f"`@app.on_error` is given {kind.__name__}, which is no Exception")
            if issubclass(kind, BaseExceptionGroup):
                raise UsageError(
                    f"`@app.on_error` is given {kind.__name__}, and groups of exceptions always pass: name "
                    "the error itself, and let `except*` in the function take it out of its group"
                )
        if not errors:
            raise UsageError("`@app.on_error` is given no class: write `@app.on_error(SomeError)`")

        def register(function: H) -> H:
            self._registry.open("on_error")
            _checked_error(function, errors, names)
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
            UsageError: the application is served already, `instead` takes arguments, or nothing that is
                registered needs this dependency.

        """
        self._registry.open("override")
        if instead is not dependency:
            positional(instead, f"what stands in for {name_of(dependency)} takes no arguments", 0, 0)
        needed = self._registry.needed()
        if dependency not in needed:
            known = ", ".join(f"{who} needs {name_of(one)}" for one, who in needed.items())
            raise UsageError(
                f"nothing needs {name_of(dependency)}, so nothing can stand in for it: "
                + (known or "no function that is registered has a dependency, and those come first")
            )
        self._registry.overrides[dependency] = instead


def _checked(
    function: Callable[..., Any],
    what: str,
    words: tuple[str, str],
    kinds: tuple[type, ...],
    names: Mapping[str, Any],
) -> None:
    positional(function, what, 2, 2, words, kinds=kinds, names=names)
    if yields(function):
        raise UsageError(f"{what} and returns, and {name_of(function)} yields")


def _checked_error(
    function: Callable[..., Any], errors: tuple[type[Exception], ...], names: Mapping[str, Any]
) -> None:
    """Its second parameter may be one of these errors, or a class above all of them."""
    what = f"an error handler takes (call, error), of {', '.join(one.__name__ for one in errors)}"
    for at, one in enumerate(errors):
        try:
            _checked(function, what, ("call", "error"), (Call, one), names)
        except UsageError:
            if at + 1 == len(errors):
                raise
        else:
            return
