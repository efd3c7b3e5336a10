"""How long a thread was ready to run and had no processor: other programs of the machine had it.

Linux counts it for each thread (`schedstat`, its second number, ns). Where nobody counts it, it is taken
for none. A look takes some 15 us; no descriptor is kept for it.
"""

from __future__ import annotations

import os
from typing import Final

_COUNTED: Final = "/proc/thread-self/schedstat"


def waited() -> int:
    """What the calling thread has waited for a processor since it began (ns)."""
    try:
        file = os.open(_COUNTED, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(os.read(file, 80).split()[1])
        finally:
            os.close(file)
    except (OSError, ValueError, IndexError):  # another system, or one that does not count it
        return 0
