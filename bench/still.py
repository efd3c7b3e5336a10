"""`python -P bench/still.py serve …`: `rtcore`, but that it does not look at itself meanwhile.

It does so each few seconds, whatever happens. A server under valgrind is fifty times slower, so that this
would be counted fifty times as much for each message as it costs.
"""

from __future__ import annotations

import contextlib
import runpy
import sys

with contextlib.suppress(ImportError):  # an older checkout, which does not
    from rtcore._watch import watch

    watch.EVERY = 3600.0  # type: ignore[misc]
sys.argv[0] = "rtcore"
runpy.run_module("rtcore", run_name="__main__", alter_sys=False)
