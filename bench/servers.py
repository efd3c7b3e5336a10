"""Start what is measured, on a core of its own, and end it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(os.environ.get("BENCH_PROGRAMS", ROOT / "target" / "release"))
SERVER_CORE, LOAD_CORE = 0, 1
# What the measured servers log, for when one fails.
LOG = ROOT / "target" / "bench-server.log"
# How long a server may take to start.
PATIENCE = 30.0


def pinned(core: int, command: list[str]) -> list[str]:
    """Keep a command on one core, where there are two."""
    return ["taskset", "-c", str(core), *command] if (os.cpu_count() or 1) > 1 else command


def end(process: subprocess.Popen[str]) -> None:
    """Ask it to end, and see that it and its children do: it was given a group of its own."""
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def running(
    command: list[str],
    tree: Path = ROOT,
    patience: float = PATIENCE,
    environment: Mapping[str, str] | None = None,
    *,
    free: bool = False,
) -> Iterator[tuple[int, int]]:
    """A server, until the block ends. Gives its process id and the port that it says it listens on.

    Args:
        command: what starts it.
        tree: in which directory.
        patience: how long it may take to start (s).
        environment: what it finds set beside what is set here.
        free: it may use every core, as where nobody pins it.

    Raises:
        RuntimeError: it ended, or said nothing of a port for that long; with the end of its log.

    """
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("ab") as log:
        # taskset replaces itself by the command: the process id stays the same.
        process = subprocess.Popen(
            command if free else pinned(SERVER_CORE, command),
            cwd=tree,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    try:
        yield process.pid, port_of(process, command, patience)
    finally:
        end(process)


def port_of(process: subprocess.Popen[str], command: list[str], patience: float) -> int:
    """Read what a server says until it names its port; what it says later is read and dropped."""
    out = process.stdout
    assert out is not None
    found: list[int] = []
    known = threading.Event()

    def read() -> None:
        for line in out:
            if not found and (match := re.search(r"http://127\.0\.0\.1:(\d+)", line)):
                found.append(int(match[1]))
                known.set()
        known.set()

    threading.Thread(target=read, daemon=True).start()
    known.wait(patience)
    if not found:
        raise RuntimeError(f"{' '.join(command)} did not start:\n{LOG.read_text(errors='replace')[-2000:]}")
    time.sleep(0.1)  # a server that says its port before it accepts
    return found[0]


def floor(kind: str) -> contextlib.AbstractContextManager[tuple[int, int]]:
    """The least that a server can do."""
    return running([str(PROGRAMS / "floor"), "--port", "0", "--mode", kind])


def ours(tree: Path = ROOT) -> list[str]:
    """The command of the server that is measured, as a user starts it; of another checkout by its Python."""
    python = sys.executable if tree == ROOT else str(tree / ".venv/bin/python")
    return [python, "-m", "rtcore", "serve", "bench.app:app", "--port", "0"]
