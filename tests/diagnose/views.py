"""Views of a server as rules see them, made by hand."""

from __future__ import annotations

import json
from typing import Any

from rtcore._ground.numbers import USUAL
from rtcore._watch.process import Process
from rtcore._watch.view import View


def spread(count: int = 0, mean: float = 0.0, p95: float | None = None) -> dict[str, Any]:
    """What the core says of durations, the same in each window."""
    of = {
        "count": count,
        "mean": mean,
        "p50": mean,
        "p95": p95 or mean,
        "p99": p95 or mean,
        "max": p95 or mean,
    }
    return dict.fromkeys(("10s", "1m", "1h", "all"), of)


def stage(stage: str, by: str, of: str, count: int, mean: float, p95: float | None = None) -> dict[str, Any]:
    return {"stage": stage, "by": by, "of": of, **spread(count, mean, p95)}


def rise(n: int) -> dict[str, int]:
    return {"all": n, "10s": n, "1m": n, "1h": n}


def event(name: str, answered: int, failed: int) -> dict[str, Any]:
    return {"event": name, "answered": rise(answered), "failed": rise(failed)}


def reported(transport: str, reports: int, reconnects: int, loss: int) -> dict[str, Any]:
    """What clients said; `loss` in thousandths, of all reports together."""
    counts = {"reports": rise(reports), "reconnects": rise(reconnects), "loss": rise(loss)}
    return {"transport": transport, **counts, **spread(reports, 30.0)}


def view(measured: dict[str, Any] | None = None, **others: Any) -> View:
    """A calm server, but for what is said."""
    calm: dict[str, Any] = {
        "sizes": {"sessions": 1000, "ring_bytes": 1_000_000, "keys": 3, "key_bytes": 500},
        "links": {"websocket": 990, "events": 8, "poll": 2, "raw": 0, "http": 1},
        "counters": {
            **{name: rise(0) for name in ("lagged", "gaps", "shed", "resumed", "connections", "passed")},
            "compressed_from": rise(50_000_000),
            "compressed_to": rise(9_000_000),
        },
        "closed": {"1000": rise(40)},
        "faults_by_code": {"INVALID_MESSAGE": rise(2)},
        "refused_by_code": {},
        "encoded_by_encoding": {"json": rise(500)},
        "stages": [
            stage("read", "transport", "websocket", 900, 0.05),
            stage("wait", "event", "say", 900, 0.1),
            stage("handler", "event", "say", 900, 1.5, 6.0),
            stage("fan-out", "rooms", "tea*", 900, 0.2),
            stage("write", "transport", "websocket", 900, 0.1),
        ],
        "latency": [{"transport": "websocket", **spread(600, 35.0, 120.0)}],
        "events": [event("say", 900, 9)],
        "rooms": [],
        "slowest_handlers": [{"event": "say", "took": 9.0, "ago": 100.0, "session": "s1"}],
        "slowest_rooms": [{"room": "tea", "behind": 1, "members": 9, "ago": 5.0, "session": "s1"}],
        "slowest_sessions": [
            {"session": "s1", "user": "", "blocked": 40.0, "latency": 30.0, "unsent": 1, "ago": 5.0}
        ],
        "largest_room": {"room": "tea", "members": 12},
        "reports": [reported("websocket", 200, 9, 300)],
        "whys": [],
        "clocks": {"told": rise(500), "ahead": rise(9), "behind": rise(7)},
        "clients": [{"client": "rtcore/1.4", "came": 50}],
    }
    process = {
        "resident": 200 * 2**20, "memory": 2**32, "descriptors": 1100, "descriptor_limit": 65_536,
        "disk_free": 2**40, "disk_size": 2**41,
    }  # fmt: skip
    process.update(others.pop("process", {}))
    others = {"limits": USUAL, "version": "1.4.2", **others}
    return View({**calm, **(measured or {})}, process=Process(**process), **others)


class Core:
    """A core that says what it is told to."""

    def __init__(self) -> None:
        self.said = dict(view().measured)
        self.store: dict[str, Any] | None = None

    def measured(self) -> str:
        return json.dumps(self.said)

    def store_health(self) -> dict[str, Any] | None:
        return self.store
