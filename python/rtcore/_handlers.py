"""The application's functions: what they take, whether they wait, and how their answers travel."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final

from ._faults import MAX_FAULTS, faults
from ._values import ANYTHING, Decoder, encode
from .errors import UsageError

INVALID: Final = "INVALID_MESSAGE"


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine: `async def`, or an object whose `__call__` is one."""
    called = function if inspect.isroutine(function) else type(function).__call__
    return inspect.iscoroutinefunction(called) or inspect.iscoroutinefunction(function)


def positional(function: Callable[..., Any], what: str, least: int, most: int) -> int:
    """How many positional arguments a function is to be called with: as many as it has, up to `most`.

    Raises:
        UsageError: it cannot be called with `least` to `most` of them; the text says `what` it should be.

    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what}: {function!r} cannot be looked into: {error}") from error
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return most
    places = [one for one in parameters if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}]
    required = sum(one.default is one.empty for one in places)
    keywords = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    if keywords or required > most or len(places) < least:
        raise UsageError(f"{what}, and {name_of(function)}{inspect.signature(function)} is not")
    return min(most, len(places))


def name_of(function: Callable[..., Any]) -> str:
    """A function's name for logs and errors."""
    return getattr(function, "__qualname__", None) or repr(function)


def data_type(function: Callable[..., Any], names: Mapping[str, Any], at: int = 1) -> Any:
    """The annotation of the positional parameter in this place, the second; Any when there is none.

    `names` are the local names where the function was registered, so that a type that was made there is
    found.

    Raises:
        UsageError: the annotation names what is not there.

    """
    called: Any = function
    while isinstance(called, functools.partial):
        called = called.func
    called = called if inspect.isroutine(called) else type(called).__call__
    parameters = [
        one
        for one in inspect.signature(function).parameters.values()
        if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD, one.VAR_POSITIONAL}
    ]
    if len(parameters) <= at or parameters[at].annotation is parameters[at].empty:
        return Any
    annotation = parameters[at].annotation
    if not isinstance(annotation, str):
        return annotation
    scope = {**getattr(inspect.unwrap(called), "__globals__", {}), **names}
    try:
        # One annotation, not all of them: what the others name may exist for type checkers only.
        holder = type("holder", (), {"__annotations__": {"data": annotation}})
        return typing.get_type_hints(holder, scope, scope, include_extras=True)["data"]
    except Exception as error:
        raise UsageError(
            f"the type {annotation!r} of the data of {name_of(function)} cannot be found: {error}"
        ) from error


class Handler:
    """The function of one event.

    `bare` ones take no data; `plain` ones are called in the turn; of the others up to `concurrency` requests
    of a session run at a time.
    """

    __slots__ = ("bare", "concurrency", "decoder", "function", "json", "name", "plain")

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        concurrency: int = 1,
        names: Mapping[str, Any] | None = None,
    ) -> None:
        what = f"the handler of {name!r} takes (session) or (session, data)"
        self.name = name
        self.function = function
        self.plain = not is_async(function)
        self.bare = positional(function, what, 1, 2) == 1
        if type(concurrency) is not int or concurrency < 1:
            raise UsageError(f"the concurrency of {name!r} is a whole number from 1, not {concurrency!r}")
        if self.plain and concurrency != 1:
            raise UsageError(
                f"the handler of {name!r} is a plain function, which runs in the turn and beside nothing; "
                "make it a coroutine function"
            )
        self.concurrency = concurrency
        kind = Any if self.bare else data_type(function, names or {})
        try:
            self.decoder = ANYTHING if kind is Any else Decoder(kind)
        except TypeError as error:
            raise UsageError(
                f"the type of the data of {name!r} cannot be read by msgspec: {error}"
            ) from error
        self.json = self.decoder.json


def invalid(
    decoder: Decoder, what: str, form: int, data: bytes, error: Exception
) -> tuple[str, str, bytes | None]:
    """Code, text and details of the error ack for data that does not fit its type."""
    found = faults(decoder.type, form, data, error)
    first = found[0]
    more = f" ({_count(len(found))})" if len(found) > 1 else ""
    text = f"the data of {what} is not as it should be: {first['path']}: {first['message']}{more}"
    return INVALID, text, encode(found)


def _count(found: int) -> str:
    return f"{found} faults in all" if found < MAX_FAULTS else f"the first {found} faults are told"


@dataclasses.dataclass(slots=True)
class RawHandler:
    """What speaks on a raw path."""

    path: str
    function: Callable[..., Any]
    plain: bool
    max_message: int | None


@dataclasses.dataclass(slots=True)
class RoomState:
    """What gives the state of rooms, and whether it wants to know for whom."""

    function: Callable[..., Any]
    for_session: bool


def names_of_caller() -> Mapping[str, Any]:
    """Local names where a handler is registered: a type that was made inside a function is found there."""
    frame = sys._getframe(2)  # noqa: SLF001 - there is no other way to it
    return {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)


def without_reason(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of (session) as one of (session, reason)."""
    if is_async(function):

        async def ended_async(session: Any, _: str) -> None:
            await function(session)

        return ended_async

    def ended(session: Any, _: str) -> None:
        function(session)

    return ended
