"""A bar on standard error, for work that takes minutes."""

from __future__ import annotations

import sys
import time


class Progress:
    """How far, at what, how long still."""

    def __init__(self, steps: int) -> None:
        self.steps, self.done, self.begin, self.title = steps, 0, time.monotonic(), ""

    def show(self, title: str | None = None) -> None:
        """Draw it."""
        if title is not None:
            self.title = title
        share = min(1.0, self.done / self.steps) if self.steps else 1.0
        past = time.monotonic() - self.begin
        left = f", {past / share - past:.0f} s left" if 0 < share < 1 else ""
        bar = "█" * round(share * 24) + "░" * (24 - round(share * 24))
        end = "\r" if sys.stderr.isatty() else "\n"
        print(
            f"{bar} {self.done}/{self.steps} {self.title}{left}".ljust(100),
            end=end,
            file=sys.stderr,
            flush=True,
        )

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        self.show()
