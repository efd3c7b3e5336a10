"""Text that somebody else chose, as it may stand in a log: one line, of letters that can be seen.

A peer, an exception or a file name may put anything into a text: half of a surrogate pair, a line break, an
escape sequence of a terminal. (What goes to a peer is made by `sayable`.) Nothing here raises anything: who
reports an error comes by here, and must not fail of it.
"""

from __future__ import annotations

import traceback
from typing import Final

from rtcore._ground.numbers import FIXED

LONGEST: Final = FIXED["LOG_VALUE"]
"""Characters of one value in a line of a log. More is left out, and said."""
LONGEST_TRACEBACK: Final = FIXED["LOG_TRACEBACK"]
"""Characters of a traceback: its beginning, and the end, where the error is named."""
_NO_LOOP: Final = "RuntimeError: no running event loop\n"
_TRIO: Final = (
    "\n  It wants asyncio, and rtcore runs on Trio: use what is written for Trio or AnyIO (`trio.sleep`, "
    "httpx),\n  or a blocking library in `trio.to_thread.run_sync`."
)
"""What is said of the most frequent error of who comes from asyncio."""


def escaped(text: str, longest: int = LONGEST, beside: str = "") -> str:
    """A text as one line: what cannot be seen is written as an escape, except the characters `beside`."""
    if len(text) > longest:
        half = longest // 2
        text = f"{text[:half]} [{len(text) - longest:,} characters left out] {text[-half:]}"
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in beside else one.encode("unicode_escape").decode() for one in text
    )


def traceback_of(error: BaseException) -> str:
    """The traceback of an error for a log.

    Each line is indented: what stands at the margin is a record, whatever the text of an error says.
    """
    try:
        lines = "".join(traceback.format_exception(error))
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - what an application raises may break everything that looks at it
        lines = f"{type(error).__name__}: its traceback cannot be shown"
    told = "  " + escaped(lines.rstrip("\n"), LONGEST_TRACEBACK, "\n").replace("\n", "\n  ")
    return told + _TRIO if isinstance(error, RuntimeError) and lines.endswith(_NO_LOOP) else told
