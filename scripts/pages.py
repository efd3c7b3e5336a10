"""`docs/llms.txt`: every page of the documentation with what it is about, for programs that read.

The format is that of https://llmstxt.org.
"""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"

HEAD = """\
# rtcore

> A realtime server for Python (Trio, with a Rust core) and its clients for Python and the browser: rooms,
> events with acks, presence, streams, replay and shared documents over WebSocket, event streams and
> long-polling, on one port.

Written by `make docs`. `import rtcore`; an application is an `rtcore.App()` with handlers, `rtcore serve
myapp:app` serves it, and `rtcore.connect(url)` is the client.
"""

SECTIONS = (
    ("Guide", "guide/*.md"),
    ("Reference", "reference/**/*.md"),
    ("How it works", "*.md"),
)


def page() -> str:
    """The file, as it should be."""
    out = [HEAD]
    for title, pattern in SECTIONS:
        out.append(f"\n## {title}\n\n")
        out += [
            f"- [{_title(file)}]({file.relative_to(DOCS).as_posix()}): {about(file)}\n"
            for file in sorted(DOCS.glob(pattern))
            if file.name != "index.md" or file.parent != DOCS
        ]
    return "".join(out)


def about(file: Path) -> str:
    """The first sentence of a page's text, without its links and comments."""
    text = re.sub(
        r"<!--.*?-->|```.*?```|^#.*?$|^:::.*?$", "", file.read_text(), flags=re.DOTALL | re.MULTILINE
    )
    first = next(
        (part for part in text.split("\n\n") if part.strip() and not part.lstrip().startswith("|")), ""
    )
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(first.split()))
    return re.split(r"(?<=[.:]) ", plain, maxsplit=1)[0].rstrip(":.") + "."


def _title(file: Path) -> str:
    found = re.search(r"^# (.*)$", file.read_text(), re.MULTILINE)
    return found[1].replace("`", "") if found else file.stem
