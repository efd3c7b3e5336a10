"""A real server in a process of its own, for clients that others wrote."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def origin() -> Iterator[str]:
    """`127.0.0.1:PORT` of a server that runs tests.interop.app."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rtcore", "serve", "tests.interop.app:app", "--port", "0"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if found := re.search(r"http://(127\.0\.0\.1:\d+)", line):
                yield found[1]
                break
        else:
            pytest.fail(f"the server did not start: exit status {process.wait()}")
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
        process.stdout.close()
        process.wait()
