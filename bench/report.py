"""What is kept of a run: a table that people read, all figures for programs, and where it was measured."""

from __future__ import annotations

import datetime
import json
import platform
import subprocess
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .judge import Result
from .scene import Scene
from .scenes import GROWTH, MORE, WANTED
from .scenes_http import HTTP
from .servers import ROOT

RESULTS = Path(__file__).parent / "results"


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """A table; the first row is its head."""
    first, *rest = rows
    lines = [first, ["---"] * len(first), *rest]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def processor() -> str:
    """The processor, as the kernel names it, and how many cores."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else "unknown processor"


def git(*words: str) -> str:
    """What git says of this checkout."""
    command = ["git", "-C", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit() -> str:
    """The commit that was measured, with a plus when the sources have changes beyond it."""
    try:
        return git("rev-parse", "--short", "HEAD") + (
            "+" if git("status", "--porcelain", "--", "rust", "python") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return "no commit"


def machine() -> dict[str, str]:
    """What it was measured on, and what was measured."""
    return {
        "date": datetime.date.today().isoformat(),  # noqa: DTZ011  the reader's own day
        "processor": processor(),
        "system": f"Linux {platform.release().split('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "trio": version("trio"),
        "rtcore": version("rtcore"),
        "commit": commit(),
    }


def told(where: dict[str, str]) -> str:
    """The same in a line."""
    return (
        f"{where['date']}; {where['processor']}; {where['system']}; {where['python']}; Trio {where['trio']};"
        f" rtcore {where['rtcore']} at {where['commit']}"
    )


def scenes(results: Sequence[Result]) -> str:
    """The tables of our own scenes."""

    def of(some: Sequence[Scene]) -> list[Result]:
        names = {scene.name for scene in some}
        return [result for result in results if result.name in names]

    def word(result: Result) -> str:
        return "above" if result.good is False else ""

    parts = []
    for head, some in (("scene", WANTED), ("over plain HTTP, and streams", HTTP)):
        if wanted := of(some):
            rows = [[r.title, r.target, r.value, word(r)] for r in wanted]
            parts.append(markdown([[head, "wanted", "measured", ""], *rows]))
    for head, some in (("other scenes", MORE), ("how cost grows", GROWTH)):
        if found := of(some):
            parts.append(markdown([[head, "measured"], *([r.title, r.value] for r in found)]))
    return "\n\n".join(parts)


def keep(stem: str, text: str, data: Any) -> None:
    """Write both files."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{stem}.md").write_text(text + "\n")
    (RESULTS / f"{stem}.json").write_text(json.dumps(data, indent=1) + "\n")
