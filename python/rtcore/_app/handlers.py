"""The application's functions: what they take, whether they wait, and how their answers travel."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rtcore._data.values import ANYTHING, Decoder, Defaulting
from rtcore.errors import UsageError
from rtcore.session import Session

from .answering import checked_answer
from .hooks import checked_flag, checked_whole, name_of, no_function
from .injecting import Given, needs, waits, wanting, without
from .kinds import annotation, is_async, yields
from .spelling import caller_of
from .surrounding import Surrounded

OF_SESSION: Final = Given((("session", Session),))
"""What a dependency of a handler or a stream may take."""


_PLACES: Final = ("first", "second", "third")


def positional(
    function: Callable[..., Any],
    what: str,
    least: int,
    most: int,
    words: Sequence[str] = (),
    *,
    kinds: Sequence[type] = (),
    names: Mapping[str, Any] | None = None,
) -> int:
    """How many positional arguments a function is to be called with: as many as it has, up to `most`.

    `words` are what those are called in the guide: one that stands in another's place was meant otherwise.
    `kinds` are what the first of them are given: a parameter of another type was meant otherwise, too.
    `names` are the local names where it was registered. It has no dependency: those of who may have some are
    taken off before (`without`).

    Raises:
        UsageError: it cannot be called with `least` to `most` of them; the text says `what` it should be.

    """
    if inspect.isclass(function):
        raise UsageError(f"{what}, and {name_of(function)} is a class")
    if (found := no_function(function)) is not None:
        raise UsageError(f"{what}, and {found}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what}: {function!r} cannot be looked into: {error}") from error
    names = names or {}
    if (name := wanting(function, names)) is not None:
        raise UsageError(
            f"{what}, and nothing gives it the dependency {name!r}: handlers of events, streams, authorizers "
            "and the authenticator are given theirs"
        )
    parameters = signature.parameters.values()
    places = [one for one in parameters if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}]
    if places and places[0].name == "self":
        raise UsageError(
            f"{what}, and {name_of(function)} is a method in its class: register it of an object, as "
            "`...(the_object.method)`"
        )
    for at, one in enumerate(places):
        if one.name in words and words.index(one.name) != at:
            raise UsageError(f"{what}, and {name_of(function)}{signature} has its parameters the other way")
    ways = {one.kind for one in parameters}
    if inspect.Parameter.VAR_KEYWORD in ways and inspect.Parameter.VAR_POSITIONAL not in ways:
        raise UsageError(f"{what}, and nothing by name: drop the `**` of {name_of(function)}{signature}")
    required = sum(one.default is one.empty for one in places)
    keywords = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    if any(one.kind is one.VAR_POSITIONAL for one in parameters) and not keywords and required <= most:
        return most
    if keywords or required > most or len(places) < least:
        raise UsageError(f"{what}, and {name_of(function)}{signature} is not")
    for at, given in enumerate(kinds[: len(places)]):
        kind = _known(function, places[at], names)
        if not _may_be(kind, given):
            raise UsageError(f"{what}, and the {_PLACES[at]} parameter of {name_of(function)} is {kind!r}")
    return min(most, len(places))


def _known(function: Callable[..., Any], parameter: inspect.Parameter, names: Mapping[str, Any]) -> Any:
    """The annotation of a parameter that peers do not say; Any where it stands for type checkers only."""
    try:
        return annotation(function, parameter, names)
    except UsageError:
        return Any


def _may_be(kind: Any, given: type) -> bool:
    """Whether a parameter of this type may be what it is given. What is no class is not judged."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return _may_be(typing.get_args(kind)[0], given)
    if origin in (typing.Union, types.UnionType):
        return any(_may_be(one, given) for one in typing.get_args(kind))
    known = kind if origin is None else origin
    if known is Any or not isinstance(known, type):
        return True
    try:
        return issubclass(given, known) or issubclass(known, given)
    except TypeError:  # some protocols may not be asked
        return True


def default_of(function: Callable[..., Any], at: int = 1) -> Any:
    """The default of the positional parameter in this place; `inspect.Parameter.empty`: it has none."""
    parameters = [
        one
        for one in inspect.signature(function).parameters.values()
        if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}
    ]
    return parameters[at].default if len(parameters) > at else inspect.Parameter.empty


def reading(function: Callable[..., Any], what: str, names: Mapping[str, Any]) -> Decoder:
    """What reads the data that a function takes second: by its type, or its default where they are missing.

    Raises:
        UsageError: no peer can say what is of this type.

    """
    kind, default = data_type(function, names), default_of(function)
    try:
        if default is not inspect.Parameter.empty:
            return Defaulting(kind, default)
        return ANYTHING if kind is Any else Decoder(kind)
    except TypeError as error:
        raise UsageError(f"the type of the data of {what} cannot be read: {error}") from error


def data_type(function: Callable[..., Any], names: Mapping[str, Any], at: int = 1) -> Any:
    """The annotation of the positional parameter in this place, the second; Any when there is none.

    `names` are the local names where the function was registered, so that a type that was made there is
    found.

    Raises:
        UsageError: the annotation names what is not there.

    """
    parameters = [
        one
        for one in inspect.signature(function).parameters.values()
        if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD, one.VAR_POSITIONAL}
    ]
    return annotation(function, parameters[at], names) if len(parameters) > at else Any


class Handler(Surrounded):
    """The function of one event.

    `bare` ones take no data; `plain` ones are called in the turn; of the others up to `concurrency` requests
    of a session run at a time. A request of a `durable` one is on disk before it runs, its ack before that
    leaves. `answers`: what it returns is said as it is, and no middleware makes something else of it.
    """

    __slots__ = ("bare", "concurrency", "decoder", "durable", "json", "name", "plain")

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        concurrency: int = 1,
        names: Mapping[str, Any] | None = None,
        *,
        durable: bool = False,
        answers: bool = True,
    ) -> None:
        what = f"the handler of {name!r} takes (session) or (session, data)"
        names = names or {}
        needed = needs(function, OF_SESSION, names)
        super().__init__(function, needed)
        self.name = name
        seen = without(function, needed)
        self.bare = positional(seen, what, 1, 2, ("session", "data"), kinds=(Session,), names=names) == 1
        if yields(function):
            raise UsageError(
                f"{name_of(function)} yields: `@app.stream({name!r})` is for what gives many items, an async "
                "generator function"
            )
        self.plain = not (is_async(function) or waits(needed, {}))
        self.durable = checked_flag(durable, f"durable of {name!r}")
        self.concurrency = checked_whole(concurrency, f"the concurrency of {name!r}", 1)
        if self.plain and concurrency != 1:
            raise UsageError(
                f"the handler of {name!r} is a plain function, which runs in the turn and beside nothing; "
                "make it a coroutine function"
            )
        self.decoder = ANYTHING if self.bare else reading(seen, repr(name), names)
        if answers:
            checked_answer(function, f"the handler of {name!r}", names)
        self.json = self.decoder.json


@dataclasses.dataclass(slots=True)
class RawHandler:
    """What speaks on a raw path."""

    path: str
    function: Callable[..., Any]
    plain: bool
    max_message: int | None


@dataclasses.dataclass(slots=True)
class RoomState:
    """The function that gives the state of rooms, and whether it takes the session that joins."""

    function: Callable[..., Any]
    for_session: bool


def names_of_caller(depth: int = 1) -> Mapping[str, Any]:
    """Local names where a handler is registered: a type that was made inside a function is found there.

    `depth`: how many calls above the one that asks.
    """
    here = caller_of(sys._getframe(depth + 1))  # noqa: SLF001 - there is no other way to it
    module, found = here.f_globals, dict[str, Any]()
    frame: types.FrameType | None = here
    while frame is not None:
        # A function within another sees what that has made, and so does who reads its types.
        if frame.f_globals is module and frame.f_locals is not module:
            found = {**frame.f_locals, **found}
        frame = frame.f_back
    return found


def without_last(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function as one that is given one argument more, behind those that it takes."""

    @functools.wraps(function)
    def called(*given: Any) -> Any:
        return function(*given[:-1])

    return called
