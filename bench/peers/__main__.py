"""`python -m bench.peers [NAME …]`: list the servers rtcore is compared with, or check these.

python -m bench.peers              name, version, and why not where one cannot be measured
python -m bench.peers picows ws    start each, 20 connections, 200 messages: all heard by all, in order
python -m bench.peers all          the same for every one that is here
python -m bench.peers --install    what `make peers` does
"""

from __future__ import annotations

import argparse
import sys

from . import PEERS


def listing() -> str:
    """The catalogue as a table."""
    rows = []
    for peer in PEERS:
        reason = peer.missing()
        state = f"missing: {reason}" if reason else f"does {' and '.join(sorted(peer.works))}"
        rows.append((peer.name, peer.language, state, "" if reason else peer.version()))
    widths = [max(len(row[at]) for row in rows) for at in range(3)]
    lines = ("  ".join([*(row[at].ljust(widths[at]) for at in range(3)), row[3]]).rstrip() for row in rows)
    return "\n".join(lines)


def checked(names: list[str]) -> int:
    """Build and check these. 0 when each does its work; of `all`, those that are missing are passed over."""
    from ._check import check  # needs what the tests need; the list needs nothing

    wanted = [peer for peer in PEERS if "all" in names or peer.name in names]
    failed = 0
    for peer in wanted:
        if reason := peer.missing() or peer.build():
            print(f"{peer.name}: {reason}", flush=True)
            failed += peer.name in names
        elif not check(peer, sys.stdout):
            failed += 1
    return 1 if failed else 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [peer.name for peer in PEERS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; or all")
    parser.add_argument("--install", action="store_true", help="install and build them")
    given = parser.parse_args()
    if unknown := set(given.names) - {*names, "all"}:
        parser.error(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if given.install:
        from ._install import install

        return install()
    if given.names:
        return checked(given.names)
    print(listing())
    return 0


if __name__ == "__main__":
    sys.exit(main())
