"""Ten thousand sessions: half of them cut without a word, all back, nothing lost and nothing twice."""

from __future__ import annotations

import time
from typing import Any

from bench.crowd import UPGRADE, Crowd, Member, raise_descriptors, text
from tests import leaks
from tests.patience import PATIENCE

from .target import MIB, REPORTS, Report, Target

COUNT, ROOM = 10_000, 20
# What the allocator may keep after a round like the one before (bytes).
TOLERANCE = 8 * MIB


class Listener:
    """What one session said and heard, and whether that was all of it."""

    def __init__(self, member: Member, room: str) -> None:
        self.member, self.room = member, room
        self.heard: list[tuple[int, int]] = []
        self.last = self.acked = 0
        self.joined = self.resumed = False
        self.gaps = 0
        member.on_said = self.hear

    def hear(self, _: Member, said: dict[str, Any]) -> None:
        """Keep what is heard; each number has to be above the one before."""
        kind = said["type"]
        if kind == "event":
            assert said["seq"] > self.last, "heard twice, or in the wrong order"
            self.last = said["seq"]
            self.heard.append(tuple(said["data"]))
        elif kind == "ack":
            assert "error" not in said, said
            self.joined = True
            self.acked = max(self.acked, said["id"])
        elif kind == "welcome":
            self.resumed = said["resumed"]
        elif kind == "gap":
            self.gaps += 1


class Many:
    """The crowd, and what was said in it."""

    def __init__(self, crowd: Crowd, count: int) -> None:
        self.crowd = crowd
        self.all = [Listener(m, f"many:{m.number // ROOM}") for m in crowd.add(count)]
        self.said: dict[str, int] = dict.fromkeys((one.room for one in self.all), 0)

    def wait(self, what: str, holds: Any) -> None:
        """Serve the crowd until it is so."""
        self.crowd.run(holds, PATIENCE, what)

    def come(self) -> None:
        """All connect and join."""
        for start in range(0, len(self.all), 500):
            some = self.all[start : start + 500]
            for one in some:
                join = {"type": "join", "id": 1, "room": one.room}
                one.member.connect(UPGRADE + text({"type": "hello"}) + text(join))
            self.wait("a join of each", lambda some=some: all(one.joined for one in some))
        for one in self.all:
            one.member.ids = 1

    def say(self, speakers: list[Listener], *, leaving: bool = False) -> None:
        """Each says one thing; `leaving`: and is cut before it can hear the ack."""
        for number, one in enumerate(speakers):
            member = one.member
            member.request("publish", room=one.room, event="n", data=[member.number, member.ids + 1])
            self.said[one.room] += 1
            if leaving:
                member.cut()
            if number % 64 == 63:
                self.crowd.turn()

    def settle(self) -> None:
        """Wait until each has heard all that was said in its room."""
        self.wait("each thing at each", lambda: all(len(o.heard) >= self.said[o.room] for o in self.all))

    def come_back(self, gone: list[Listener]) -> None:
        """With key and position; and what had no ack is said again, under its old id."""
        for start in range(0, len(gone), 500):
            some = gone[start : start + 500]
            for one in some:
                member = one.member
                again = {"type": "publish", "id": member.ids, "room": one.room, "event": "n"}
                again["data"] = [member.number, member.ids]
                one.resumed = False
                member.connect(UPGRADE + text(member.returning) + text(again))
            self.wait("all back", lambda some=some: all(one.resumed for one in some))

    def check(self) -> None:
        """Everybody heard everything of the room, once, and in one and the same order."""
        first: dict[str, list[tuple[int, int]]] = {}
        for one in self.all:
            assert one.gaps == 0
            assert len(set(one.heard)) == len(one.heard) == self.said[one.room]
            assert one.heard == first.setdefault(one.room, one.heard)


def play(target: Target, count: int) -> float:
    """One round: all come, half are cut in the middle of a word, all are back, all go. Seconds it took."""
    rooms = target.metrics()["current_rooms"]
    began = time.monotonic()
    with Crowd(target.address) as crowd:
        many = Many(crowd, count)
        many.come()
        many.say(many.all)
        many.settle()
        gone, kept = many.all[::2], many.all[1::2]
        many.say(gone, leaving=True)
        many.say(kept)
        many.come_back(gone)
        many.settle()
        many.wait("an ack of each", lambda: all(one.acked == one.member.ids for one in many.all))
        many.say(many.all)
        many.settle()
        many.check()
        took = time.monotonic() - began
        for one in many.all:
            one.member.raw(text({"type": "bye"}))
        crowd.run(lambda: crowd.connected == 0, PATIENCE, "the end of each")
    # Sessions end with their `bye`, and rooms with what they hold.
    target.until("all over", lambda seen: seen["current_sessions"] == 2 and seen["current_rooms"] == rooms)
    return took


def test_ten_thousand_come_back() -> None:
    """Twice the same round: after the second the server is what it was after the first."""
    # A connection is a descriptor here and there; a machine that allows fewer plays with fewer.
    count = min(COUNT, (raise_descriptors(COUNT + 2000) - 1000) // 2 * 2)
    server = Target()  # started after the limit was raised, so that it has it too
    held = leaks.held()
    try:
        base = server.descriptors()
        took = play(server, count)
        before, resident = server.metrics(), server.resident()
        play(server, count)
        after, grown = server.metrics(), server.resident() - resident
        for name in ("connections", "sessions", "waiting", "outbox_references", "addresses", "users"):
            assert after[f"current_{name}"] == before[f"current_{name}"], name
        assert after["resumed_total"] == count
        end = time.monotonic() + PATIENCE
        while (now := server.descriptors()) > base:  # the last look at /metrics was one, and is closing
            assert time.monotonic() < end, f"{now} descriptors; at first it had {base}"
            time.sleep(0.02)
        assert grown <= TOLERANCE, f"{grown / MIB:.1f} MiB more after the second round"
        assert leaks.nothing_left(held) == []
        figure = (
            f"{count:,} sessions, half cut and back, 2 rounds, {took:.1f} s the first; nothing lost or twice"
        )
        REPORTS.append(Report("many come back", figure, grown=grown))
    finally:
        server.stop()
