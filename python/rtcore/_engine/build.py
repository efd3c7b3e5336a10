"""Building a core: what the configuration and the application say, in its own words."""

from __future__ import annotations

import builtins
import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from rtcore import _core
from rtcore._ground import near
from rtcore._ground.numbers import FIXED, USUAL
from rtcore.errors import ConfigError, StartError, UsageError

from .unusable import fault_of

Core = _core.Core
Refused = _core.Refused


@dataclasses.dataclass(slots=True)
class CoreSettings:
    """What the configuration says about the core.

    `limits` by their names; `linger_us` is how long a turn may wait for more input before it goes
    back through Trio (microseconds, 0: not at all); `seed` is 32 random bytes, drawn when None; `data` is
    the folder of the durable store, None: there is none.
    """

    limits: Mapping[str, int] = dataclasses.field(default_factory=dict[str, int])
    origins: Sequence[str] = ()
    hosts: Sequence[str] = ()
    proxies: Sequence[str] = ()
    forwarded: Sequence[str] | None = None
    proxy_protocol: bool = False
    loopback_only: bool = False
    backend: bool = False
    token_in_url: bool = False
    compress_events: bool = False
    tells_faults: bool = False
    linger_us: int = 50
    seed: bytes | None = None
    data: str | None = None


@dataclasses.dataclass(slots=True)
class RoomPlan:
    """The settings of all rooms that a pattern names, as the core wants them. Ages in milliseconds."""

    pattern: str
    relay: bool = False
    count: int = FIXED["RING_ENTRIES"]
    bytes: int = FIXED["RING_BYTES"]
    age_ms: int = FIXED["RING_AGE_MS"]
    policy: str = "skip"
    key: str | None = None
    authorize: bool = False
    state: bool = False
    presence: bool = True
    grants: Sequence[str] = ("presence", "history")
    durable: str = ""  # "", "normal" or "full"
    compress: bool = True
    hooked: bool = False
    sayable: builtins.bytes | None = None
    keep_age_ms: int | None = None
    keep_count: int | None = None
    keep_bytes: int | None = None


@dataclasses.dataclass(slots=True)
class CollectionPlan:
    """The settings of all collections that a pattern names."""

    pattern: str
    strategy: str = "merge"
    schema: int = 1
    limits: Mapping[str, int] = dataclasses.field(default_factory=dict[str, int])
    upgrades: Sequence[int] = ()
    asks: bool = False
    authorize: bool = False
    whole: str | None = None
    """The kind of CRDT that each document is."""
    crdts: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    """Fields that are CRDTs, and their kinds."""
    durable: str = ""  # "", "normal" or "full"


@dataclasses.dataclass(slots=True)
class Plan:
    """What an application asks of the core. Events carry the index of an event, raw path or stream.

    Events are names, and whether their handlers are durable.
    """

    authenticates: bool = False
    lifecycle: bool = False
    rooms: list[RoomPlan] = dataclasses.field(default_factory=list[RoomPlan])
    collections: list[CollectionPlan] = dataclasses.field(default_factory=list[CollectionPlan])
    events: list[tuple[str, bool]] = dataclasses.field(default_factory=list[tuple[str, bool]])
    raws: list[tuple[str, int | None]] = dataclasses.field(default_factory=list[tuple[str, int | None]])
    streams: list[tuple[str, bool, int | None]] = dataclasses.field(
        default_factory=list[tuple[str, bool, int | None]]
    )


def build_core(plan: Plan, settings: CoreSettings, *, manual: bool) -> Core:
    """A started core.

    Raises:
        ConfigError: a setting of the configuration is wrong.
        UsageError: a registration of the application is.
        StartError: the folder of the store cannot be used.

    """
    seed = os.urandom(32) if settings.seed is None else settings.seed
    if len(seed) != 32:
        raise ConfigError(f"the seed has 32 bytes, not {len(seed)}")
    _needs_folder(plan, settings)
    core = Core(seed, manual)
    _configure(core, settings)
    core.set_authenticates(plan.authenticates)
    core.set_lifecycle(plan.lifecycle)
    longest = {**USUAL, **settings.limits}["max_message"]
    for room in plan.rooms:
        try:
            core.add_room(**_of_core(room))
        except (ValueError, OverflowError, Refused) as error:
            raise UsageError(
                f"the settings of rooms {room.pattern!r} cannot be used: {text(error)}"
            ) from error
    for shared in plan.collections:
        try:
            core.add_collection(
                shared.pattern,
                shared.strategy,
                schema=shared.schema,
                whole=shared.whole,
                fields=dict(shared.crdts),
                upgrades=list(shared.upgrades),
                limits=dict(shared.limits),
                asks=shared.asks,
                authorize=shared.authorize,
                durable=shared.durable or "off",
            )
        except (ValueError, OverflowError, Refused) as error:
            raise UsageError(f"the collections {shared.pattern!r} cannot be used: {text(error)}") from error
    for index, (name, durable) in enumerate(plan.events):
        try:
            given = core.add_event(name, durable)
        except (ValueError, Refused) as error:
            raise UsageError(f"the event {name!r} cannot be registered: {text(error)}") from error
        if given != index:
            raise UsageError(f"the event {name!r} got the index {given} from the core, and not {index}")
    for path, max_message in plan.raws:
        try:
            core.add_raw(path, longest if max_message is None else max_message)
        except (ValueError, OverflowError, Refused) as error:
            raise UsageError(f"the raw socket {path!r} cannot be registered: {text(error)}") from error
    for name, up, away_ms in plan.streams:
        core.add_stream(name, up, away_ms)
    if settings.data is not None:
        core.set_store(settings.data)
        for room in plan.rooms:
            if room.durable:
                core.keep(room.pattern, room.keep_age_ms or 0, room.keep_count or 0, room.keep_bytes or 0)
    try:
        core.start()
    except _core.Unusable as error:
        raise StartError(f"what is durable cannot be kept: {error.args[1]}") from None
    return core


def _of_core(room: RoomPlan) -> dict[str, Any]:
    """The settings of a room that the core has, by its words."""
    words = dataclasses.asdict(room)
    for name in ("keep_age_ms", "keep_count", "keep_bytes"):  # the store's
        del words[name]
    return {**words, "durable": room.durable or "off"}


def _needs_folder(plan: Plan, settings: CoreSettings) -> None:
    """What is durable needs a place.

    Raises:
        ConfigError: there is none.

    """
    if settings.data is not None:
        return
    rooms = [f"rooms {room.pattern!r}" for room in plan.rooms if room.durable]
    shared = [f"collections {plan.pattern!r}" for plan in plan.collections if plan.durable]
    found = [*rooms, *shared, *(f"the handler of {name!r}" for name, durable in plan.events if durable)]
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise ConfigError(
            f"{found[0]}{more} must be durable, and there is no folder for it: give one, as `--data ./data`, "
            'data = "./data" in rtcore.toml, RTCORE_DATA=./data, or `data="./data"` in Python'
        )


def _configure(core: Core, settings: CoreSettings) -> None:
    known = USUAL
    for name, value in settings.limits.items():
        if name not in known:
            there = f"; there are {', '.join(known)}"
            raise ConfigError(f"there is no limit {name!r}{near.hint(name, known, there)}")
        if type(value) is not int or not 0 <= value < 1 << 63:
            raise ConfigError(f"the limit {name!r} is a whole number from 0, and not {value!r}")
        core.set_limit(name, value)
    core.set_backend(settings.backend)
    core.set_loopback_only(settings.loopback_only)
    core.set_token_in_url(settings.token_in_url)
    core.set_compress_events(settings.compress_events)
    core.set_tells_faults(settings.tells_faults)
    core.set_proxy_protocol(settings.proxy_protocol)
    for what, texts, add in (
        ("origin", settings.origins, core.add_origin),
        ("host", settings.hosts, core.add_host),
        ("proxy", settings.proxies, core.add_proxy),
    ):
        for given in texts:
            if fault := fault_of(add, given):
                raise ConfigError(f"the {what} {given!r} cannot be used: {fault}")
    if settings.forwarded is not None and (fault := fault_of(core.believe, list(settings.forwarded))):
        raise ConfigError(f"`forwarded` cannot be used: {fault}")


def text(error: BaseException) -> str:
    """What an error of the core says: `Refused` carries more than its text."""
    return str(error.args[1]) if isinstance(error, _core.Refused) else str(error)
