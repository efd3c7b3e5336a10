"""`make storm`: shared data, a real server, the fault proxy and `kill -9`, for ten minutes, with the counts.

python -m tests.storm --minutes 10
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

import trio

from .storm import ENDS, Storm

ROUNDS, PEOPLE = 12, 5


def main() -> int:
    """Play one storm after the other until the time is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.storm")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--first", type=int, default=None, help="the seed of the first storm")
    given = parser.parse_args()
    until = time.monotonic() + given.minutes * 60
    seed = secrets.randbelow(10**6) if given.first is None else given.first
    bad = 0
    while time.monotonic() < until:
        folder, began = Path(tempfile.mkdtemp(prefix="storm-")), time.monotonic()
        storm = Storm(folder, seed, PEOPLE)
        trio.run(storm.run, storm.dice.choices(ENDS, k=ROUNDS))
        print(f"storm {seed}, {time.monotonic() - began:.0f} s: {dict(storm.counts)}", flush=True)
        for line in storm.wrong:
            print(f"wrong: {line} (in {folder})", flush=True)
        if storm.wrong:
            bad += 1
        else:
            shutil.rmtree(folder)
        seed += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
