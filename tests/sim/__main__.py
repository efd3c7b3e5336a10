"""`make weeks`: so many random runs, each with a seed of its own; a seed that fails is said.

python -m tests.sim --runs 5000
python -m tests.sim --first 4711 --runs 1      one again: the same seed gives the same log
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from .world import brief, play


def main() -> int:
    """Run them, and say how far it is."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim")
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    given = parser.parse_args()
    failed: list[int] = []
    began = time.monotonic()
    for seed in range(given.first, given.first + given.runs):
        try:
            play(seed, **brief(seed)).check()
        except Exception:
            print(f"\nseed {seed}: {traceback.format_exc()}", flush=True)
            failed.append(seed)
        done = seed - given.first + 1
        if done % 50 == 0 or done == given.runs:
            each = (time.monotonic() - began) / done
            print(f"{done} of {given.runs} runs, {len(failed)} failed, {each:.2f} s each", flush=True)
    if failed:
        print("failed:", *failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
