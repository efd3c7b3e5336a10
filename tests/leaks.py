"""What a test must not leave behind: threads and descriptors of this process, by name.

What is shared on purpose (the servers of a session, with their pipe and their reader) is taken out by whoever
shares it: `shared` has it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.patience import PATIENCE

shared_descriptors: set[int] = set()
shared_threads: set[threading.Thread] = set()


@dataclass
class Held:
    """Threads and descriptors at one moment."""

    threads: set[threading.Thread] = field(default_factory=set)
    descriptors: dict[int, str] = field(default_factory=dict)


def held() -> Held:
    """What this process has now."""
    descriptors: dict[int, str] = {}
    folder = Path("/proc/self/fd")
    if folder.is_dir():
        for name in os.listdir(folder):  # noqa: PTH208 - the names alone
            with contextlib.suppress(FileNotFoundError):  # that of the listing itself
                descriptors[int(name)] = os.readlink(folder / name)  # noqa: PTH115
    return Held(set(threading.enumerate()), descriptors)


def left(before: Held) -> list[str]:
    """What is here now and was not before, apart from what is shared."""
    now = held()
    found = [
        f"thread {thread.name}"
        for thread in now.threads - before.threads - shared_threads
        # Trio keeps idle threads of its pool for ten seconds, and uses them again.
        if not thread.name.startswith("Trio thread")
    ]
    for number, name in now.descriptors.items():
        if before.descriptors.get(number) != name and number not in shared_descriptors:
            found.append(f"descriptor {number} ({name})")
    return found


def nothing_left(before: Held) -> list[str]:
    """Like `left`, after giving to what is ending the time to end."""
    if not (found := left(before)):
        return []
    gc.collect()
    end = time.monotonic() + PATIENCE
    while (found := left(before)) and time.monotonic() < end:
        time.sleep(0.01)  # looks again: a thread's end has no other sign
    return found
