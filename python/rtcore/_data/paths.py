"""The way to a value within what a peer said."""

from __future__ import annotations

from typing import Any, Final

from rtcore._ground.numbers import FIXED

MAX_TEXT: Final = FIXED["FAULT_TEXT"]
"""Characters of a path and of a message: both quote what the peer said."""

Path = tuple[Any, Any] | None
"""The way to a value: the way to what contains it, and its place there. As text only where it is told."""


def path_text(path: Path) -> str:
    """`$.cups[3]`."""
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step[: MAX_TEXT + 1]}")
    return "$" + "".join(reversed(steps))


def cut(text: str) -> str:
    """At most `MAX_TEXT` characters of a text."""
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
