"""What the system says of this process: memory, descriptors, disk. None: it does not say."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path

_DESCRIPTORS = Path("/proc/self/fd")
_CGROUP = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class Process:
    """Sizes in bytes."""

    resident: int | None = None
    memory: int | None = None
    """What there is: of the machine, or what the container may have."""
    descriptors: int | None = None
    descriptor_limit: int | None = None
    disk_free: int | None = None
    disk_size: int | None = None
    processor: float = 0.0
    """Seconds of a processor since the start."""


def look(data: str | None) -> Process:
    """The process now; `data` is the folder of what is durable. No waits."""
    used = os.times()
    free = size = None
    if data is not None:
        with contextlib.suppress(OSError):
            usage = shutil.disk_usage(data)
            free, size = usage.free, usage.total
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return Process(
        resident=_resident(),
        memory=_memory(),
        descriptors=_descriptors(),
        descriptor_limit=None if limit == resource.RLIM_INFINITY else limit,
        disk_free=free,
        disk_size=size,
        processor=used.user + used.system,
    )


def _resident() -> int | None:
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def _memory() -> int | None:
    try:
        return int(_CGROUP.read_text(encoding="ascii"))
    except (OSError, ValueError):
        pass  # there is no container, or no limit of it
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def _descriptors() -> int | None:
    try:
        # Linux 6.2 and newer say it at once; a look at 10,000 of them would hold the turn for 50 ms.
        if known := _DESCRIPTORS.stat().st_size:
            return known
        return sum(1 for _ in _DESCRIPTORS.iterdir()) - 1  # less the one that was opened to look
    except OSError:
        return None
