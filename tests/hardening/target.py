"""The attacked server: what it tells of itself, and what the system tells of it."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE
from tests.wire.server import Server

from .pair import Figures, Pair

HERE = Path(__file__).parent
PAGE = os.sysconf("SC_PAGESIZE")
KIB, MIB = 1 << 10, 1 << 20

# Messages of the pair in an attack at least: each was heard, in order. In calm as many are measured, for the
# figures alone: how long one takes depends on the machine, and no test asserts it (`python -m bench.calm`).
MESSAGES = 200
CALM = os.environ.get("BENCH_CALM") == "1"


@dataclass
class Report:
    """One attack, for the table and the file."""

    name: str
    figure: str = ""
    calm: Figures | None = None
    attacked: Figures | None = None
    grown: int = 0
    numbers: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For the file."""
        return asdict(self)


REPORTS: list[Report] = []


class Target:
    """A server of its own with its pair."""

    def __init__(self, **limits: int) -> None:
        self.server = Server(folder=HERE, limits=limits)
        self.address = self.server.address
        try:
            self.pair = Pair(self.address)
        except BaseException:
            self.server.stop()
            raise

    def stop(self) -> None:
        """End both."""
        self.pair.stop()
        self.server.stop()

    # -- what can be seen

    def resident(self) -> int:
        """The memory of the process (bytes)."""
        text = Path(f"/proc/{self.server.process.pid}/statm").read_text()
        return int(text.split()[1]) * PAGE

    def descriptors(self) -> int:
        """How many descriptors it has open."""
        return len(list(Path(f"/proc/{self.server.process.pid}/fd").iterdir()))

    def threads(self) -> int:
        """How many threads it has."""
        return len(list(Path(f"/proc/{self.server.process.pid}/task").iterdir()))

    def metrics(self, source: str | None = None) -> dict[str, float]:
        """All of /metrics, without the `rtcore_` that each begins with."""
        body = self.get("/metrics", source)
        return {name: float(value) for name, value in re.findall(r"^rtcore_(\S+) (\S+)$", body, re.MULTILINE)}

    def get(self, path: str, source: str | None = None) -> str:
        """One page of the server."""
        bound = (source, 0) if source else None
        with socket.create_connection(self.address, timeout=PATIENCE, source_address=bound) as link:
            link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while chunk := link.recv(1 << 16):
                answer += chunk
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0], head
        return body.decode()

    def until(self, what: str, holds: Callable[[dict[str, float]], bool], patience: float = PATIENCE) -> None:
        """Look at /metrics until it is so."""
        end = time.monotonic() + patience
        while not holds(seen := self.metrics()):
            assert time.monotonic() < end, f"not {what} after {patience:g} s: {seen}"
            time.sleep(0.02)  # looks again; what is waited for has no other sign

    # -- an attack

    @contextlib.contextmanager
    def attacked(self, name: str, *, grows: int = 8 * MIB) -> Iterator[Report]:
        """While the block attacks, the pair goes on: each of its messages is heard, once and in order.

        `grows`: how much larger the process may be at the end of the block (bytes).
        """
        report = Report(name)
        if CALM:
            self.pair.begin()
            report.calm = self.pair.end(MESSAGES)
        before = self.resident()
        self.pair.begin()
        yield report
        report.attacked = self.pair.end(MESSAGES)
        report.grown = self.resident() - before
        REPORTS.append(report)
        assert report.attacked.count >= MESSAGES
        assert report.grown <= grows, f"{report.grown / MIB:.1f} MiB more; at most {grows / MIB:.1f}"
