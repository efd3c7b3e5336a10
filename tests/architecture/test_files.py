"""Files stay small enough to be read at one sitting, and say nothing that is true on one machine only."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 400

# Files that are longer, and why that is right.
LONGER: dict[str, str] = {}


def tracked(*endings: str) -> list[Path]:
    """The files that belong to the project, by their ending."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    return [path for path in paths if path.suffix in endings and path.is_file()]


def test_files_are_short() -> None:
    names = {str(path.relative_to(ROOT)): path for path in tracked(".py", ".rs", ".js", ".mjs")}
    long = {name: len(path.read_text().splitlines()) for name, path in names.items()}
    long = {name: count for name, count in long.items() if count > LONGEST and name not in LONGER}
    assert not long, f"over {LONGEST} lines: split them, or give a reason in LONGER"
    assert not [name for name in LONGER if name not in names], "a reason without a file"


def test_no_file_is_of_one_machine() -> None:
    """A path of somebody's home, or the address of somebody's package index, works nowhere else."""
    private = re.compile(r"/root/|/home/\w+/|/Users/\w+/|--index-url|\"resolved\": \"http")
    found = [
        str(path.relative_to(ROOT))
        for path in tracked(".py", ".rs", ".md", ".toml", ".txt", ".json", ".mjs")
        if path != Path(__file__) and private.search(path.read_text())
    ]
    assert not found


def test_nothing_is_left_to_be_done() -> None:
    """What is not built is an issue, not a comment."""
    mark = re.compile(r"\b(TODO|FIXME|XXX)\b")
    found = [
        str(path.relative_to(ROOT))
        for path in tracked(".py", ".rs")
        if path != Path(__file__) and mark.search(path.read_text())
    ]
    assert not found
