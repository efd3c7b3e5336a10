"""What is known of a server that rtcore is compared with, and how it is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Work = Literal["echo", "fanout"]
WORKS: tuple[Work, ...] = ("echo", "fanout")

ROOT = Path(__file__).resolve().parent.parent.parent
# Where natives are built: beside everything else that is built, and never in the source.
BUILT = ROOT / "target" / "peers"


@dataclass(frozen=True)
class Peer:
    """One server. `name` is what the command line and the results call it, `title` what a reader sees.

    The program that `command` gives listens on 127.0.0.1 at a port of its own choice, prints `http://127.0.0.1:PORT`
    on a line of standard output when it accepts, and serves until SIGTERM. It is one process with one
    working thread where that can be had; where it has children, their CPU time counts too, and the peer's
    file says so.

    - `echo`, on the path /echo: each message goes back as it came.
    - `fanout`, on the path /fanout: each message goes to every connection on /fanout, the sender included.
    """

    name: str
    title: str
    language: str
    works: frozenset[Work] = frozenset(WORKS)
    # It agrees on permessage-deflate with a client that offers it. Nobody is sent compressed data unasked.
    deflate: bool = False

    def missing(self) -> str | None:
        """Why it cannot be measured here, with the remedy; None when it can, if `build` succeeds."""
        raise NotImplementedError

    def build(self) -> str | None:
        """Compile what must be compiled; quick when it is there already. The reason, when that fails."""
        return None

    def command(self, work: Work) -> list[str]:
        """The command line of the server that does this work. To be run in the project's root folder."""
        raise NotImplementedError

    def version(self) -> str:
        """Its version, and those of what it leans on; "" when it is not here."""
        raise NotImplementedError

    def load(self, work: Work) -> tuple[str, ...]:
        """What the load generator must be told: path, greetings, and how a message is wrapped."""
        return ("--path", f"/{work}")
