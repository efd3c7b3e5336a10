"""The judge finds what is wrong: each kind of loss, planted in a run in which all held."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from .ears import Ears
from .facts import Facts, Hearing, Message, Said
from .judge import judge
from .shelf import ROOM, Pushed


def good() -> Facts:
    """Two publishes and a purchase, all done, heard and kept."""
    facts = Facts()
    for number in (1, 2):
        said = Said("ann", "s1", number, "publish", "full:a", f"ann.{number}", {}, sent=1)
        said.answers.append({"type": "ack", "id": number, "data": {"seq": 10 + number}})
        facts.said.append(said)
    bought = Said("ann", "s1", 3, "emit", "buy", "ann.3", {}, room="said:a", sent=1)
    bought.answers.append({"type": "ack", "id": 3, "data": "ann.3"})
    facts.said.append(bought)
    facts.runs = [("buy", "ann.3")]
    facts.past = {"full:a": [(11, "ann.1"), (12, "ann.2")], "said:a": [(13, "ann.3")]}
    facts.heard = [
        Hearing("bob", "s2", "full:a", 5, [("event", 11, "ann.1"), ("event", 12, "ann.2")], upto=13),
        Hearing("bob", "s2", "said:a", 5, [("event", 13, "ann.3")], upto=13),
    ]
    facts.pushed = [Pushed("ann", 1, "a", "ann.4", [14]), Pushed("ann", 2, "a", "ann.5", [15])]
    facts.shown = {14: ("a", "ann.4", "w1", 1), 15: ("a", "ann.5", "w1", 2)}
    facts.docs = {"a": (15, "ann.5")}
    return facts


def test_a_run_in_which_all_held() -> None:
    assert judge(good()) == []


def _unknown(facts: Facts) -> None:
    facts.said[1].answers[:0] = [{"type": "ack", "id": 2, "error": {"code": "OUTCOME_UNKNOWN"}}]


def _two_numbers(facts: Facts) -> None:
    facts.said[0].answers.append({"type": "ack", "id": 1, "data": {"seq": 12}})


def _refused_and_kept(facts: Facts) -> None:
    facts.said[0].answers[:] = [{"type": "ack", "id": 1, "error": {"code": "UNAVAILABLE"}}]


def _refused_and_run(facts: Facts) -> None:
    facts.said[2].answers[:] = [{"type": "ack", "id": 3, "error": {"code": "FORBIDDEN"}}]


def _forgotten(facts: Facts) -> None:
    facts.said[2].answers.append({"type": "ack", "id": 3, "error": {"code": "OUTCOME_UNKNOWN"}})


def _out_of_order(facts: Facts) -> None:
    facts.said[0].answers[:] = [{"type": "ack", "id": 1, "data": {"seq": 12}}]
    facts.said[1].answers[:] = [{"type": "ack", "id": 2, "data": {"seq": 11}}]
    facts.past["full:a"] = [(11, "ann.2"), (12, "ann.1")]
    facts.heard[0].items[:] = [("event", 11, "ann.2"), ("event", 12, "ann.1")]


def _asked_twice(facts: Facts) -> None:
    facts.asked["s1", 4] = {"delete?", "rename?"}


PLANTED: dict[str, Callable[[Facts], Any]] = {
    "a change that was acknowledged is lost": lambda facts: facts.docs.clear(),
    "a document is of a change before the last": lambda facts: facts.docs.update(a=(14, "ann.4")),
    "a document is another's": lambda facts: facts.docs.update(a=(15, "ann.9")),
    "a change has two outcomes": lambda facts: facts.pushed[0].outcomes.append(16),
    "a change has no outcome": lambda facts: facts.pushed[0].outcomes.clear(),
    "a change is heard twice": lambda facts: facts.shown.update({16: ("b", "ann.4", "w1", 1)}),
    "two changes have one number": lambda facts: facts.pushed[0].outcomes.__setitem__(0, 15),
    "a change that cannot fail is refused": lambda facts: facts.pushed[0].outcomes.__setitem__(0, "INTERNAL"),
    "an acknowledged entry is not kept": lambda facts: facts.past["full:a"].pop(),
    "an entry is kept twice": lambda facts: facts.past["full:a"].append((13, "ann.2")),
    "an entry is kept under another number": lambda facts: facts.past.update({"full:a": [(11, "ann.1")]}),
    "what a handler said is lost": lambda facts: facts.past["said:a"].clear(),
    "a listener misses one": lambda facts: facts.heard[0].items.pop(0),
    "a listener misses the last": lambda facts: facts.heard[0].items.pop(),
    "a listener hears one twice": lambda facts: facts.heard[0].items.append(("event", 12, "ann.2")),
    "a listener hears them backwards": lambda facts: facts.heard[0].items.reverse(),
    "a listener hears something else": lambda facts: facts.heard[0].items.__setitem__(
        0, ("event", 11, "ann.9")
    ),
    "a gap in a durable room": lambda facts: facts.heard[0].items.append(("gap", (5, 11), "restart")),
    "a handler ran twice": lambda facts: facts.runs.append(("buy", "ann.3")),
    "a handler did not run": lambda facts: facts.runs.clear(),
    "no ack": lambda facts: facts.said[0].answers.clear(),
    "a durable publish is unknown": _unknown,
    "a publish has two numbers": _two_numbers,
    "a publish was refused and is kept": _refused_and_kept,
    "a handler was refused and ran": _refused_and_run,
    "an acknowledged request is forgotten": _forgotten,
    "a session's publishes are out of order": _out_of_order,
    "a request of the server's has two meanings": _asked_twice,
    "something was seen to be wrong at once": lambda facts: facts.broken.append("it"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_it_finds(what: str) -> None:
    facts = good()
    PLANTED[what](facts)
    assert judge(facts) != []


def test_a_crash_of_the_machine_may_take_what_a_normal_room_acknowledged() -> None:
    facts = good()
    for said in facts.said[:2]:
        said.what = "normal:a"
    facts.past["normal:a"] = facts.past.pop("full:a")[:1]
    facts.heard[0].room = "normal:a"
    facts.heard[0].items[1:] = [("gap", (12, 13), "restart")]
    assert judge(facts) != []
    facts.machine = True
    assert judge(facts) == []


def test_a_hanging_disk_is_owed_a_gap_that_says_so() -> None:
    facts = good()
    facts.heard[0].items[0] = ("gap", (11, 11), "store")
    assert judge(facts) != []
    assert judge(facts, honest_disk=False) == []


def test_a_leave_that_a_crash_undid_makes_nothing_of_what_was_heard_before_it_unheard() -> None:
    facts = Facts()
    ears = Ears("ann", facts, Random(1))
    join: dict[str, Any] = {"type": "ack", "data": {"began": 3}}
    for number in (1, 2):
        ears.number(Said("ann", "", 0, "join", "live:a", f"j{number}", {}))
        ears.take({**join, "id": number})
        ears.take(
            {"type": "event", "room": "live:a", "event": "say", "seq": 3 + number, "data": f"t{number}"}
        )
        ears.doubt(ears.hearing["live:a"])
        ears.over(ears.hearing["live:a"])
    facts.past["live:a"] = [(4, "t1"), (5, "t2")]
    assert judge(facts) == []
    facts.heard[0].items.clear()
    assert any("was not heard" in wrong for wrong in judge(facts))


def test_what_is_heard_under_a_writers_name_of_before_the_start_is_not_its_own() -> None:
    facts = Facts()
    ears = Ears("ann", facts, Random(1))

    def change(writer: str, seq: int) -> None:
        data = {"key": "a", "op": "put", "value": f"t{seq}", "writer": writer, "n": 1}
        ears.take({"type": "event", "room": ROOM, "event": "change", "seq": seq, "data": data})

    ears.shelf.joined({"sync": {"writer": {"name": "w5", "n": 0, "outcomes": []}}})
    ears.shelf.back()
    change("w5", 1)
    ears.take({"type": "room", "room": ROOM, "sync": {"writer": {"name": "w6", "n": 0, "outcomes": []}}})
    change("w5", 2)
    assert facts.broken == []
    change("w6", 3)
    assert facts.broken == ["ann never made change 1"]


def test_what_a_normal_room_lost_with_its_request_may_be_heard_again() -> None:
    facts = good()
    facts.past["normal:a"] = [(12, "ann.1")]
    facts.heard = [
        Hearing("bob", "s2", "normal:a", 5, [("event", 11, "ann.1"), ("event", 12, "ann.1")], upto=13)
    ]
    assert judge(facts) != []
    facts.machine = True
    assert judge(facts) == []


def test_a_request_that_was_refused_and_came_again_after_a_start_is_in_no_order() -> None:
    facts = good()
    _out_of_order(facts)
    assert judge(facts) != []
    facts.said[0].answers.insert(0, {"type": "ack", "id": 1, "error": {"code": "UNAVAILABLE"}})
    assert judge(facts) == []


@pytest.mark.parametrize("ahead", [False, True])
def test_of_which_stay_a_left_is_says_its_id(*, ahead: bool) -> None:
    """Over plain HTTP it comes before the ack of its join, or behind that of a later one."""
    facts = Facts()
    ears = Ears("ann", facts, Random(1))

    def join(began: int) -> Message:
        said = Said("ann", "", 0, "join", "full:a", f"j{began}", {})
        ears.number(said)
        return {"type": "ack", "id": said.id, "data": {"began": began}}

    ears.take(join(3))
    if ahead:
        ears.doubt(ears.hearing["full:a"])  # somebody takes it out, and it comes again
        ack = join(5)
        ears.take({"type": "left", "room": "full:a", "id": 2})
        assert not ears.hearing["full:a"].over
        ears.take(ack)
        assert (ears.hearing["full:a"].began, ears.hearing["full:a"].over) == (5, True)
    else:
        ears.take(join(5))
        ears.take({"type": "left", "room": "full:a", "id": 1})
        assert not ears.hearing["full:a"].over
        assert facts.broken == []
        ears.take({"type": "left", "room": "full:a", "id": 2})
        assert facts.broken == ["ann was taken out of full:a by nobody"]


def test_a_crash_of_the_machine_may_undo_a_join_of_a_normal_room_and_of_no_other() -> None:
    for room, wrong in (("normal:a", 0), ("full:a", 1)):
        facts = Facts(machine=True)
        ears = Ears("ann", facts, Random(1))
        ears.number(Said("ann", "", 0, "join", room, "j", {}))
        ears.take({"type": "ack", "id": 1, "data": {"began": 3}})
        ears.session = "s1"
        back = {"session": "s1", "resumed": True, "epoch": "", "seq": 0, "rooms": [], "taken": 1}
        ears._welcome(back, ended=False, removed=())
        assert len(facts.broken) == wrong, room
        assert ears.hearing[room].over


def test_what_a_normal_room_lost_is_done_again_when_it_comes_again() -> None:
    facts = good()
    for said in facts.said[:2]:
        said.what = "normal:a"
    facts.said[1].answers.append({"type": "ack", "id": 2, "data": {"seq": 30}})
    facts.past["normal:a"] = [(11, "ann.1"), (30, "ann.2")]
    del facts.past["full:a"], facts.heard[0]
    assert len(judge(facts)) > 1
    facts.machine = True
    assert judge(facts) == []
