"""Which registration speaks for a room: the same rule as the core's (`rust/core/src/room/settings.rs`).

`*` stands for anything, nothing included. An exact name comes first; then the pattern with the longest
literal beginning; of those the one with more literal text; then the one that was registered first. A name
that begins with `$` is rtcore's own, and no pattern reaches it that does not begin so. A match takes time
linear in the name, whatever a peer calls its rooms. `vectors/patterns.json` holds both to one rule.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


def matches(pattern: str, name: str) -> bool:
    """Whether a name matches a pattern in which `*` stands for anything."""
    first, star, rest = pattern.partition("*")
    if not star:
        return pattern == name
    middle, star, last = rest.rpartition("*")
    if not name.startswith(first) or len(name) < len(first) + len(last) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    # Each piece as early as possible finds a match whenever there is one, and never tries again.
    for piece in middle.split("*") if star else ():
        at = name.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def specificity(pattern: str) -> tuple[bool, int, int]:
    """What makes one pattern come before another: larger first."""
    beginning = pattern.find("*")
    if beginning < 0:
        return (True, len(pattern.encode()), 0)
    return (False, len(pattern[:beginning].encode()), len(pattern.replace("*", "").encode()))


class ByPattern(Generic[T]):
    """Things registered for patterns of room names."""

    __slots__ = ("_sorted",)

    def __init__(self) -> None:
        self._sorted: list[tuple[str, T]] = []

    def add(self, pattern: str, thing: T) -> bool:
        """Register; False if the pattern has something already."""
        if any(known == pattern for known, _ in self._sorted):
            return False
        self._sorted.append((pattern, thing))
        self._sorted.sort(key=lambda row: specificity(row[0]), reverse=True)  # stable: the first stays first
        return True

    def find(self, name: str) -> T | None:
        """What is registered for a room of this name. A pattern's own text counts as a name too."""
        own = name.startswith("$")
        for pattern, thing in self._sorted:
            if matches(pattern, name) and (not own or pattern.startswith("$")):
                return thing
        return None

    def items(self) -> list[tuple[str, T]]:
        """All patterns with what is registered for each, the most specific first."""
        return list(self._sorted)

    def patterns(self) -> list[str]:
        """All patterns, the most specific first."""
        return [pattern for pattern, _ in self._sorted]

    def __len__(self) -> int:
        return len(self._sorted)
