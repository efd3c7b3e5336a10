"""What a function of the application is: whether it waits, whether it yields, what types it takes."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from rtcore.errors import UsageError

from .hooks import name_of


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine: `async def`, an object whose `__call__` is one, what wraps one.

    What `functools.wraps` was used on counts as what it wraps: a decorator need not be a coroutine function.
    """
    return _is(inspect.iscoroutinefunction, function)


def is_generator(function: Callable[..., Any]) -> bool:
    """The same for an async generator function."""
    return _is(inspect.isasyncgenfunction, function)


def _is(kind: Callable[[Any], bool], function: Any) -> bool:
    while True:
        function = inspect.unwrap(function)
        if not isinstance(function, functools.partial):
            break
        function = function.func
    called = function if inspect.isroutine(function) else type(function).__call__
    return kind(called) or kind(function) or kind(inspect.unwrap(called))


def is_plain_generator(function: Callable[..., Any]) -> bool:
    """The same for a generator function that is none of the async kind."""
    return _is(inspect.isgeneratorfunction, function)


def yields(function: Callable[..., Any]) -> bool:
    """Whether it is a generator function of either kind: it gives many things, and not one answer."""
    return is_generator(function) or is_plain_generator(function)


def annotation(function: Callable[..., Any], parameter: inspect.Parameter, names: Mapping[str, Any]) -> Any:
    """The annotation of a parameter; Any when there is none.

    `names` are the local names where the function was registered, so that a type that was made there is
    found.

    Raises:
        UsageError: the annotation names what is not there.

    """
    if parameter.annotation is parameter.empty:
        return Any
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    called: Any = function
    while isinstance(called, functools.partial):
        called = called.func
    if inspect.isclass(called):
        called = called.__init__
    called = called if inspect.isroutine(called) else type(called).__call__
    scope = {**getattr(inspect.unwrap(called), "__globals__", {}), **names}
    try:
        # One annotation, not all of them: what the others name may exist for type checkers only.
        holder = type("holder", (), {"__annotations__": {"data": parameter.annotation}})
        return typing.get_type_hints(holder, scope, scope, include_extras=True)["data"]
    except Exception as error:
        raise UsageError(
            f"the type {parameter.annotation!r} of {parameter.name!r} of {name_of(function)} cannot be "
            f"found: {error}"
        ) from error
