"""What a server does by itself while something is wrong. Each act can be switched off, and each is logged.

An act begins with the issue that it is for, and ends with it: so it has that issue's thresholds, and does not
come and go.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple, Protocol

import trio

from rtcore._ground.numbers import FIXED

from .findings import Finding
from .rules.memory import MACHINE

log = logging.getLogger("rtcore.watch")

HOLD: Final = 5.0
"""For how long clients are asked to wait with what can wait (s); they are asked again while it lasts."""
WINDOWS: Final = FIXED["CALM_WINDOWS"]
PACE: Final = FIXED["CALM_ACCEPTS"]
AT_ONCE: Final = FIXED["ADVISED_AT_ONCE"]

Raised = Mapping[str, Finding]


class Core(Protocol):
    """What is acted on."""

    def advise(self, why: str, transport: str | None, hold: float | None, skip: int, most: int) -> int:
        """Give so many sessions a hint."""
        ...

    def set_presence_window(self, ms: int) -> None:
        """Gather differences for so long."""
        ...

    def set_ring_memory(self, size: int, /) -> None:
        """All rings together may hold so much."""
        ...

    def set_accept_pace(self, pace: int | None) -> None:
        """Accept so many between two rests."""
        ...


class Act(NamedTuple):
    """One thing that can be done: when, what it is called in the log, and how it is begun and ended."""

    when: Callable[[Raised], str | None]
    says: str
    begin: Callable[[], None]
    end: Callable[[], None]


class Acts:
    """Does them. `limits`: what the settings say, which is put back when an act is over."""

    def __init__(self, core: Core, limits: Mapping[str, int], wanted: Collection[str]) -> None:
        self._core = core
        window, rings = limits["presence_ms"], limits["ring_memory"]
        acts = {
            "presence": Act(
                _any_of("held_turn", "reconnect_storm", "presence"),
                f"presence is told each {window * WINDOWS} ms, and not each {window}",
                lambda: core.set_presence_window(window * WINDOWS),
                lambda: core.set_presence_window(window),
            ),
            "accepts": Act(
                _any_of("reconnect_storm", "descriptors"),
                f"at most {PACE} connections are accepted at once, and then none for a moment",
                lambda: core.set_accept_pace(PACE),
                lambda: core.set_accept_pace(None),
            ),
            "shed": Act(
                _machine_is_full,
                f"rings may hold {rings // 2:,} bytes, and not {rings:,}: the oldest entries go, first of "
                "rooms of whoever has more than a share of it, then of other peers' rooms, then of all",
                lambda: core.set_ring_memory(rings // 2),
                lambda: core.set_ring_memory(rings),
            ),
            "advise": Act(
                _any_of("held_turn", "reconnect_storm", "memory", "latency"),
                f"clients are asked to wait {HOLD:g} s with what can wait",
                lambda: None,
                lambda: None,
            ),
        }
        self._acts = {name: act for name, act in acts.items() if name in wanted}
        self._done: dict[str, str] = {}

    @property
    def done(self) -> dict[str, str]:
        """What is done now, and for which issue."""
        return dict(self._done)

    def follow(self, raised: Raised) -> None:
        """Begin and end what these issues want."""
        for name, act in self._acts.items():
            why = act.when(raised)
            if why is not None and name not in self._done:
                log.warning("%s, because of %s (acts: %s)", act.says, why, name)
                act.begin()
            elif why is None and name in self._done:
                log.info("%s is over: all is as the settings say", name)
                act.end()
            if why is None:
                self._done.pop(name, None)
            else:
                self._done[name] = why

    async def tell(self, raised: Raised) -> None:
        """Advise clients, so many at a time, while that is to be done."""
        why = self._done.get("advise")
        if why is None or why not in raised:
            return
        told = 0
        while some := self._core.advise(why, None, HOLD, told, AT_ONCE):
            told += some
            await trio.lowlevel.checkpoint()


def _any_of(*types: str) -> Callable[[Raised], str | None]:
    return lambda raised: next((name for name in types if name in raised), None)


def _machine_is_full(raised: Raised) -> str | None:
    """Of a ring_memory that is full it would only make more gaps."""
    found = raised.get("memory")
    full = [] if found is None else found.evidence.get("budgets", ())
    return "memory" if any(each["of"] == MACHINE for each in full) else None
