"""A collection in the machine alone: what goes in and what comes out, without a socket, a disk or a
server.
"""

from __future__ import annotations

import json
import random
from typing import Any

from rtcore.client.collections.held import Held
from rtcore.client.collections.own import OwnChange
from rtcore.client.effects import Commit, Write
from rtcore.client.machine import Machine


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time, self.ahead = 100.0, 0

    def now(self) -> float:
        return self.time

    def wall(self) -> int:
        return int(self.time * 1000) + self.ahead


class Bench:
    """A machine with one collection, live."""

    def __init__(self, *, kept: bool = False, transport: str = "websocket") -> None:
        self.clock = Clock()
        self.machine = Machine(
            clock=self.clock, dice=random.Random(1), kept=kept, secret=random.Random(1).randbytes
        )
        self.held: Held = self.machine.table.open("notes", number=1)
        self.transport = transport
        self.come_back()

    def come_back(self, *, n: int = 0, **welcome: Any) -> None:
        """A new session, and the room's ack."""
        machine = self.machine
        machine.start()
        machine.transport = self.transport
        machine.opened(machine.gen, None)
        said = {
            "type": "welcome",
            "session": "s",
            "key": "k",
            "user": "ann",
            "epoch": "e",
            "seq": 0,
            "head": 0,
        }
        said |= {"resumed": False, "rooms": [], "limits": {}, "time": 100_000, "life": "l", **welcome}
        machine.heard(machine.gen, [said])
        (join,) = (one for one in self.said() if one["type"] == "join")
        self.joined_as = join["sync"]
        sync = {"schema": 1, "strategy": "merge", "horizon": "e.0"}
        sync["writer"] = {"name": "w1", "n": n, "outcomes": []}
        self.ack(join["id"], {"seq": 0, "sync": sync})

    def ack(self, number: int, data: Any = None, **error: Any) -> None:
        """The server's answer."""
        told = {"error": {"message": "", **error}} if error else {"data": data}
        self.machine.heard(self.machine.gen, [{"type": "ack", "id": number, **told}])

    def said(self) -> list[dict[str, Any]]:
        """What leaves, once all that it waits for is on disk."""
        found: list[dict[str, Any]] = []
        while self.machine.effects:
            effect = self.machine.effects.popleft()
            if isinstance(effect, Write):
                found += [json.loads(message) for message in effect.messages]
            elif isinstance(effect, Commit):
                self.machine.sending.committed(effect.token)
        return found

    def put(self, key: str, value: Any = None) -> OwnChange:
        """A change, as the program makes it."""
        n = self.held.replica.put(
            key, value if value is not None else {"of": key}, self.machine.table.time.now()
        )
        assert n is not None
        change = self.held.own[n] = OwnChange(n, key)
        self.held.settle(change, own=True)
        return change

    def pull(self, docs: list[dict[str, Any]], at: int) -> None:
        """Answer the pull that is due."""
        (pull,) = (one for one in self.said() if one["type"] == "pull")
        page = {"docs": docs, "next": f"e.{at}", "complete": True, "reset": False, "begun": None, "n": 0}
        self.ack(pull["id"], page)


def pushes(said: list[dict[str, Any]]) -> list[list[int]]:
    return [[change["n"] for change in one["changes"]] for one in said if one["type"] == "push"]


def test_a_change_is_on_disk_before_it_leaves() -> None:
    bench = Bench(kept=True)
    bench.pull([], 0)
    bench.said()
    change = bench.put("k")
    effects = list(bench.machine.effects)
    kinds = [type(effect).__name__ for effect in effects]
    assert "Write" not in kinds, "nothing leaves before the store has it"
    assert not change.committed
    assert pushes(bench.said()) == [[1]]
    assert change.committed


def test_an_outcome_is_on_disk_before_the_server_is_told_that_it_may_forget_it() -> None:
    bench = Bench(kept=True)
    bench.pull([], 0)
    bench.put("k")
    (push,) = (one for one in bench.said() if one["type"] == "push")
    bench.ack(
        push["id"], {"results": [{"n": 1, "rejected": {"code": "FORBIDDEN", "message": "no"}}], "held": None}
    )
    bench.put("k2")
    order: list[str] = []
    while bench.machine.effects:
        effect = bench.machine.effects.popleft()
        if isinstance(effect, Commit):
            order += [f"keeps {row[2]}" for step in effect.steps for row in step[2] if row[0] == 2]
            bench.machine.sending.committed(effect.token)
        elif isinstance(effect, Write):
            order += [f"says seen {json.loads(message)['seen']}" for message in effect.messages]
    assert order.index("keeps 1") < order.index("says seen 1")


def test_four_pushes_of_a_hundred_are_in_flight_and_one_over_plain_http() -> None:
    for transport, most in (("websocket", 4), ("polling", 1)):
        bench = Bench(transport=transport)
        bench.pull([], 0)
        bench.machine.sending.open = False
        for number in range(1000):
            bench.put(f"k{number}")
        bench.machine.sending.open = True
        bench.held.settle()
        said = pushes(bench.said())
        assert [len(numbers) for numbers in said] == [100] * most
        assert [numbers[0] for numbers in said] == [1, 101, 201, 301][:most]


def test_what_is_held_goes_again_when_all_that_flew_has_landed_and_its_time_has_come() -> None:
    bench = Bench()
    bench.pull([], 0)
    bench.put("a")
    bench.put("b")
    first, second = (one for one in bench.said() if one["type"] == "push")
    held = {"n": 1, "code": "OVERLOADED", "after": 2.0}
    bench.ack(first["id"], {"results": [], "held": held})
    bench.ack(second["id"], {"results": [], "held": {"n": 1, "code": "EXPECTED"}})
    assert bench.said() == []
    assert bench.machine.deadline <= bench.clock.time + 2.01
    bench.clock.time += 2.1
    bench.machine.advance()
    assert pushes(bench.said()) == [[1, 2]]


def test_a_missing_right_stops_the_lane_until_the_next_join() -> None:
    bench = Bench()
    bench.pull([], 0)
    change = bench.put("a")
    (push,) = (one for one in bench.said() if one["type"] == "push")
    bench.ack(push["id"], code="FORBIDDEN", retry=False)
    bench.clock.time += 60
    bench.machine.advance()
    assert pushes(bench.said()) == []
    assert not change.done
    bench.machine.reconnect()
    bench.machine.advance()
    bench.come_back()
    assert pushes(bench.said()) == [[1]]


def test_a_poison_among_good_ones_is_refused_alone() -> None:
    bench = Bench()
    bench.pull([], 0)
    bench.machine.sending.open = False
    changes = [bench.put(key) for key in "abc"]
    bench.machine.sending.open = True
    bench.held.settle()
    for _ in range(20):
        said = [one for one in bench.said() if one["type"] == "push"]
        if not said:
            bench.clock.time += 5
            bench.machine.advance()
            said = [one for one in bench.said() if one["type"] == "push"]
        for push in said:
            if any(change["key"] == "b" and change["op"] != "skip" for change in push["changes"]):
                bench.ack(push["id"], code="INVALID_MESSAGE", retry=False)
            else:
                done = [{"n": change["n"], "seq": change["n"]} for change in push["changes"]]
                bench.ack(push["id"], {"results": done, "held": None})
    kinds = [change.result.kind if change.result else None for change in changes]
    assert kinds == ["done", "rejected", "done"]
    assert bench.held.replica.refused()[0]["code"] == "INVALID_MESSAGE"


def test_what_was_asked_on_a_lost_connection_is_not_heard_on_the_next() -> None:
    bench = Bench()
    (pull,) = (one for one in bench.said() if one["type"] == "pull")
    bench.machine.reconnect()
    bench.machine.advance()
    bench.come_back()
    (again,) = (one for one in bench.said() if one["type"] == "pull")
    page = {
        "docs": [{"key": "k", "value": 1, "seq": 5}],
        "next": "e.5",
        "complete": True,
        "reset": False,
        "n": 0,
    }
    if again["id"] != pull["id"]:
        bench.ack(pull["id"], page)
        assert bench.held.replica.count() == 0
    bench.ack(again["id"], page)
    assert bench.held.replica.count() == 1


def test_a_clock_that_is_set_back_does_not_make_changes_older() -> None:
    bench = Bench()
    before = bench.machine.table.time.now()
    bench.clock.ahead = -90 * 86_400_000
    bench.clock.time += 10
    assert bench.machine.table.time.now() == before + 10_000
    bench.clock.ahead = 0
    assert bench.machine.table.time.now() == before + 10_000


def test_who_is_told_of_more_than_he_ever_said_is_a_copy_and_takes_another_name() -> None:
    bench = Bench()
    bench.pull([], 0)
    change = bench.put("a")
    bench.said()
    name = bench.joined_as["client"]
    bench.machine.reconnect()
    bench.machine.advance()
    bench.come_back(n=7)
    assert change.result is not None
    assert change.result.code == "FENCED"
    (join,) = (one for one in bench.said() if one["type"] == "join")
    assert join["sync"]["client"] != name
    assert join["sync"]["seen"] == 1
