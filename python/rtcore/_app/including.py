"""Including a router: what it has registered becomes the application's, or an outer router's.

All is looked at before anything is taken, so that a router that cannot be included leaves nothing behind.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from rtcore._engine import RoomPlan
from rtcore._ground.patterns import ByPattern
from rtcore.errors import UsageError

from .hooked import Hooks
from .hooks import checked_name, name_of
from .registry import Registry
from .spelling import spelt
from .surrounding import Layer, Surrounded

if TYPE_CHECKING:
    from rtcore.router import Router

T = TypeVar("T")
S = TypeVar("S", bound=Surrounded)


class Includable:
    """What can be included: a `Router`."""

    _registry: Registry


@spelt
class Including:
    """Taking what a `Router` has registered."""

    _registry: Registry
    _prefix: str

    def include(self, router: Router) -> None:
        """Make everything that a router has registered one's own, each name behind one's own prefix.

        From then on nothing more can be registered with the router.

        Args:
            router: a `Router` that was included nowhere yet.

        Raises:
            UsageError: it is no router, was included already, or has something that is there already.

        """
        if not isinstance(router, Includable):  # pyright: ignore[reportUnnecessaryIsInstance] - an App is none
            raise UsageError(f"`include` is given an rtcore.Router, and not {router!r}")
        self._registry.open("include")
        inner = router._registry  # noqa: SLF001 - it is no part of the public class
        if inner is self._registry:
            raise UsageError("a router cannot include itself")
        if inner.included:
            raise UsageError(f"{router!r} is included already: make a second router for a second place")
        merged = _merged(self._registry, inner, self._prefix)
        inner.included = True
        for field in dataclasses.fields(Registry):
            setattr(self._registry, field.name, getattr(merged, field.name))


def _merged(outer: Registry, inner: Registry, prefix: str) -> Registry:
    """What both have registered, in the order outer, inner."""
    if outer.authenticator is not None and inner.authenticator is not None:
        raise UsageError(f"there is an authenticator already: {name_of(outer.authenticator.function)}")
    layer = inner.layer
    return Registry(
        handlers=[
            *outer.handlers,
            *_below(layer, _named(outer.handlers, inner.handlers, prefix, "a handler of", "name")),
        ],
        raw_handlers=[
            *outer.raw_handlers,
            *_named(outer.raw_handlers, inner.raw_handlers, "", "a raw socket on", "path"),
        ],
        stream_handlers=[
            *outer.stream_handlers,
            *_below(layer, _named(outer.stream_handlers, inner.stream_handlers, prefix, "a stream", "name")),
        ],
        operator=outer.operator,
        rules=outer.rules,
        authenticator=outer.authenticator
        or next(iter(_below(layer, [inner.authenticator] if inner.authenticator else [])), None),
        authorizers=_patterns(
            outer.authorizers, _authorizers_below(layer, inner.authorizers), prefix, "an authorizer for rooms"
        ),
        states=_patterns(outer.states, inner.states, prefix, "a state function for rooms"),
        room_plans=_patterns(outer.room_plans, inner.room_plans, prefix, "settings of rooms"),
        said=_patterns(outer.said, inner.said, prefix, "events of rooms"),
        collections=[*outer.collections, *inner.collections],
        connectors=_once(outer.connectors, inner.connectors, "on_connect"),
        hooks=_hooks(outer.hooks, inner.hooks, prefix),
        disconnectors=_once(outer.disconnectors, inner.disconnectors, "on_disconnect"),
        background_tasks=_once(outer.background_tasks, inner.background_tasks, "background"),
        lifespans=_once(outer.lifespans, inner.lifespans, "lifespan"),
        layer=outer.layer,
        overrides={**inner.overrides, **outer.overrides},
    )


def _below(layer: Layer, found: Iterable[S]) -> list[S]:
    """The same functions, below what surrounds those of the router."""
    moved: list[S] = []
    for one in found:
        own = copy.copy(one)
        own.layers = one.below(layer)
        moved.append(own)
    return moved


def _authorizers_below(layer: Layer, inner: ByPattern[Surrounded]) -> ByPattern[Surrounded]:
    moved: ByPattern[Surrounded] = ByPattern()
    for pattern, one in inner.items():
        moved.add(pattern, *_below(layer, [one]))
    return moved


def _hooks(outer: Hooks, inner: Hooks, prefix: str) -> Hooks:
    return Hooks(
        joins=_patterns(outer.joins, inner.joins, prefix, "on_join of rooms"),
        leaves=_patterns(outer.leaves, inner.leaves, prefix, "on_leave of rooms"),
        empties=_patterns(outer.empties, inner.empties, prefix, "on_empty of rooms"),
        connected=_once(outer.connected, inner.connected, "on_connected"),
        away=_once(outer.away, inner.away, "on_away"),
    )


def _named(known: Iterable[Any], new: Iterable[T], prefix: str, what: str, field: str) -> list[T]:
    """Things with names of their own, each behind the prefix; none of them is there already."""
    taken = {getattr(one, field) for one in known}
    found: list[T] = []
    for one in new:
        name: str = prefix + getattr(one, field)
        if prefix:
            checked_name(name, "include", "include(router)")
        if name in taken:
            raise UsageError(f"there is {what} {name!r} already, and the router has another")
        renamed = copy.copy(one)
        setattr(renamed, field, name)
        found.append(renamed)
    return found


def _patterns(outer: ByPattern[T], inner: ByPattern[T], prefix: str, what: str) -> ByPattern[T]:
    merged: ByPattern[T] = ByPattern()
    for pattern, thing in outer.items():
        merged.add(pattern, thing)
    for pattern, thing in inner.items():
        name = pattern if pattern.startswith("$") else prefix + pattern
        if prefix:
            checked_name(name, "include", "include(router)")
        if not merged.add(name, _renamed(thing, name)):
            raise UsageError(f"there is {what} {name!r} already, and the router has another")
    return merged


def _renamed(thing: T, pattern: str) -> T:
    """Settings say which pattern they are of; functions do not."""
    return dataclasses.replace(thing, pattern=pattern) if isinstance(thing, RoomPlan) else thing


def _once(known: list[T], new: list[T], what: str) -> list[T]:
    for one in new:
        if one in known:
            raise UsageError(f"{one!r} is registered with `{what}` already")
    return [*known, *new]
