"""The function of a stream of items: which way the items go, what it takes, and of what type it is."""

from __future__ import annotations

import collections.abc
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final

from rtcore._data.values import ANYTHING, Decoder
from rtcore.errors import UsageError
from rtcore.session import Session
from rtcore.stream import Items

from .answering import checked_answer
from .handlers import OF_SESSION, data_type, positional, reading
from .hooks import checked_seconds, name_of
from .injecting import needs, without
from .kinds import is_async, is_generator
from .surrounding import Layer, Surrounded

_ITERATORS: Final = (Items, collections.abc.AsyncIterator, collections.abc.AsyncIterable)


def _item_type(function: Callable[..., Any], names: Mapping[str, Any], at: int) -> Any:
    """The `T` of a parameter `items: Items[T]` or `AsyncIterator[T]`; Any when it is not said."""
    kind = data_type(function, names, at)
    origin = typing.get_origin(kind) or kind
    if kind is Any or origin in _ITERATORS:
        return next(iter(typing.get_args(kind)), Any)
    raise UsageError(
        f"the last parameter of {name_of(function)} takes the items: its type is "
        f"rtcore.Items[...] or AsyncIterator[...], not {kind!r}"
    )


def _decoder(kind: Any, what: str) -> Decoder:
    try:
        return ANYTHING if kind is Any else Decoder(kind)
    except TypeError as error:
        raise UsageError(f"the type of {what} cannot be read: {error}") from error


class StreamHandler(Surrounded):
    """The function of one stream. `bare` ones take no data. `around` are its layers when it is served.

    `away`: seconds for which its reader may be away; None: as long as the session lives. `answers`: what it
    gives is said as it is, and no middleware makes something else of it.
    """

    __slots__ = ("around", "away", "bare", "decoder", "items", "name", "up")

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        names: Mapping[str, Any],
        away: float | None = None,
        *,
        answers: bool = True,
    ) -> None:
        down = is_generator(function)
        if not down and (inspect.isclass(function) or not is_async(function)):
            raise UsageError(
                f"the stream {name!r} is an async generator function (items go down) or a coroutine function "
                f"(items come up), and {name_of(function)} is neither; what wraps one uses functools.wraps"
            )
        needed = needs(function, OF_SESSION, names)
        super().__init__(function, needed)
        self.around: tuple[Layer, ...] = ()
        self.away = None if away is None else checked_seconds(away, f"`away` of the stream {name!r}")
        self.name = name
        self.up = not down
        function = without(function, needed)
        if down:
            what = f"the stream {name!r} takes (session) or (session, data)"
            self.bare = (
                positional(function, what, 1, 2, ("session", "data"), kinds=(Session,), names=names) == 1
            )
            self.items = ANYTHING
        else:
            what = f"the stream {name!r} takes (session, items) or (session, data, items)"
            places = positional(function, what, 2, 3)
            words = ("session", "data", "items") if places == 3 else ("session", "items")
            positional(function, what, 2, 3, words, kinds=(Session,), names=names)
            self.bare = places == 2
            self.items = _decoder(_item_type(function, names, places - 1), f"the items of {name!r}")
        self.decoder = ANYTHING if self.bare else reading(function, repr(name), names)
        if answers:
            checked_answer(function, f"the stream {name!r}", names)

    @property
    def away_ms(self) -> int | None:
        """The same in milliseconds, for the core."""
        return None if self.away is None else round(self.away * 1000)
