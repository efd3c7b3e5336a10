"""Write the generated pages of docs/reference: what may be set, from the table that the core itself uses; the
publish API, from the types that read its requests; and `docs/llms.txt`, which names all pages.

scripts/reference.py           write
scripts/reference.py --check   say whether they are current; 1 if not
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from pathlib import Path

from rtcore._ground.numbers import FIXED_ABOUT, LIMIT_RANGES, LIMITS
from rtcore.http_api.openapi import description

try:
    from scripts import pages, raises, watched
except ImportError:  # run as a file
    import pages  # type: ignore[import-not-found,no-redef]
    import raises  # type: ignore[import-not-found,no-redef]
    import watched  # type: ignore[import-not-found,no-redef]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"

HEAD = """\
# Limits

<!-- Written by `make docs` from `rust/core/src/limits.rs`. Do not edit. -->

Everything that a peer can make grow has a limit, and every number of the server is here. Each is a setting:
in `rtcore.toml` under `[limits]`, in the environment as `RTCORE_LIMITS_NAME`, on the command line as
`--limit name=value`. Times are in milliseconds and sizes in bytes; `"25 s"` and `"64 KiB"` are understood.

| name | default | from | to | |
|---|---|---|---|---|
"""


FIXED_HEAD = """
## What nobody sets

Bounds of the formats, and of what is done for one peer's sake. They are told here, so that what a client or
an operator meets has a number and a reason; no setting changes them.

| name | value | |
|---|---|---|
"""


def shown(name: str, value: int, about: str) -> str:
    """A number as people read it."""
    if name.endswith("_ms") and value and value % 1000 == 0:
        days, rest = divmod(value, 86_400_000)
        return f"{value // 1000} s" if rest else f"{days:,} days"
    if "bytes" in about.lower():
        for unit, size in (("TiB", 1 << 40), ("MiB", 1 << 20), ("KiB", 1 << 10)):
            if value and value % size == 0:
                return f"{value // size} {unit}"
    if name.endswith("_ms"):
        return f"{value} ms"
    return f"{value:,}"


def limits() -> str:
    """The page of all limits, as it should be."""
    rows: list[str] = []
    fixed: list[str] = []
    for name, default, about in LIMITS:
        text = " ".join(about.split()).replace("|", "\\|")
        least, most = (shown(name, value, about) for value in LIMIT_RANGES[name])
        rows.append(f"| `{name}` | {shown(name, default, about)} | {least} | {most} | {text} |\n")
    for name, value, about in FIXED_ABOUT:
        text = " ".join(about.split()).replace("|", "\\|")
        fixed.append(f"| `{name}` | {value:,} | {text} |\n")
    return HEAD + "".join(rows) + FIXED_HEAD + "".join(fixed)


def main() -> int:
    """Write, or compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing; 1 when a page is out of date")
    check: bool = parser.parse_args().check
    written = {
        "limits.md": limits(),
        "raises.md": raises.page(),
        "metrics.md": watched.page(),
        "grafana.json": json.dumps(watched.dashboard(), indent=1) + "\n",
        "publish-api.json": json.dumps(description(), indent=1) + "\n",
        "../llms.txt": pages.page(),
    }
    outdated = [
        name for name, text in written.items() if not _is_current((FOLDER / name).resolve(), text, check)
    ]
    return 1 if check and outdated else 0


def _is_current(file: Path, wanted: str, check: bool) -> bool:
    there = file.read_text() if file.exists() else ""
    if wanted == there:
        return True
    if check:
        print(f"{file.relative_to(ROOT)} is out of date:  make docs")
        print(
            "".join(difflib.unified_diff(there.splitlines(True), wanted.splitlines(True), "there", "wanted"))
        )
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(wanted)
    print(f"wrote {file.relative_to(ROOT)}")
    return False


if __name__ == "__main__":
    sys.exit(main())
