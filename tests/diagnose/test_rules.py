"""Each rule: quiet in calm, loud where it is meant to be, and not gone when things are a little better."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from rtcore._watch.findings import Severity
from rtcore._watch.rules import RULES
from rtcore._watch.view import Held, View

from .views import event, reported, rise, spread, stage, view

OF = {"sqlite": "3", "trouble": None}


class Case(NamedTuple):
    """Bad; a little better, so that it goes on if it had begun; and words that it says when it is bad."""

    rule: str
    bad: View
    better: View
    words: tuple[str, ...]


def stages(*rows: dict[str, Any], **others: Any) -> View:
    return view({"stages": list(rows)}, **others)


def counted(name: str, n: int, group: str = "counters") -> View:
    return view({group: {name: rise(n)}})


def sizes(**sizes: int) -> View:
    return view({"sizes": {"sessions": 1000, **sizes}})


def links(websocket: int, plain: int) -> View:
    return view({"links": {"websocket": websocket, "events": plain, "poll": 0}})


def came_back(n: int) -> View:
    return view({"counters": {"resumed": rise(n)}})


CASES = [
    Case(
        "held_turn",
        view(held=(Held("'slow'", 3, 180.0), Held("'other'", 1, 60.0))),
        view(held=(Held("'slow'", 1, 60.0),)),
        ("'slow'", "180 ms", "to_thread"),
    ),
    Case(
        "slow_handlers",
        stages(stage("handler", "event", "quick", 50, 2), stage("handler", "event", "find", 50, 700, 900)),
        stages(stage("handler", "event", "find", 50, 300, 450)),
        ("'find'", "900 ms", "500 ms"),
    ),
    Case(
        "latency",
        stages(stage("wait", "event", "find", 50, 700, 900), stage("handler", "event", "find", 50, 20)),
        stages(stage("wait", "event", "find", 50, 430)),
        ("720 ms", "in wait", "find"),
    ),
    Case(
        "network",
        view({"latency": [{"transport": "poll", **spread(20, 800.0, 1500.0)}]}),
        view({"latency": [{"transport": "poll", **spread(20, 450.0)}]}),
        ("poll", "800 ms", "1500 ms"),
    ),
    Case(
        "failures",
        view({"events": [event("say", 900, 2), event("buy", 100, 70)]}),
        view({"events": [event("say", 1000, 40)]}),
        ("72 of 1000", "'buy'", "5 %"),
    ),
    Case("slow_readers", counted("lagged", 7), counted("lagged", 1), ("7 times", "'tea'")),
    Case("gaps", counted("gaps", 9), counted("gaps", 1), ("9 gaps", "'tea'")),
    Case("reconnect_storm", came_back(400), came_back(150), ("400 of 1000", "10 s")),
    Case("proxies", links(50, 50), links(70, 30), ("50 of 100",)),
    Case(
        "memory",
        sizes(ring_bytes=250 * 2**20),
        sizes(ring_bytes=205 * 2**20),
        ("250 MiB of 256 MiB", "ring_memory"),
    ),
    Case(
        "descriptors",
        view(process={"descriptors": 900, "descriptor_limit": 1024}),
        view(process={"descriptors": 760, "descriptor_limit": 1024}),
        ("900 of 1024", "LimitNOFILE"),
    ),
    Case(
        "store",
        stages(stage("commit", "rooms", "orders", 20, 300, 600), store=OF),
        stages(stage("commit", "rooms", "orders", 20, 100, 200), store=OF),
        ("'orders'", "600 ms", "disk is slow"),
    ),
    Case(
        "disk",
        view(process={"disk_free": 2**30, "disk_size": 20 * 2**30}),
        view(process={"disk_free": int(2.5 * 2**30), "disk_size": 20 * 2**30}),
        ("95 % full", "1.0 GiB"),
    ),
    Case(
        "client_clocks",
        view({"clocks": {"told": rise(100), "ahead": rise(80), "behind": rise(2)}}),
        view({"clocks": {"told": rise(100), "ahead": rise(7), "behind": rise(0)}}),
        ("80 % of the clients", "30 s behind", "NTP"),
    ),
    Case(
        "client_reports",
        view({"reports": [reported("websocket", 10, 1, 20), reported("sse", 10, 25, 300)]}),
        view({"reports": [reported("sse", 10, 7, 300)]}),
        ("by sse", "2.5 times", "3 %", "--idle"),
    ),
    Case("clock", view(jump=-30.0), view(jump=-0.7), ("back by 30.0 s",)),
    Case(
        "compression",
        view({"counters": {"compressed_from": rise(20_000_000), "compressed_to": rise(19_000_000)}}),
        view({"counters": {"compressed_from": rise(20_000_000), "compressed_to": rise(17_500_000)}}),
        ("95 %", "compress_from"),
    ),
    Case(
        "limits",
        counted("OVERLOADED", 50, "refused_by_code"),
        counted("OVERLOADED", 15, "refused_by_code"),
        ("50 times", "refused"),
    ),
    Case(
        "presence",
        view({"largest_room": {"room": "hall", "members": 5000}}),
        view({"largest_room": {"room": "hall", "members": 950}}),
        ("5000", "'hall'", "presence_names"),
    ),
    Case(
        "keys",
        counted("KEY_CONFLICT", 12, "faults_by_code"),
        counted("KEY_CONFLICT", 2, "faults_by_code"),
        ("12 requests",),
    ),
    Case(
        "old_clients",
        view({"clients": [{"client": "rtcore/1.2", "came": 12}]}),
        view({"clients": [{"client": "rtcore/1.2", "came": 6}]}),
        ("12 clients", "rtcore/1.2", "1.4.2"),
    ),
]


def test_each_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_in_calm_a_rule_says_nothing_and_goes_if_it_had_said_something(name: str) -> None:
    assert RULES[name](view(), False) is None
    assert RULES[name](view(), True) is None
    assert RULES[name](View({}), False) is None, "of a server of which nothing is known"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_a_rule_tells_what_is_wrong_how_much_and_what_to_try(case: Case) -> None:
    found = RULES[case.rule](case.bad, False)
    assert found is not None
    said = f"{found.message} {found.suggestion}"
    assert all(word in said for word in case.words), said
    assert found.suggestion
    assert found.evidence
    assert isinstance(found.severity, Severity)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_what_is_near_its_threshold_does_not_come_and_go(case: Case) -> None:
    rule = RULES[case.rule]
    assert rule(case.better, False) is None
    assert rule(case.better, True) is not None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_what_is_wrong_raises_its_own_rule_first(case: Case) -> None:
    raised = [name for name in RULES if RULES[name](case.bad, False) is not None]
    assert raised[0] == case.rule, raised


def test_what_is_slow_for_one_event_is_not_lost_in_the_mean_of_all() -> None:
    rows = [stage("wait", "event", "say", 5000, 0.1), stage("wait", "event", "convert", 30, 900, 1800)]
    for raised in (False, True):
        found = RULES["latency"](stages(*rows), raised)
        assert found is not None
        assert "'convert'" in found.message
        assert "1800 ms in wait" in found.message
    assert RULES["latency"](stages(stage("wait", "event", "convert", 30, 300, 900)), False) is None
    assert RULES["latency"](stages(stage("wait", "event", "convert", 30, 300, 900)), True) is not None


def test_a_store_that_takes_nothing_is_critical() -> None:
    found = RULES["store"](view(store={"trouble": "the disk is full"}), False)
    assert found is not None
    assert found.severity is Severity.CRITICAL
    assert "the disk is full" in found.message


def test_a_budget_of_keys_that_is_used_up_is_told_as_such() -> None:
    found = RULES["keys"](sizes(key_bytes=64 * 2**20), False)
    assert found is not None
    assert "key_memory" in found.message
