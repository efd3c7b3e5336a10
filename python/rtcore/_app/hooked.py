"""Functions of the application that are told who comes and who goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from rtcore._ground.patterns import ByPattern
from rtcore.errors import UsageError

from .hooks import name_of, place_of
from .kinds import is_async

_Function = Callable[..., Any]


@dataclasses.dataclass(slots=True, frozen=True)
class Hook:
    """A function as it was registered, and as it is called."""

    function: _Function
    run: _Function

    @property
    def waits(self) -> bool:
        """Whether calling it gives a coroutine."""
        return is_async(self.function)


@dataclasses.dataclass(slots=True)
class Hooks:
    """All of them: those of rooms by pattern, and those of connections."""

    joins: ByPattern[Hook] = dataclasses.field(default_factory=ByPattern[Hook])
    leaves: ByPattern[Hook] = dataclasses.field(default_factory=ByPattern[Hook])
    empties: ByPattern[Hook] = dataclasses.field(default_factory=ByPattern[Hook])
    connected: list[_Function] = dataclasses.field(default_factory=list[_Function])
    away: list[_Function] = dataclasses.field(default_factory=list[_Function])

    def of_rooms(self) -> list[tuple[str, str, Hook]]:
        """What it is called, its pattern, and the function."""
        kinds = (("on_join", self.joins), ("on_leave", self.leaves), ("on_empty", self.empties))
        return [(name, pattern, hook) for name, known in kinds for pattern, hook in known.items()]

    def may_hear(self, pattern: str) -> bool:
        """Whether a hook may be asked for, of a room whose settings this pattern names."""
        return any(_may_meet(pattern, other) for _, other, _ in self.of_rooms())

    def check(self, patterns: list[str]) -> None:
        """Each hook has rooms. `patterns`: those whose rooms there are.

        Raises:
            UsageError: one can never be called.

        """
        for name, pattern, hook in self.of_rooms():
            if not any(_may_meet(pattern, other) for other in patterns):
                known = ", ".join(map(repr, patterns)) or "none"
                raise UsageError(
                    f"{name}({pattern!r}) is of no room that there is: {name_of(hook.function)} at "
                    f"{place_of(hook.function)} would never be called. `app.rooms(pattern)` says which there "
                    f"are: {known}"
                )


def _may_meet(one: str, other: str) -> bool:
    """Whether a name may match both patterns: their literal beginnings and ends agree as far as both go."""
    if "*" not in one and "*" not in other:
        return one == other
    (first, _, last), (begin, _, end) = _ends(one), _ends(other)
    starts = first.startswith(begin) or begin.startswith(first)
    return starts and (last.endswith(end) or end.endswith(last))


def _ends(pattern: str) -> tuple[str, str, str]:
    """What a pattern begins with, and ends with; all of a name is both."""
    if "*" not in pattern:
        return pattern, "", pattern
    return pattern.partition("*")[0], "*", pattern.rpartition("*")[2]
