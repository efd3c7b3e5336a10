"""How long a thread was ready to run and had no processor: other programs of the machine had it.

Linux counts it for each thread (`schedstat`, its second number, ns). Where nobody counts it, it is taken
for none.
"""

from __future__ import annotations

import os
from typing import Final

_COUNTED: Final = "/proc/thread-self/schedstat"


class Processor:
    """What the thread that asks first has waited for one. A look takes some 6 us."""

    def __init__(self) -> None:
        self._file: int | None = None
        self._counted = True

    def waited(self) -> int:
        """Since the thread began, in ns."""
        if not self._counted:
            return 0
        try:
            if self._file is None:
                self._file = os.open(_COUNTED, os.O_RDONLY | os.O_CLOEXEC)
            return int(os.pread(self._file, 80, 0).split()[1])
        except (OSError, ValueError, IndexError):  # another system, or one that does not count it
            self._counted = False
            return 0

    def __del__(self) -> None:
        if self._file is not None:
            os.close(self._file)
