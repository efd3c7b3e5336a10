"""The server under judgement, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 15  # seconds that it may take to end: its own grace is 10


@contextmanager
def running(log: Path) -> Iterator[str]:
    """`127.0.0.1:PORT` of a server that runs tests.conformance.app.

    Raises:
        RuntimeError: it did not start, or did not end by itself, with 0, when it was told to.

    """
    command = [sys.executable, "-m", "rtcore", "serve", "tests.conformance.app:app", "--port", "0"]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline().decode()
            found = re.search(r"http://(127\.0\.0\.1:\d+)", line)
            if found is None:
                raise RuntimeError(f"the server did not start: {line}{log.read_text()}")
            yield found[1]
            process.terminate()
            if status := process.wait(PATIENCE):
                raise RuntimeError(f"the server ended with {status}: {log}")
        finally:
            process.kill()  # does nothing to one that has ended
