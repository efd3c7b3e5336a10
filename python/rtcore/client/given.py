"""What a program gives, looked at where it gives it: what is wrong fails there, and in words of its own."""

from __future__ import annotations

import math

from rtcore.errors import UsageError


def seconds(value: object, what: str, *, instead: str = "") -> None:
    """A time to wait: 0 or more, infinity included. `instead`: what else it may be."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value) or value < 0:
        raise UsageError(f"{what} is a number of seconds, 0 or more{instead}; not {value!r}")


def whole(value: object, what: str, least: int, *, instead: str = "") -> None:
    """A number of things."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(f"{what} is a whole number from {least} on{instead}; not {value!r}")


def one_of(value: object, what: str, words: tuple[str, ...]) -> None:
    """One of a few words."""
    if value not in words:
        known = ", ".join(f'"{word}"' for word in words)
        raise UsageError(f"{what} is one of {known}; not {value!r}")


def instance(value: object, what: str, kind: type, how: str) -> None:
    """Something of this kind. `how`: what to write."""
    if not isinstance(value, kind):
        raise UsageError(f"{what} is {how}; not {value!r}, of type {type(value).__name__}")
