"""The watch: since when, what is over, rules of the application's own, and one that is broken."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rtcore._watch.findings import Finding, Severity
from rtcore._watch.process import look
from rtcore._watch.view import View
from rtcore._watch.watch import LINES, Watch

from .views import Core, rise, spread


class World:
    """A watch and its clocks."""

    def __init__(self, **rules: Any) -> None:
        self.core = Core()
        self.at, self.wall = 1000.0, 1_700_000_000.0
        options: dict[str, Any] = {"rules": rules} if rules else {}
        self.watch = Watch(
            self.core, {}, version="1.4.2", clock=lambda: self.at, wall=lambda: self.wall, **options
        )

    def go(self, seconds: float) -> None:
        self.at += seconds
        self.wall += seconds

    def types(self) -> list[str]:
        return [issue["type"] for issue in self.watch.diagnose()["issues"]]


def test_an_issue_says_since_when_and_is_gone_when_it_is_over() -> None:
    world = World()
    assert world.watch.diagnose()["status"] == "healthy"
    world.core.said["counters"] = {"gaps": rise(7)}
    world.go(60)
    first = world.watch.diagnose()
    assert first["status"] == "degraded"
    world.go(60)
    [issue] = world.watch.diagnose()["issues"]
    assert issue["type"] == "gaps"
    assert issue["since"] == first["issues"][0]["since"] == 1_700_000_060_000
    assert set(issue) == {"severity", "type", "message", "suggestion", "since", "evidence"}
    assert first["recommendations"] == [issue["suggestion"]]
    world.core.said["counters"] = {}
    world.go(5)
    over = world.watch.diagnose()
    assert (over["status"], over["issues"]) == ("healthy", [])
    assert [(line["type"], line["begins"]) for line in over["timeline"]] == [("gaps", True), ("gaps", False)]


def test_the_worst_comes_first_and_then_a_cause_before_what_follows() -> None:
    world = World()
    world.core.said["counters"] = {"gaps": rise(7)}
    world.core.store = {"trouble": "full"}
    for _ in range(3):
        world.watch.held("'slow'", 80.0)
    assert world.types() == ["store", "held_turn", "gaps"]
    assert world.watch.status == "critical"


def test_a_cause_comes_before_what_follows_from_it_however_bad_that_is() -> None:
    world = World()
    world.core.said["stages"] = [
        {"stage": "handler", "by": "event", "of": "find", **spread(50, 2_500.0, 3_000.0)},
    ]
    said = world.watch.diagnose()["issues"]
    assert [(issue["type"], issue["severity"]) for issue in said] == [
        ("slow_handlers", "warning"), ("latency", "critical"),
    ]  # fmt: skip


def test_what_held_the_turn_is_forgotten_after_a_minute() -> None:
    world = World()
    for _ in range(3):
        world.watch.held("'slow'", 80.0)
    assert world.types() == ["held_turn"]
    world.go(61)
    assert world.types() == []


def test_a_clock_that_jumps_is_seen_and_time_that_passes_is_not() -> None:
    world = World()
    world.go(3600)
    assert world.types() == []
    world.wall -= 300
    [issue] = world.watch.diagnose()["issues"]
    assert issue["type"] == "clock"
    assert issue["evidence"] == {"seconds": pytest.approx(-300)}


@pytest.mark.parametrize("jump", [-7200, 7200])
def test_how_long_something_is_wrong_does_not_jump_with_the_clock(
    jump: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "rtcore.watch")
    world = World()
    world.core.said["counters"] = {"gaps": rise(7)}
    assert world.types() == ["gaps"]
    world.go(60)
    world.wall += jump
    said = world.watch.figures()
    [issue] = [issue for issue in said["diagnosis"]["issues"] if issue["type"] == "gaps"]
    assert said["stats"]["time"] - issue["since"] / 1000 == pytest.approx(60)
    assert said["stats"]["uptime"] == 60
    world.core.said["counters"] = {}
    world.go(5)
    assert world.types() == ["clock"]
    assert "gaps: it is over, after 65 s" in caplog.messages


def test_an_application_adds_rules_takes_some_away_and_replaces_others() -> None:
    world = World()
    world.core.said["counters"] = {"gaps": rise(7)}

    def jobs(seen: View, raised: bool) -> Finding | None:
        assert seen.version == "1.4.2"
        return None if raised else Finding(Severity.WARNING, "9 jobs wait", "more workers", {"jobs": 9})

    world.watch.rule("jobs", jobs)
    world.watch.rule("gaps", None)
    assert world.types() == ["jobs"]
    assert world.types() == [], "it was told that it had said so"


def test_a_rule_that_fails_is_logged_once_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: View, raised: bool) -> Finding | None:
        raise ZeroDivisionError(raised)

    def well(_: View, raised: bool) -> Finding | None:
        return Finding(Severity.WARNING, "m", "s", {"raised": raised})

    world = World(broken=broken, well=well)
    assert world.types() == ["well"]
    assert world.types() == ["well"]
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "the rule 'broken' failed, and says nothing"
    ]


def test_what_is_remembered_is_bounded() -> None:
    world = World()
    for n in range(3 * LINES):
        world.core.said["counters"] = {"gaps": rise(9 * (n % 2))}
        world.watch.held(f"'h{n}'", 60.0)
        world.watch.judge()
    said = world.watch.diagnose()
    assert len(said["timeline"]) <= LINES
    assert len(json.dumps(said)) < 100_000


def test_figures_come_with_the_process_and_the_store() -> None:
    stats = World().watch.stats()
    assert stats["process"]["resident"] > 0
    assert stats["process"]["descriptors"] > 0
    assert stats["status"] == "healthy"
    assert stats["sizes"]["sessions"] == 1000


def test_how_many_descriptors_there_are_is_known_without_a_look_at_each() -> None:
    """With 10,000 connections a look at each took 50 ms, five seconds by five seconds, of every server."""
    before = look(None).descriptors
    assert before is not None
    assert abs(before - (len(list(Path("/proc/self/fd").iterdir())) - 1)) <= 1
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(50)]
    try:
        assert look(None).descriptors == before + 50
    finally:
        for descriptor in opened:
            os.close(descriptor)
