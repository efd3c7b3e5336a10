"""What the terminal of `rtcore connect` completes, and where: commands, rooms, events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

_ROOM_FIRST: Final = frozenset({"join", "leave", "who", "say", "history"})


class Words:
    """What can be typed: the commands, and what was joined and heard so far."""

    def __init__(self, commands: Sequence[str], rooms: Callable[[], Iterable[str]]) -> None:
        self._commands, self._rooms = commands, rooms
        self._events: dict[str, None] = {}

    def heard(self, event: str) -> None:
        """An event of this name was heard, or said."""
        self._events[event] = None

    def after(self, line: str) -> list[str]:
        """What may stand for the last word of a line, in order. Data is nobody's to guess."""
        *before, begun = line.lstrip().split(" ") if line.strip() else [""]
        if not before:
            words: Iterable[str] = self._commands
        elif len(before) == 1 and before[0] in _ROOM_FIRST:
            words = self._rooms()
        elif (len(before) == 1 and before[0] == "emit") or (len(before) == 2 and before[0] == "say"):
            words = self._events
        else:
            words = ()
        return sorted(word for word in words if word.startswith(begun) and " " not in word)
