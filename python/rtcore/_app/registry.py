"""What an application has registered: what `App` keeps, and what serves it reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final

from rtcore._engine import CollectionPlan, Plan, RoomPlan
from rtcore._ground.patterns import ByPattern
from rtcore._watch.rules import Rule
from rtcore.errors import UsageError

from .background import Background
from .handlers import Handler, RawHandler, RoomState
from .hooked import Hooks
from .injecting import provided
from .stream_handlers import StreamHandler
from .surrounding import Layer, Surrounded, assembled

if TYPE_CHECKING:
    from rtcore.app import App

    from .collecting import Collections

_Function = Callable[..., Any]

SYNC: Final = "$sync/"
"""What the names of rooms begin with in which collections are said."""


@dataclasses.dataclass(slots=True)
class Registry:
    """The handlers, decisions and rooms of an application, in the order of their registration."""

    handlers: list[Handler] = dataclasses.field(default_factory=list[Handler])
    raw_handlers: list[RawHandler] = dataclasses.field(default_factory=list[RawHandler])
    stream_handlers: list[StreamHandler] = dataclasses.field(default_factory=list[StreamHandler])
    authenticator: Surrounded | None = None
    operator: _Function | None = None
    rules: dict[str, Rule | None] = dataclasses.field(default_factory=dict[str, "Rule | None"])
    authorizers: ByPattern[Surrounded] = dataclasses.field(default_factory=ByPattern[Surrounded])
    states: ByPattern[RoomState] = dataclasses.field(default_factory=ByPattern[RoomState])
    collections: list[tuple[Collections, CollectionPlan]] = dataclasses.field(
        default_factory=list[tuple["Collections", CollectionPlan]]
    )
    room_plans: ByPattern[RoomPlan] = dataclasses.field(default_factory=ByPattern[RoomPlan])
    said: ByPattern[dict[str, Any]] = dataclasses.field(default_factory=ByPattern[dict[str, Any]])
    """The types of what is said in rooms, by the names of events."""
    connectors: list[_Function] = dataclasses.field(default_factory=list[_Function])
    hooks: Hooks = dataclasses.field(default_factory=Hooks)
    disconnectors: list[_Function] = dataclasses.field(default_factory=list[_Function])
    background_tasks: list[Background] = dataclasses.field(default_factory=list[Background])
    lifespans: list[Callable[..., AbstractAsyncContextManager[Any]]] = dataclasses.field(
        default_factory=list[Callable[..., AbstractAsyncContextManager[Any]]]
    )
    layer: Layer = dataclasses.field(default_factory=Layer)
    """What surrounds the handlers, streams and decisions."""
    overrides: dict[_Function, _Function] = dataclasses.field(default_factory=dict[_Function, _Function])
    """What stands in for which dependency."""
    frozen: bool = False
    included: bool = False
    """It is a router's, and somebody else has all of it now."""

    def open(self, what: str) -> None:
        """Something is to be registered.

        Raises:
            UsageError: the application was served already, or the router included.

        """
        if self.included:
            raise UsageError(
                f"`{what}` comes too late: the router is included already, and would not be looked at again"
            )
        if self.frozen:
            raise UsageError(f"`{what}` comes too late: the application is being served already")

    def plan(self) -> Plan:
        """What the core must know. From here on nothing more can be registered."""
        self.frozen = True
        self._assemble()
        rooms: ByPattern[RoomPlan] = ByPattern()
        for pattern in (*self.room_plans.patterns(), *self.authorizers.patterns(), *self.states.patterns()):
            if pattern.startswith(SYNC):
                continue  # a collection's: its settings are said with it
            # A pattern that only an authorizer or a state names has the settings of the one that covers it.
            base = self.room_plans.find(pattern) or RoomPlan(pattern)
            rooms.add(
                pattern,
                dataclasses.replace(
                    base,
                    pattern=pattern,
                    authorize=self.authorizers.find(pattern) is not None,
                    state=self.states.find(pattern) is not None,
                ),
            )
        plans = [plan for pattern in rooms.patterns() if (plan := rooms.find(pattern))]
        self.hooks.check([plan.pattern for plan in plans])
        return Plan(
            authenticates=self.authenticator is not None,
            lifecycle=self.hears_of_connections or any(one.away is not None for one in self.stream_handlers),
            rooms=[dataclasses.replace(plan, hooked=self.hooks.may_hear(plan.pattern)) for plan in plans],
            collections=[self._collection(made, plan) for made, plan in self.collections],
            events=[(handler.name, handler.durable) for handler in self.handlers],
            raws=[(raw.path, raw.max_message) for raw in self.raw_handlers],
            streams=[(stream.name, stream.up, stream.away_ms) for stream in self.stream_handlers],
        )

    def needed(self) -> dict[_Function, str]:
        """Each dependency that something has, those of dependencies too, and the first who needs it."""
        found: dict[_Function, str] = {}
        surrounded: list[tuple[str, Surrounded]] = [
            *((f"the handler of {one.name!r}", one) for one in self.handlers),
            *((f"the stream {one.name!r}", one) for one in self.stream_handlers),
            *((f"the authorizer of {pattern!r}", one) for pattern, one in self.authorizers.items()),
        ]
        if self.authenticator is not None:
            surrounded.append(("the authenticator", self.authenticator))
        for who, one in surrounded:
            for function in () if one.needs is None else one.needs.all():
                found.setdefault(function, who)
        return found

    @property
    def hears_of_connections(self) -> bool:
        """Whether anybody is to be told when sessions begin, are away, come back and end."""
        return bool(self.connectors or self.disconnectors or self.hooks.connected or self.hooks.away)

    def _assemble(self) -> None:
        """Put together how each function is called. The same again for whoever serves it again."""
        for handler in self.handlers:
            handler.run, waits = assembled(handler, "event", handler.name, self.layer, self.overrides)
            handler.plain = not waits
        for stream in self.stream_handlers:
            stream.run = provided(stream.function, stream.needs, self.overrides)
            stream.around = stream.below(self.layer)
        for _, each in self.authorizers.items():  # noqa: PERF102 - no dictionary
            each.run, _ = assembled(each, "authorize", lambda join: join.room, self.layer, self.overrides)
        if (one := self.authenticator) is not None:
            one.run, _ = assembled(one, "authenticate", "", self.layer, self.overrides)

    def _collection(self, made: Collections, plan: CollectionPlan) -> CollectionPlan:
        authorize = self.authorizers.find(SYNC + plan.pattern) is not None
        return dataclasses.replace(
            plan, authorize=authorize, asks=made.asks, strategy=made.decides, upgrades=made.upgrades
        )


def registered(app: App) -> Registry:
    """What an application has registered."""
    return app._registry  # noqa: SLF001 - it is no part of the public class
