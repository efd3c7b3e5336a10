"""The settings of rooms: what an application registers of them, a part of `App`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, cast, get_args

from rtcore._data.sayable import sayable
from rtcore._data.values import Decoder, encode
from rtcore._engine import RoomPlan
from rtcore._ground.numbers import FIXED
from rtcore.auth import Grant
from rtcore.durable import SURE, Keep
from rtcore.errors import UsageError

from .hooks import checked_event, checked_flag, checked_name, checked_seconds, checked_text, checked_whole
from .registry import Registry
from .rights import grant_words
from .spelling import spelt

Policy = Literal["skip", "latest", "disconnect", "block"]
Durable = bool | Literal["full", "normal", "off"]
POLICIES: Final = get_args(Policy)
OWN: Final = ("$user/*", "$all")
"""Rooms of rtcore's own whose durability may be set, and nothing else of them."""


_USUAL: Final = (
    False,
    FIXED["RING_ENTRIES"],
    FIXED["RING_BYTES"],
    FIXED["RING_AGE_MS"] / 1000,
    "skip",
    None,
    True,
    None,
    True,
    None,
)
"""Settings of rooms that nobody has set."""


@spelt
class Rooming:
    """Settings by patterns of names."""

    _registry: Registry
    _prefix: str

    def rooms(
        self,
        pattern: str,
        *,
        relay: bool = False,
        history: int = FIXED["RING_ENTRIES"],
        bytes: int = FIXED["RING_BYTES"],  # noqa: A002 - the unit is the name
        age: float = FIXED["RING_AGE_MS"] / 1000,
        policy: Policy = "skip",
        key: str | None = None,
        presence: bool = True,
        grants: Iterable[Grant] | None = None,
        durable: Durable = False,
        keep: Keep | None = None,
        compress: bool = True,
        events: Mapping[str, Any] | None = None,
        publish: Mapping[str, Any] | Iterable[str] | None = None,
    ) -> None:
        """Settings of the rooms whose names match a pattern; the most specific pattern counts.

        Args:
            pattern: a name in which `*` stands for anything.
            relay: members may publish, and the core does all of it: Python is not asked.
            history: entries that the ring keeps.
            bytes: bytes of them.
            age: seconds that they are kept.
            policy: for listeners that the ring no longer serves: "skip" (told the gap), "latest" (the newest
                of each slot), "disconnect" (come back), "block" (the publisher waits).
            key: the field of the data whose value is an entry's slot, for "latest".
            presence: who is here is told to members.
            grants: what a member may, unless the authorizer says otherwise; None: presence and history. In a
                relay room members may publish, too, whatever is said here.
            durable: what is said there is on disk before anybody hears it and before it is acknowledged.
                True or "full": synced, safe from a crash of the machine; "normal": written, safe from a crash
                of the process. The server needs a folder for it (`--data`). "$user/*" and "$all" may be made
                durable, too.
            keep: how much of it stays on disk; None: all.
            compress: False: nothing that is said there is ever compressed, so that nobody who sees how long
                messages are on the wire learns what is in them. Beside such rooms only events of others are
                compressed.
            events: what is said there: the type of the data of each event, for `rtcore types`. It is what
                pages count on; the server does not hold what is published against it. Of "$user/*" and
                "$all", too: what users and everybody are told, for `client.on`.
            publish: what members may publish themselves, which the core checks: events by name with the types
                of their data, `{"say": Said}`, or names alone, whose data may be anything. None: any event.
                It gives the right to publish as `relay` does. What the application publishes is not checked.

        Raises:
            UsageError: the pattern has settings already, one of them cannot be, or a type of `publish` is one
                that the core cannot check.

        """
        sure = _sureness(durable, keep, pattern)
        self._registry.open("rooms")
        checked_name(pattern, "app.rooms", 'app.rooms("pattern")')
        if pattern.startswith("$"):
            others = (relay, history, bytes, age, policy, key, presence, grants, compress, publish)
            if pattern not in OWN or not (sure or (events is not None and others == _USUAL)):
                raise UsageError(
                    f'rooms whose names begin with `$` are rtcore\'s own, as {pattern!r}: of "$user/*" and '
                    '"$all" it may be said that they are durable and which `events` are said there, and '
                    "nothing else"
                )
            if not sure:
                self._says(pattern, events)
                return _decorates_nothing(pattern)
        else:
            pattern = checked_name(self._prefix + pattern, "app.rooms", 'app.rooms("pattern")')
        if policy not in POLICIES:
            raise UsageError(
                f"the policy of rooms {pattern!r} is one of {', '.join(POLICIES)}; not {policy!r}"
            )
        for what, value in (("history", history), ("bytes", bytes)):
            checked_whole(value, f"the {what} of rooms {pattern!r}")
        for what, flag in (("relay", relay), ("presence", presence), ("compress", compress)):
            checked_flag(flag, f"{what} of rooms {pattern!r}")
        checked_seconds(age, f"the age of rooms {pattern!r}")
        if key is not None:
            checked_text(key, "key of app.rooms", 'key="field"')
            if policy != "latest":
                raise UsageError(
                    f'the key of rooms {pattern!r} is for policy="latest", and the policy is {policy!r}'
                )
        said = _sayable(publish, pattern)
        words = ["publish"] if (relay or said is not None) and grants is None else []
        words += ["presence", "history"] if grants is None else grant_words(grants)
        plan = RoomPlan(
            pattern=pattern,
            relay=relay,
            count=history,
            bytes=bytes,
            age_ms=int(age * 1000),
            policy=policy,
            key=key,
            presence=presence,
            grants=words,
            durable=sure,
            compress=compress,
            sayable=said,
            keep_age_ms=_ms(keep),
            keep_count=keep.count if keep else None,
            keep_bytes=keep.bytes if keep else None,
        )
        if not self._registry.room_plans.add(pattern, plan):
            raise UsageError(f"rooms {pattern!r} have settings already; say all of them in one place")
        if events is not None:
            self._says(pattern, events)
        return _decorates_nothing(pattern)

    def _says(self, pattern: str, events: object) -> None:
        if not self._registry.said.add(pattern, _kinds(events, pattern)):
            raise UsageError(f"rooms {pattern!r} have events already; say all of them in one place")


def _decorates_nothing(pattern: str) -> None:
    """What is called where the settings were meant as a decorator. For type checkers it is None."""

    def refuse(_: object) -> None:
        raise UsageError(
            f"`app.rooms({pattern!r})` has settings of rooms and decorates nothing: write it on a line of "
            f"its own. Who may join says `@app.authorize({pattern!r})`, and who came hears "
            f"`@app.on_join({pattern!r})`"
        )

    return cast("None", refuse)


def _kinds(events: object, pattern: str) -> dict[str, Any]:
    """The types of what is said in rooms, by the names of events."""
    if not isinstance(events, Mapping):
        raise UsageError(
            f"the events of rooms {pattern!r} are a dictionary, "
            f'as `events={{"say": Said}}`, and not {events!r}'
        )
    for event, kind in events.items():
        checked_event(event, f"events of rooms {pattern!r}", 'events={"say": Said}')
        try:
            Decoder(kind)
        except Exception as error:  # noqa: BLE001 - of a name that is not there, too: whatever it raises
            raise UsageError(
                f"the event {event!r} of rooms {pattern!r} has data of a type, as `Said` or `str`, and "
                f"nothing that is said can be of {kind!r}: {error}"
            ) from None
    return dict(events)


def sureness(durable: object, what: str) -> str:
    """The word for how surely something is kept; "" for what lives in memory. Raises `UsageError`."""
    word = {True: "full", False: "off"}.get(durable) if isinstance(durable, bool) else durable
    if word not in SURE:
        raise UsageError(f'`durable` of {what} is True, False, "full" or "normal", and not {durable!r}')
    return "" if word == "off" else str(word)


def _sureness(durable: object, keep: object, pattern: object) -> str:
    """The word for how sure entries are; "" for a room that lives in memory."""
    word = sureness(durable, f"rooms {pattern!r}")
    if keep is not None and not isinstance(keep, Keep):
        raise UsageError(f"`keep` of rooms {pattern!r} is an rtcore.Keep, and not {keep!r}")
    if not word and keep is not None:
        raise UsageError(
            f"`keep` of rooms {pattern!r} says how much stays on disk, and they are not durable: "
            "`history`, `bytes` and `age` are for what memory holds"
        )
    return word


def _sayable(publish: object, pattern: str) -> bytes | None:
    """What members may publish, in the core's words."""
    if publish is None:
        return None
    example = f'app.rooms({pattern!r}, publish={{"say": Said}})'
    if isinstance(publish, str) or not isinstance(publish, Iterable):
        raise UsageError(
            f"`publish` of rooms is given events by name, as in `{example}`, and not {publish!r}"
        )
    kinds: Mapping[Any, Any] = publish if isinstance(publish, Mapping) else dict.fromkeys(publish, Any)
    shapes: dict[str, Any] = {}
    for event, kind in kinds.items():
        name = checked_event(event, "publish of app.rooms", example)
        try:
            shapes[name] = sayable(kind)
        except TypeError as error:
            raise UsageError(
                f"the core cannot check {kind!r}, the type of {name!r} in rooms {pattern!r}: {error}. Let a "
                f"handler read it (`@app.on({name!r})`), or give a type without that"
            ) from error
    return encode(shapes)


def _ms(keep: Keep | None) -> int | None:
    return None if keep is None or keep.age is None else int(keep.age * 1000)
