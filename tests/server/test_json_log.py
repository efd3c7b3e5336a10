"""A log of JSON is JSON line by line, whatever ends the program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE

APP = """
import threading, warnings
import trio
import rtcore

app = rtcore.App()

@app.lifespan
async def life(_):
    {what}
    yield
"""


def ends(folder: Path, what: str) -> tuple[int, list[dict[str, Any]], str]:
    """Serve an application that does this as it begins; status, records, and what was no JSON."""
    (folder / "myapp.py").write_text(APP.format(what=what))
    command = [sys.executable, "-m", "rtcore", "serve", "myapp:app", "--port", "0", "--log-format", "json"]
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False, input=""
    )
    records, other = [], ""
    for line in ended.stderr.splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            other += line + "\n"
    return ended.returncode, records, other


@pytest.mark.parametrize("raised", ["ValueError('a\\nb')", "ExceptionGroup('g', [KeyError(1), OSError(2)])"])
def test_the_traceback_that_ends_the_program_is_a_record(tmp_path: Path, raised: str) -> None:
    status, records, other = ends(tmp_path, f"raise {raised}")
    assert other == ""
    assert status == 1
    (record,) = [record for record in records if "traceback" in record]
    assert record["level"] == "critical"
    assert raised.partition("(")[0] in record["traceback"]


def test_threads_and_warnings_are_records_too(tmp_path: Path) -> None:
    thread = "threading.Thread(target=lambda: 1 / 0, name='mine').start()"
    what = f"{thread}; warnings.warn('old'); raise KeyError(1)"
    _, records, other = ends(tmp_path, what)
    assert other == ""
    messages = [record["message"] for record in records]
    assert "mine ended by an error" in messages
    assert any("UserWarning: old" in message for message in messages)
