"""Autobahn against a raw socket, and against the WebSocket of the Python client: `make conformance`.

Every case but 9.*, which measure speed and do not judge. The reports of Autobahn, a table of all cases and
a summary go to target/conformance; what is not as expected.toml says is told, and ends this with 1.
"""

from __future__ import annotations

import argparse
import functools
import shutil
import sys
import time
from collections import Counter

import trio

from . import autobahn, client, play, python27, server, verdict
from .parts import parts

FOLDER = autobahn.ROOT / "target" / "conformance"


def main() -> int:
    """Install, serve, play, judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    # These take the client a while, and have not been played to their end yet: they are asked for by name.
    parser.add_argument("--deflate", action="store_true", help="play 12.* and 13.* against the client, too")
    parser.add_argument("--quick", action="store_true", help="without compression, 12.* and 13.*")
    parser.add_argument(
        "--short", action="store_true", help="of compression the cases of short messages, a fifth of its time"
    )
    parser.add_argument("--only", choices=["server", "client"], help="one of the two")
    given = parser.parse_args()
    python = python27.find()
    if python is None:
        print(python27.HOW, file=sys.stderr)
        return 1
    autobahn.install(python)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    status = 0
    if given.only != "client":
        status |= judge_server(python, quick=given.quick, short=given.short)
    if given.only != "server":
        status |= judge_client(python, quick=given.quick or not given.deflate)
    return status


def judge_client(python: str, *, quick: bool) -> int:
    """Autobahn's fuzzing server against our client."""
    begin = time.monotonic()
    results, count = trio.run(functools.partial(client.play, python, FOLDER / client.AGENT, quick=quick))
    faults = client.faults_of(results, count)
    kinds = Counter(each.behaviour for each in results)
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    summary = f"the client: {told}; {len(faults)} faults, in {time.monotonic() - begin:.0f} s"
    (FOLDER / "client.txt").write_text("\n".join([summary, *faults]) + "\n")
    print("\n".join([*faults, summary]))
    return 1 if faults else 0


def judge_server(python: str, *, quick: bool, short: bool) -> int:
    """Autobahn's fuzzing client against our server."""
    expected = verdict.Expected.load()
    todo = parts(quick=quick, short=short)
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
