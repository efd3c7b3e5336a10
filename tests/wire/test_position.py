"""Numbers, cursors, gaps."""

from __future__ import annotations

import time

from tests.patience import PATIENCE

from .client import Client
from .conftest import Dial, Servers


def test_numbers_rise_over_all_rooms_and_what_is_said_to_the_session_alone(
    ann: Client, bob: Client, name: str
) -> None:
    rooms = [f"relay:{name}.{n}" for n in range(3)]
    for each in rooms:
        ann.join(each)
        bob.join(each)
    for n in range(30):
        bob.publish(rooms[n % 3], n)
        if n % 5 == 0:
            ann.emit("tell", n)
            bob.emit("say-all", name)
    ann.fence()
    seqs = [m["seq"] for m in ann.heard if m["type"] == "event"]
    assert len(seqs) >= 30 + 6 + 6
    assert seqs == sorted(set(seqs))


def test_the_number_of_an_ack_is_the_number_of_the_event(ann: Client, bob: Client, room: str) -> None:
    ann.join(room)
    bob.join(room)
    seqs = [ann.publish(room, n) for n in range(5)]
    bob.fence()
    assert [m["seq"] for m in bob.pending if m["type"] == "event" and m.get("room") == room] == seqs


def test_a_volatile_event_has_no_number_and_is_not_replayed(
    dial: Dial, ann: Client, bob: Client, room: str
) -> None:
    ann.join(room)
    bob.join(room)
    bob.ok("publish", room=room, event="cursor", data=1, volatile=True)
    event = ann.expect("event", room=room)
    assert event.get("seq") is None
    assert event["data"] == 1
    assert isinstance(event["time"], int)
    ann.drop()
    bob.ok("publish", room=room, event="cursor", data=2, volatile=True)
    bob.publish(room, "kept")
    again = dial().hello(**ann.returning())
    again.fence()
    assert again.events(room) == ["kept"]
    again.none("gap")


def test_the_time_of_an_event_is_when_it_was_said(dial: Dial, ann: Client, bob: Client, room: str) -> None:
    ann.join(room)
    bob.join(room)
    ann.drop()
    before = time.time() * 1000
    bob.publish(room, 1)
    after = time.time() * 1000
    event = dial().hello(**ann.returning()).expect("event", room=room)
    assert before - 5 <= event["time"] <= after + 5


def test_a_trace_is_copied_to_the_event(ann: Client, room: str) -> None:
    ann.join(room)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    ann.publish(room, 1, trace=trace)
    assert ann.expect("event", room=room)["trace"] == trace
    ann.publish(room, 2)
    assert ann.expect("event", room=room).get("trace") is None


def test_state_and_number_fit_while_others_publish(dial: Dial, bob: Client, name: str) -> None:
    """What comes later is not in the state, and what is in the state has a number up to its own."""
    room = f"doc:{name}"
    bob.emit("bump", room)
    pending = []
    clients = []
    for _ in range(10):
        pending += [bob.ask("emit", event="bump", data=room) for _ in range(3)]
        one = dial().hello()
        joined = one.join(room)
        clients.append((one, joined["state"]["bumps"], joined["seq"]))
    for number in pending:
        bob.result(number)
    for one, bumps, seq in clients:
        one.fence()
        later = [m for m in one.heard if m["type"] == "event" and m.get("room") == room]
        assert [m["data"] for m in later] == list(range(bumps + 1, 32)), (bumps, seq)
        assert all(m["seq"] > seq for m in later)


def test_state_on_resume_holds_everything_up_to_its_number(
    dial: Dial, ann: Client, bob: Client, name: str
) -> None:
    room = f"doc:{name}"
    ann.join(room)
    ann.drop()
    for _ in range(3):
        bob.emit("bump", room)
    again = dial().hello(**ann.returning())
    told = again.expect("room", room=room)
    again.fence()
    missed = [(m["seq"], m["data"]) for m in again.heard if m["type"] == "event" and m.get("room") == room]
    assert [n for _, n in missed] == [1, 2, 3]
    assert told["state"]["bumps"] == sum(seq <= told["seq"] for seq, _ in missed)


def test_a_gap_says_what_a_small_ring_let_go(dial: Dial, ann: Client, bob: Client, name: str) -> None:
    room = f"small:{name}"
    ann.join(room)
    bob.join(room)
    ann.fence()
    ann.drop()
    seqs = [bob.publish(room, n) for n in range(8)]
    again = dial().hello(**ann.returning())
    assert [listed["complete"] for listed in again.welcome["rooms"]] == [False]
    again.fence()
    gap = again.expect("gap", room=room)
    assert gap["reason"] == "ring"
    assert gap["from"] <= seqs[0]
    assert seqs[2] <= gap["to"] < seqs[3]
    assert again.events(room) == [3, 4, 5, 6, 7]
    kinds = [m["type"] for m in again.heard if m["type"] in ("gap", "event") and m.get("room") == room]
    assert kinds == ["gap"] + ["event"] * 5
    again.none("gap")


def test_a_gap_by_age_says_so(dial: Dial, ann: Client, bob: Client, name: str) -> None:
    room = f"brief:{name}"
    ann.join(room)
    bob.join(room)
    ann.drop()
    seq = bob.publish(room, "forgotten soon")
    end = time.monotonic() + PATIENCE
    while bob.ok("history", room=room)["history"]:
        assert time.monotonic() < end, "still kept"
    again = dial().hello(**ann.returning())
    gap = again.expect("gap", room=room)
    assert gap["reason"] == "age"
    assert gap["from"] <= seq <= gap["to"]


def test_a_gap_by_memory_says_so(dial: Dial, special: Servers, name: str) -> None:
    server = special.start(ring_memory=64 << 10)
    ann, bob = dial(server).hello(), dial(server).hello()
    room = f"relay:{name}"
    ann.join(room)
    bob.join(room)
    ann.drop()
    seqs = [bob.publish(room, "x" * 4000, echo=False) for _ in range(40)]
    again = dial(server).hello(**ann.returning())
    gap = again.expect("gap", room=room)
    assert gap["reason"] == "memory"
    again.fence()
    heard = [m["seq"] for m in again.heard if m["type"] == "event" and m.get("room") == room]
    assert heard == seqs[-len(heard) :]
    assert 0 < len(heard) < 40
    assert gap["from"] <= seqs[0]
    assert gap["to"] >= seqs[-len(heard) - 1]


def test_what_was_said_to_all_has_gaps_too(dial: Dial, special: Servers, name: str) -> None:
    server = special.start(ring_memory=64 << 10)
    ann, bob = dial(server).hello(), dial(server).hello()
    ann.drop()
    for _ in range(40):
        bob.emit("say-all", "x" * 4000)
    again = dial(server).hello(**ann.returning())
    assert again.expect("gap", room="$all")["reason"] in ("memory", "ring")


def test_what_was_said_to_a_session_alone_has_gaps_without_a_room(
    dial: Dial, ann: Client, bob: Client, name: str
) -> None:
    ann.emit("remember-me", name)
    ann.fence()
    ann.drop()
    for n in range(300):
        bob.emit("tell-other", [name, {"n": n, "pad": "x" * 10_000}])
    again = dial().hello(**ann.returning())
    again.fence()
    heard = [m["data"]["n"] for m in again.heard if m.get("event") == "told"]
    assert 0 < len(heard) < 300
    assert heard == list(range(300 - len(heard), 300))
    gap = again.expect("gap")
    assert "room" not in gap
    assert gap["reason"] in ("ring", "memory")


def test_ack_numbers_do_not_move_a_cursor(dial: Dial, ann: Client, bob: Client, room: str) -> None:
    """A client that took its position from acks would skip what came between; the server obeys the hello."""
    ann.join(room)
    bob.join(room)
    ann.fence()
    position = ann.position
    bob.publish(room, "missed")
    ann.drop()
    again = dial().hello(**{**ann.returning(), "position": ann.at(position or 0)})
    again.fence()
    assert again.events(room) == ["missed"]
