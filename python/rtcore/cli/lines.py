"""A file of JSON lines, as `import` reads it: one line at a time, and what is wrong by its number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from .wrong import Wrong

T = TypeVar("T")


def json_lines(file: Path, kind: type[T], what: str, then: str) -> Iterator[T]:
    """Each line as a `kind`.

    Raises `Wrong` for one that is none; `what` says what it should be, `then` what became of the others.
    """
    reading = msgspec.json.Decoder(kind)
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield reading.decode(line)
            except msgspec.DecodeError as error:
                raise Wrong(f"line {number} of {file} is no {what}: {error}; {then}") from None
