"""`make crash`: so many runs, each with a seed of its own; a seed that fails is said, and its folder is kept.

python -m tests.crash --runs 1000
python -m tests.crash --first 4711 --runs 1 --keep      one again
python -m tests.crash --runs 1 --lives 60 --every 5     a rolling kill for five minutes
python -m tests.crash --quick                           the fifty of `make test`, and a few of each bad disk
python -m tests.crash --disk forgets                    what was not synced is gone at each kill
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from typing import Final

import trio

from .disk import can
from .place import Nest
from .world import WAYS, Run

FIRST: Final = 1000
"""The first seed of the runs of `make test`."""
EACH: Final = 2
"""Its runs on each bad disk."""


def main() -> int:
    """Run them, say how far it is, and what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--first", type=int, default=int(time.time()), help="the first seed")
    parser.add_argument("--disk", choices=sorted(WAYS), default="honest", help="how the disk is")
    parser.add_argument("--lives", type=int, default=2, help="kills in a run")
    parser.add_argument("--every", type=float, help="seconds between two kills; else random, up to 0.4")
    parser.add_argument(
        "--quick", action="store_true", help="the same runs each time, a few of each bad disk"
    )
    parser.add_argument("--keep", action="store_true", help="keep each folder")
    given = parser.parse_args()
    if not given.quick:
        return _play(given.disk, given.first, given.runs, given)
    failed = _play("honest", FIRST, given.runs, given)
    for disk in (name for name in WAYS if name != "honest" and can()):
        failed |= _play(disk, FIRST, EACH, given)
    print("FAILED" if failed else "all held on each disk")
    return failed


def _play(disk: str, first: int, runs: int, given: argparse.Namespace) -> int:
    """So many runs on this disk; 1 if one failed."""
    ways = WAYS[disk]()
    ways.lives, ways.every = given.lives, given.every
    nest = Nest(ways.disk.preload if ways.disk is not None else None)
    failed: list[int] = []
    seen: Counter[str] = Counter()
    starts: list[float] = []
    began = time.monotonic()
    try:
        for number in range(runs):
            seed = first + number
            run = Run(seed, nest, ways)
            try:
                wrong = trio.run(run.run)
            except BaseException as error:
                print(f"\nseed {seed}: {error!r}, see {run.keep()}", flush=True)
                if isinstance(error, KeyboardInterrupt):
                    raise
                wrong = [repr(error)]
            starts += run.starts
            seen.update(_seen(run))
            if wrong:
                failed.append(seed)
                print(f"\nseed {seed}: {len(wrong)} things are wrong, see {run.keep()}")
                for text in wrong[:12]:
                    print(f"    {text}")
            elif not given.keep:
                run.clear()
            _progress(number + 1, runs, began, len(failed))
    finally:
        nest.close()
        if ways.disk is not None:
            ways.disk.close()
    print()
    starts.sort()
    told = ", ".join(f"{count:,} {what}" for what, count in sorted(seen.items()))
    middle, last = starts[len(starts) // 2], starts[-1]
    print(f"seen: {told}; a start took {middle * 1000:.0f} ms, at most {last * 1000:.0f} ms")
    if failed:
        print(f"{runs} runs, {len(failed)} FAILED ({disk} disk): seeds {' '.join(map(str, failed[:20]))}")
        return 1
    print(f"{runs} runs from seed {first}, all held ({disk} disk)")
    return 0


def _seen(run: Run) -> dict[str, int]:
    facts = run.facts
    return {
        "kills": facts.kills,
        "requests": len(facts.said),
        "acks": sum(each.acked for each in facts.said),
        "unknown": sum(each.error == "OUTCOME_UNKNOWN" for each in facts.said),
        "resumed": facts.resumed,
        "events heard": sum(len(each.items) for each in facts.heard),
        "entries kept": sum(map(len, facts.past.values())),
    }


def _progress(done: int, runs: int, began: float, failed: int) -> None:
    left = (time.monotonic() - began) / done * (runs - done)
    bar = "#" * (30 * done // runs)
    text = f"[{bar:<30}] {done}/{runs}  {failed} failed  {left:4.0f} s left"
    if sys.stdout.isatty():
        print(f"\r{text}", end="", flush=True)
    elif done == runs or done % max(runs // 20, 1) == 0:
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
