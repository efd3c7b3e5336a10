"""The settings of rooms: what an application registers of them, a part of `App`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rtcore._engine import RoomPlan
from rtcore._ground.numbers import FIXED
from rtcore.errors import UsageError

from .hooks import checked_flag, checked_name, checked_seconds, checked_text, checked_whole
from .registry import Registry
from .rights import grant_words

POLICIES: Final = ("skip", "latest", "disconnect", "block")


class Rooming:
    """Settings by patterns of names."""

    _registry: Registry

    def rooms(
        self,
        pattern: str,
        *,
        relay: bool = False,
        history: int = FIXED["RING_ENTRIES"],
        bytes: int = FIXED["RING_BYTES"],  # noqa: A002 - the unit is the name
        age: float = FIXED["RING_AGE_MS"] / 1000,
        policy: str = "skip",
        key: str | None = None,
        presence: bool = True,
        grants: Iterable[str] | None = None,
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

        Raises:
            UsageError: the pattern has settings already, or one of them cannot be.

        """
        self._registry.open("rooms")
        checked_name(pattern, "app.rooms", 'app.rooms("pattern")')
        if pattern.startswith("$"):
            raise UsageError(f"rooms whose names begin with `$` are rtcore's own, as {pattern!r}")
        if policy not in POLICIES:
            raise UsageError(
                f"the policy of rooms {pattern!r} is one of {', '.join(POLICIES)}; not {policy!r}"
            )
        for what, value in (("history", history), ("bytes", bytes)):
            checked_whole(value, f"the {what} of rooms {pattern!r}")
        for what, flag in (("relay", relay), ("presence", presence)):
            checked_flag(flag, f"{what} of rooms {pattern!r}")
        checked_seconds(age, f"the age of rooms {pattern!r}")
        if key is not None:
            checked_text(key, "key of app.rooms", 'key="field"')
            if policy != "latest":
                raise UsageError(
                    f'the key of rooms {pattern!r} is for policy="latest", and the policy is {policy!r}'
                )
        words = ["publish"] if relay and grants is None else []
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
        )
        if not self._registry.room_plans.add(pattern, plan):
            raise UsageError(f"rooms {pattern!r} have settings already; say all of them in one place")
