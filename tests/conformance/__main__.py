"""Autobahn's fuzzing client against a raw socket: `make conformance`.

Every case but 9.*, which measure speed and do not judge. The reports of Autobahn, a table of all cases and
a summary go to target/conformance; what is not as expected.toml says is told, and ends this with 1.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time

import trio

from . import autobahn, play, python27, server, verdict
from .parts import parts

FOLDER = autobahn.ROOT / "target" / "conformance"


def main() -> int:
    """Install, serve, play, judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without compression, 12.* and 13.*")
    given = parser.parse_args()
    python = python27.find()
    if python is None:
        print(python27.HOW, file=sys.stderr)
        return 1
    autobahn.install(python)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    expected = verdict.Expected.load()
    todo = parts(quick=given.quick)
    total = sum(expected.count(part) for part in todo)
    begin = time.monotonic()
    with server.running(FOLDER / "server.log") as origin:
        results = trio.run(play.play, python, origin, todo, FOLDER, total)
    faults = verdict.unexpected(expected, todo, results)
    summary = (
        f"{verdict.summary(results)}\n{len(faults)} not as expected, in {time.monotonic() - begin:.0f} s"
    )
    (FOLDER / "table.tsv").write_text(verdict.table(expected, results))
    (FOLDER / "summary.txt").write_text("\n".join([summary, *faults]) + "\n")
    print("\n".join([*faults, summary, f"All cases: {FOLDER.relative_to(autobahn.ROOT)}/table.tsv"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
