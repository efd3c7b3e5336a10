"""What the machine wants done. It calls nobody: whoever drives it takes these, in order, and does them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Open:
    """Open a connection of this generation, by this transport; then `opened`, or `failed`.

    `refused`: the token that the server did not accept, when the token function is asked once more.
    """

    gen: int
    transport: str
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """Say these messages, each encoded already. `hello`: it is the one that opens a session."""

    gen: int
    messages: tuple[bytes, ...]
    hello: bool = False


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The connection has its session: over plain HTTP it reads, and says what it is, from now on."""

    gen: int
    session: str
    key: str
    compress: str | None


@dataclass(frozen=True, slots=True)
class Shut:
    """Close this connection with a code."""

    gen: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Commit:
    """Write these to the store, all or nothing; then `committed` with the token."""

    token: int
    steps: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """The server asks the program: call the handler, then `reply`."""

    number: int
    event: str
    data: Any


@dataclass(frozen=True, slots=True)
class Changed:
    """The status is another."""


Effect = Open | Write | Welcomed | Shut | Commit | Ask | Changed
