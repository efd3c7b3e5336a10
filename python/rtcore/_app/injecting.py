"""Dependencies: parameters that are given by functions of the application's own.

`Needs` are what a function's signature asks for, found when it is registered, so that what cannot be given
is refused where it is written. `provided` makes of it a function without these parameters: a plan that was
flattened once, each dependency after those that it needs, walked at each call. What needs none is not
wrapped.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from rtcore.call import Depends
from rtcore.errors import UsageError

from .hooks import name_of
from .kinds import annotation, is_async, is_generator, is_plain_generator

_PLACED: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_Function = Callable[..., Any]
_Names = Mapping[str, Any]


_MANAGERS: Final = (
    contextlib.contextmanager(lambda: iter(())).__code__,
    contextlib.asynccontextmanager(lambda: None).__code__,  # type: ignore[arg-type,return-value]
)
"""What contextlib makes of a generator function."""


class _Way(Enum):
    """How what a dependency gives is had."""

    CALLED = 0
    AWAITED = 1
    ENTERED = 2
    ENTERED_ASYNC = 3


@dataclass(frozen=True, slots=True)
class Given:
    """What the function is called with itself, in this order: (word, type)."""

    places: tuple[tuple[str, type], ...]

    def at(self, name: str, kind: Any) -> int | None:
        """The place of a parameter of this name or type."""
        for place, (word, one) in enumerate(self.places):
            if kind is one or (kind in (inspect.Parameter.empty, Any) and name == word):
                return place
        return None


@dataclass(slots=True)
class Needs:
    """What a function is to be given by name: places of what it is called with, and dependencies."""

    function: _Function
    given: dict[str, int] = field(default_factory=dict[str, int])
    wanted: dict[str, tuple[Depends, Needs]] = field(default_factory=dict[str, Any])

    def all(self) -> Iterator[_Function]:
        """The dependencies, and those that they need."""
        for depends, inner in self.wanted.values():
            yield depends.function
            yield from inner.all()


def needs(function: _Function, given: Given, names: _Names) -> Needs | None:
    """The dependencies of a handler; None: it has none.

    Raises:
        UsageError: one of them cannot be called with what there is, or needs itself.

    """
    found = Needs(function)
    for name, parameter in _parameters(function):
        wanted = _wanted(function, parameter, names)
        if wanted is not None:
            found.wanted[name] = wanted, _of(wanted.function, given, names, (function,))
        elif found.wanted and parameter.kind in _PLACED:
            first = next(iter(found.wanted))
            raise UsageError(
                f"the parameter {name!r} of {name_of(function)} stands behind the dependency {first!r}: "
                "those that are given by place come first, the dependencies behind them"
            )
    return found if found.wanted else None


def wanting(function: _Function, names: _Names) -> str | None:
    """The first parameter that is a dependency; None: there is none."""
    for name, parameter in _parameters(function):
        if _wanted(function, parameter, names) is not None:
            return name
    return None


def _parameters(function: _Function) -> Iterator[tuple[str, inspect.Parameter]]:
    try:
        yield from inspect.signature(function).parameters.items()
    except (TypeError, ValueError):
        return  # whoever looks at its places says so


def _wanted(function: _Function, parameter: inspect.Parameter, names: _Names) -> Depends | None:
    _no_stranger(function, parameter, (parameter.default,))
    if isinstance(parameter.default, Depends):
        raise UsageError(
            f"the parameter {parameter.name!r} of {name_of(function)} has a dependency as its default: "
            f"write `{parameter.name}: Annotated[T, rtcore.Depends(...)]`"
        )
    if isinstance(parameter.annotation, Depends):
        raise UsageError(
            f"the parameter {parameter.name!r} of {name_of(function)} is annotated with a dependency alone: "
            f"write `{parameter.name}: Annotated[T, rtcore.Depends(...)]`"
        )
    try:
        kind = annotation(function, parameter, names)
    except UsageError:
        if "Depends" in str(parameter.annotation):
            raise
        return None
    if typing.get_origin(kind) is not typing.Annotated:
        return None
    _no_stranger(function, parameter, typing.get_args(kind)[1:])
    found = [one for one in typing.get_args(kind)[1:] if isinstance(one, Depends)]
    if len(found) > 1:
        raise UsageError(
            f"the parameter {parameter.name!r} of {name_of(function)} has {len(found)} dependencies"
        )
    return found[0] if found else None


def _no_stranger(function: _Function, parameter: inspect.Parameter, found: tuple[Any, ...]) -> None:
    """Nothing that looks like a dependency and is none: the class itself, or what another framework has."""
    for one in found:
        kind = one if isinstance(one, type) else type(one)
        stranger = kind.__name__ == Depends.__name__ or kind.__module__.partition(".")[0] == "fastapi"
        if one is Depends or (kind is not Depends and stranger):
            raise UsageError(
                f"the parameter {parameter.name!r} of {name_of(function)} has {one!r}, which rtcore does "
                f"not know: write `{parameter.name}: Annotated[T, rtcore.Depends(...)]`"
            )


def _of(function: _Function, given: Given, names: _Names, above: tuple[_Function, ...]) -> Needs:
    """What a dependency needs itself. `above` are those that need it."""
    if function in above:
        circle = " -> ".join(map(name_of, (*above[above.index(function) :], function)))
        raise UsageError(f"a dependency needs itself: {circle}")
    try:
        inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the dependency {function!r} cannot be looked into: {error}") from error
    found = Needs(function)
    for name, parameter in _parameters(function):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        wanted = _wanted(function, parameter, names)
        if wanted is not None:
            found.wanted[name] = wanted, _of(wanted.function, given, names, (*above, function))
            continue
        place = given.at(name, _kind_of(function, parameter, names))
        if place is not None:
            found.given[name] = place
        elif parameter.default is parameter.empty:
            may = " or ".join(f"`{word}`" for word, _ in given.places)
            raise UsageError(
                f"the dependency {name_of(function)} takes {name!r}, and nobody gives it: it may take {may}, "
                "and what is annotated with `rtcore.Depends(...)`"
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise UsageError(
                f"the dependency {name_of(function)} takes {name!r} by place alone: drop the `/`"
            )
    return found


def _kind_of(function: _Function, parameter: inspect.Parameter, names: _Names) -> Any:
    try:
        return annotation(function, parameter, names)
    except UsageError:
        return inspect.Parameter.empty  # it stands for type checkers only: then its name counts


def without(function: _Function, needed: Needs | None) -> _Function:
    """The function as its caller sees it: without what is given to it. For looking at, not to be called."""
    if needed is None:
        return function

    @functools.wraps(function)
    def seen(*_: Any) -> Any:
        raise AssertionError(f"{name_of(function)} is called without its dependencies")

    signature = inspect.signature(function)
    kept = [one for name, one in signature.parameters.items() if name not in needed.wanted]
    seen.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    return seen


@dataclass(slots=True)
class _Step:
    """One dependency of the plan: where its arguments are, by name."""

    function: _Function
    way: _Way
    given: tuple[tuple[str, int], ...]
    made: tuple[tuple[str, int], ...]


def _plan(needed: Needs, instead: Mapping[_Function, _Function]) -> tuple[list[_Step], dict[str, int]]:
    """The steps, each behind those that it needs, and which values the handler takes by which name."""
    steps: list[_Step] = []
    known: dict[_Function, int] = {}

    def made(wanted: Depends, inner: Needs) -> int:
        if wanted.cache and wanted.function in known:
            return known[wanted.function]
        function = instead.get(wanted.function)
        if function is None:
            step = _Step(
                _entered(wanted.function),
                _way(wanted.function),
                tuple(inner.given.items()),
                tuple((name, made(*one)) for name, one in inner.wanted.items()),
            )
        else:  # a stand-in of a test takes nothing
            step = _Step(_entered(function), _way(function), (), ())
        steps.append(step)
        known[wanted.function] = len(steps) - 1
        return len(steps) - 1

    return steps, {name: made(*one) for name, one in needed.wanted.items()}


def _way(function: _Function) -> _Way:
    if is_generator(function):
        return _Way.ENTERED_ASYNC
    if is_plain_generator(function):
        return _Way.ENTERED
    return _Way.AWAITED if is_async(function) else _Way.CALLED


def _entered(function: _Function) -> _Function:
    if getattr(function, "__code__", None) in _MANAGERS:
        return function  # it is one already
    if is_generator(function):
        return contextlib.asynccontextmanager(function)
    return contextlib.contextmanager(function) if is_plain_generator(function) else function


def waits(needed: Needs | None, instead: Mapping[_Function, _Function]) -> bool:
    """Whether anything that a function needs has to be awaited."""
    if needed is None:
        return False
    return any(step.way in (_Way.AWAITED, _Way.ENTERED_ASYNC) for step in _plan(needed, instead)[0])


def provided(function: _Function, needed: Needs | None, instead: Mapping[_Function, _Function]) -> _Function:
    """The function, given what it needs at each call: of the kind that it has, or a coroutine function where
    something has to be awaited. `instead`: what stands in for which dependency.
    """
    if needed is None:
        return function
    steps, kept = _plan(needed, instead)
    takes = tuple(kept.items())
    if is_generator(function):

        async def stream(*args: Any) -> Any:
            async with contextlib.AsyncExitStack() as stack:
                values = await _make_async(steps, args, stack)
                items = function(*args, **{name: values[at] for name, at in takes})
                async with contextlib.aclosing(items):
                    async for item in items:
                        yield item

        return stream
    if is_async(function) or any(step.way in (_Way.AWAITED, _Way.ENTERED_ASYNC) for step in steps):
        return _waiting(function, steps, takes)
    if any(step.way is _Way.ENTERED for step in steps):

        def entered(*args: Any) -> Any:
            with contextlib.ExitStack() as stack:
                values = _make(steps, args, stack)
                return function(*args, **{name: values[at] for name, at in takes})

        return entered
    if len(steps) == len(takes) == 1:  # most are so
        return _given_one(function, takes[0][0], steps[0])

    def called(*args: Any) -> Any:
        values = _make(steps, args, None)
        return function(*args, **{name: values[at] for name, at in takes})

    return called


def _given_one(function: _Function, name: str, step: _Step) -> _Function:
    give = step.function
    if not step.given:
        return lambda *args: function(*args, **{name: give()})
    if len(step.given) > 1:
        return lambda *args: function(*args, **{name: give(**_arguments(step, args, []))})
    word, at = next(iter(step.given))
    return lambda *args: function(*args, **{name: give(**{word: args[at]})})


def _waiting(function: _Function, steps: list[_Step], takes: tuple[tuple[str, int], ...]) -> _Function:
    waited = is_async(function)

    async def answer(*args: Any) -> Any:
        async with contextlib.AsyncExitStack() as stack:
            values = await _make_async(steps, args, stack)
            result = function(*args, **{name: values[at] for name, at in takes})
            return await result if waited or inspect.isawaitable(result) else result

    return answer


def _arguments(step: _Step, args: tuple[Any, ...], values: list[Any]) -> dict[str, Any]:
    found = {name: args[at] for name, at in step.given}
    for name, at in step.made:
        found[name] = values[at]
    return found


def _make(steps: list[_Step], args: tuple[Any, ...], stack: contextlib.ExitStack | None) -> list[Any]:
    values: list[Any] = []
    for step in steps:
        value = step.function(**_arguments(step, args, values))
        if step.way is _Way.ENTERED and stack is not None:
            value = stack.enter_context(value)
        values.append(value)
    return values


async def _make_async(
    steps: list[_Step], args: tuple[Any, ...], stack: contextlib.AsyncExitStack
) -> list[Any]:
    values: list[Any] = []
    for step in steps:
        value = step.function(**_arguments(step, args, values))
        if step.way is _Way.AWAITED:
            value = await value
        elif step.way is _Way.ENTERED:
            value = stack.enter_context(value)
        elif step.way is _Way.ENTERED_ASYNC:
            value = await stack.enter_async_context(value)
        values.append(value)
    return values
