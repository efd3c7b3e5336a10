"""A word that nobody knows: which one was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def hint(word: str, known: Iterable[str], otherwise: str, *, cutoff: float = 0.6) -> str:
    """What to say behind it: the near one of those that are known, or `otherwise`.

    `cutoff`: how like it that must be, from 0 to 1, as `difflib` measures.
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {close[0]!r}?" if close else otherwise
