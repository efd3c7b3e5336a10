"""How far something is that takes long: on the terminal, and nowhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_WIDTH = 30
_EVERY = 0.1


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Within this the function hears so much of so much, and shows it on the standard error."""
    shows = sys.stderr.isatty()
    last = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if not shows or (now - last < _EVERY and done < total):
            return
        last = now
        part = min(done / total, 1.0) if total else 1.0
        print(
            f"\r{what} [{'#' * int(part * _WIDTH):<{_WIDTH}}] {part:4.0%}",
            end="",
            file=sys.stderr,
            flush=True,
        )

    try:
        yield tell
    finally:
        if last:
            print(file=sys.stderr)
