"""`python -m bench.compare [PEER …]`: rtcore beside the servers that one would otherwise pick, here.

Each does the same work, and what it delivers is counted: a server that loses, repeats or reorders is told
as failing, not as fast. All servers of a row are started first and measured in turn, several times over, so
that each has the same minutes; the figure is the median. One core for the server, one for the load.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from .peers import PEERS, Peer
from .progress import Progress
from .report import keep, machine, markdown, told
from .rows import ROWS, Row
from .run import Figures, LoadError, play
from .servers import PROGRAMS, running
from .subjects import OURS, Subject, peer

Outcome = dict[str, Any]


def measured(row: Row, runs: list[Figures]) -> Outcome:
    """The medians of a subject's runs in a row."""
    names = (
        "cpu_us_per_message",
        "per_second",
        "p50_us",
        "p99_us",
        "p999_us",
        "connect_cpu_us",
        "late_p99_us",
    )
    middle = {name: statistics.median(run[name] for run in runs) for name in names if name in runs[0]}
    middle["resident_per_connection"] = statistics.median(run["resident_per_connection"] for run in runs)
    return {"figure": middle[row.figure], **middle, "runs": runs}


def play_row(
    row: Row, subjects: Sequence[Subject], repeats: int, seconds: int, progress: Progress
) -> dict[str, Outcome]:
    """Measure all subjects in turn, as often as asked. A subject that fails is left out of the rest."""
    outcomes: dict[str, Outcome] = {}
    runs: dict[str, list[Figures]] = {}
    with contextlib.ExitStack() as stack:
        started: dict[str, tuple[int, int]] = {}
        for subject in subjects:
            if why := row.skips(subject):
                outcomes[subject.name] = {"skipped": why}
                continue
            if row.fresh:
                continue
            try:
                started[subject.name] = stack.enter_context(running(subject.command(row.work)))
            except (OSError, RuntimeError) as failure:
                outcomes[subject.name] = {"failed": str(failure).splitlines()[0]}
        for turn in range(repeats + 1):  # the first is to warm up
            for subject in subjects:
                progress.show(f"{row.name}: {subject.name}")
                if subject.name not in outcomes:
                    try:
                        figures = one(row, subject, started.get(subject.name), seconds if turn else 1)
                        if turn:
                            runs.setdefault(subject.name, []).append(figures)
                    except (LoadError, OSError, RuntimeError) as failure:
                        outcomes[subject.name] = {"failed": str(failure).splitlines()[0]}
                progress.step()
    return outcomes | {name: measured(row, some) for name, some in runs.items() if name not in outcomes}


def one(row: Row, subject: Subject, server: tuple[int, int] | None, seconds: int) -> Figures:
    """One run, against a server that runs already, or a new one."""
    load = (*row.load, *subject.load(row.work))
    if server:
        return play(load, *server, seconds)
    with running(subject.command(row.work)) as (pid, port):
        return play(load, pid, port, seconds)


def cell(row: Row, outcome: Outcome, floor: float | None) -> str:
    """What a reader sees of one figure."""
    if "figure" not in outcome:
        return "—" if "skipped" in outcome else "**fails**"
    return row.told(outcome, floor)


def table(results: dict[str, dict[str, Outcome]], rows: Sequence[Row], subjects: Sequence[Subject]) -> str:
    """A row for each server, a column for each row."""

    def floor_of(row: Row) -> float | None:
        figure = results[row.name].get("floor", {}).get("figure")
        return float(figure) if figure else None

    head = ["", *(row.title for row in rows)]
    lines = [
        [subject.title, *(cell(row, results[row.name][subject.name], floor_of(row)) for row in rows)]
        for subject in subjects
    ]
    return markdown([head, *lines])


def failures(results: dict[str, dict[str, Outcome]]) -> list[str]:
    """What failed, with the reason."""
    return [
        f"- {name}, {row}: {outcome['failed']}"
        for row, outcomes in results.items()
        for name, outcome in outcomes.items()
        if "failed" in outcome
    ]


def usable(peers: Sequence[Peer]) -> tuple[list[Subject], list[str]]:
    """Those that can be measured here, and why the others cannot."""
    subjects, reasons = [], []
    for one_peer in peers:
        if why := one_peer.missing() or one_peer.build():
            reasons.append(f"- {one_peer.title}: {why.splitlines()[0]}")
        else:
            subjects.append(peer(one_peer))
    return subjects, reasons


def main() -> int:
    """Read the command line, measure, report. 0 when rtcore delivered everything everywhere."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"peers: {', '.join(one.name for one in PEERS)}; rows: {', '.join(row.name for row in ROWS)}",
    )
    parser.add_argument(
        "peers", nargs="*", metavar="PEER", help="these alone; without any, all that are here"
    )
    parser.add_argument("--rows", help="these alone, with commas between")
    parser.add_argument("--seconds", type=int, default=3, help="length of a run (3)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each server in each row (3)")
    given = parser.parse_args()
    if unknown := set(given.peers) - {one.name for one in PEERS}:
        parser.error(
            f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(one.name for one in PEERS)}"
        )
    wanted = given.rows.split(",") if given.rows else [row.name for row in ROWS]
    if unknown := set(wanted) - {row.name for row in ROWS}:
        parser.error(
            f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(row.name for row in ROWS)}"
        )
    if not (PROGRAMS / "load").exists():
        parser.error("the load is not built: cargo build --release -p rtcore-bench  (make bench does it)")
    rows = [row for row in ROWS if row.name in wanted]
    others, reasons = usable([one for one in PEERS if not given.peers or one.name in given.peers])
    subjects = [*OURS, *others]
    progress = Progress(len(rows) * len(subjects) * (given.repeats + 1))
    results = {row.name: play_row(row, subjects, given.repeats, given.seconds, progress) for row in rows}
    print(file=sys.stderr)
    where = machine()
    parts = [table(results, rows, subjects)]
    parts += [
        "\n".join([head, "", *some])
        for head, some in (("Failed:", failures(results)), ("Not here:", reasons))
        if some
    ]
    parts += [" · ".join(f"{one.title} {one.version}" for one in others), told(where)]
    text = "\n\n".join(parts)
    print(text)
    whole = not given.peers and not given.rows
    kept = {
        "machine": where,
        "versions": {one.name: one.version for one in subjects},
        "rows": results,
        "absent": reasons,
    }
    keep("peers" if whole else "peers-some", text, kept)
    return 1 if any("failed" in outcomes[one.name] for outcomes in results.values() for one in OURS) else 0


if __name__ == "__main__":
    sys.exit(main())
