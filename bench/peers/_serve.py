"""`python -m bench.peers._serve MODULE WORK`: be the server of a peer that is written in Python."""

from __future__ import annotations

import importlib
import sys

if __name__ == "__main__":
    _, module, work = sys.argv
    importlib.import_module(module).serve(work)
