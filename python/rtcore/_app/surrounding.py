"""What surrounds the application's functions: error handlers and middleware, in layers.

An application has a layer, and so has each router for what it holds. In a layer the error handlers are
outermost; then come the middleware in the order in which they were registered, the first outermost. What a
function is called by is put together once, when the application begins to be served: without layers and
dependencies it is the function itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rtcore.call import Call, Kind, Next
from rtcore.errors import Refuse

from .injecting import Needs, provided, waits
from .kinds import is_async

_Function = Callable[..., Any]


@dataclass(slots=True)
class Layer:
    """Error handlers by class, and middleware in their order."""

    errors: dict[type[Exception], _Function] = field(default_factory=dict[type[Exception], _Function])
    middleware: list[_Function] = field(default_factory=list[_Function])

    def __bool__(self) -> bool:
        return bool(self.errors or self.middleware)

    def waits(self) -> bool:
        """Whether what it surrounds has to be awaited from then on."""
        return any(map(is_async, self.middleware))

    def around(self, inner: Next, *, waits: bool) -> Next:
        """What is called in place of `inner`. `waits`: what `inner` gives is to be awaited."""
        for one in reversed(self.middleware):
            inner, waits = _around(one, inner, waits=waits)
        return _caught(self.errors, inner, waits=waits) if self.errors else inner


def _around(middleware: _Function, inner: Next, *, waits: bool) -> tuple[Next, bool]:
    if not is_async(middleware):
        return lambda call: middleware(call, inner), waits

    async def inner_later(call: Call) -> Any:
        result = inner(call)
        return await result if inspect.isawaitable(result) else result

    further = inner if waits else inner_later
    return lambda call: middleware(call, further), True


def handler_of(errors: Mapping[type[Exception], _Function], error: Exception) -> _Function | None:
    """Who answers for this error: the nearest class counts. A `Refuse` is an answer already, and is told as
    it is, unless somebody asked for its own class.
    """
    for kind in type(error).__mro__:
        if kind in errors and not (isinstance(error, Refuse) and not issubclass(kind, Refuse)):
            return errors[kind]
    return None


def _caught(errors: Mapping[type[Exception], _Function], inner: Next, *, waits: bool) -> Next:
    def catch(call: Call) -> Any:
        try:
            return inner(call)
        except Exception as error:
            handler = handler_of(errors, error)
            if handler is None:
                raise
            return handler(call, error)

    async def catch_later(call: Call) -> Any:
        try:
            return await inner(call)
        except Exception as error:
            handler = handler_of(errors, error)
            if handler is None:
                raise
            answer = handler(call, error)
            return await answer if inspect.isawaitable(answer) else answer

    return catch_later if waits else catch


class Surrounded:
    """A function of the application's: as it was written (`function`), and as it is called (`run`)."""

    __slots__ = ("function", "layers", "needs", "run")

    def __init__(self, function: _Function, needed: Needs | None) -> None:
        self.function = function
        self.needs = needed
        self.layers: tuple[Layer, ...] = ()  # the outermost first
        self.run = function

    def below(self, layer: Layer) -> tuple[Layer, ...]:
        """Its layers below one more."""
        return (layer, *self.layers) if layer else self.layers


def surround(layers: tuple[Layer, ...], inner: Next, *, waits: bool = True) -> tuple[Next, bool]:
    """What is called in place of `inner`, and whether its result is to be awaited as `inner`'s was."""
    for layer in reversed(layers):
        inner = layer.around(inner, waits=waits)
        waits = waits or layer.waits()
    return inner, waits


def assembled(
    one: Surrounded,
    kind: Kind,
    name: Callable[[Any], str] | str,
    layer: Layer,
    instead: Mapping[_Function, _Function],
) -> tuple[_Function, bool]:
    """How a function is called that gives one answer, and whether that has to be awaited.

    It takes (session), (session, data), or (hello) for an authenticator. `name` is what `Call.name` says, or
    how it is told from the data.
    """
    function = provided(one.function, one.needs, instead)
    waited = is_async(one.function) or waits(one.needs, instead)
    layers = one.below(layer)
    if not layers:
        return function, waited
    inner: Next
    if kind == "authenticate":
        inner = lambda call: function(call.data)  # noqa: E731 - one of three of a kind
    elif getattr(one, "bare", False):
        inner = lambda call: function(call.session)  # noqa: E731 - as above
    else:
        inner = lambda call: function(call.session, call.data)  # noqa: E731 - as above
    chain, waited = surround(layers, inner, waits=waited)
    return _entry(kind, name, chain), waited


def _entry(kind: Kind, name: Callable[[Any], str] | str, chain: Next) -> _Function:
    if kind == "authenticate":

        def asked(hello: Any) -> Any:
            return chain(Call(kind, "", hello.session, hello))

        return asked
    if isinstance(name, str):

        def called(session: Any, data: Any = None) -> Any:
            return chain(Call(kind, name, session, data))

        return called

    def decided(session: Any, data: Any) -> Any:
        return chain(Call(kind, name(data), session, data))

    return decided
