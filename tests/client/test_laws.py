"""The machine against a model of the server: random operations, cuts and restarts, the test's clock."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rtcore.client.errors import MaybeDone, NotDone, RequestTimeout
from rtcore.client.event import Event, Gap
from rtcore.client.reader import Reader
from rtcore.client.request import Request
from rtcore.client.states import State
from rtcore.client.words import data_of
from tests.client.model import Rig

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from([None, 3.0, 100.0])),
        st.tuples(st.just("say"), st.just(0)),
        st.tuples(st.just("up"), st.integers(0, 4)),
        st.tuples(st.just("down"), st.integers(0, 4)),
        st.tuples(st.just("open"), st.just(0)),
        st.tuples(st.just("cut"), st.just(0)),
        st.tuples(st.just("time"), st.sampled_from([0.1, 1.0, 10.0, 60.0])),
        st.tuples(st.just("away"), st.booleans()),
        st.tuples(st.just("forget"), st.just(0)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=60,
)


class Run:
    """One run: what was asked, and what was heard."""

    def __init__(self, seed: int, token: str | None) -> None:
        self.rig = Rig(seed, token)
        self.requests: dict[str, Request] = {}
        self.reader = Reader("tea")
        state = self.rig.machine.hearing.rooms.make("tea")
        state.readers.append(self.reader)
        state.views = 1
        self.rig.machine.join(state, {"since": "k1.0"})
        self.rig.pump()

    def step(self, what: str, value: Any) -> None:
        rig = self.rig
        if what == "send":
            name = f"m{len(self.requests)}"
            patience = None if value is None else rig.clock.time + value
            fields = {"event": "count", "data": data_of(name)}
            self.requests[name] = rig.machine.request("emit", fields, patience=patience)
            rig.pump()
        elif what == "say":
            rig.server.say(f"e{len(rig.server.log)}")
        elif what == "up":
            rig.carry_up(value)
        elif what == "down":
            rig.carry_down(value)
        elif what == "open":
            rig.open()
        elif what == "cut":
            rig.cut()
        elif what == "time":
            rig.pass_time(value)
        elif what == "away":
            rig.down_for_now = value
        else:
            rig.cut()
            rig.server.forget() if what == "forget" else rig.server.restart()

    def heard(self) -> list[Event | Gap]:
        items = []
        while (item := self.reader.take()) is not None:
            items.append(item)
        return items


@settings(max_examples=100)
@given(
    steps=STEPS,
    seed=st.integers(0, 2**32 - 1),
    token=st.sampled_from([None, "ann"]),
    heads=st.booleans(),
)
def test_each_request_is_done_at_most_once_and_each_event_heard_once(steps, seed, token, heads) -> None:
    run = Run(seed, token)
    run.rig.server.fresh_at_head = heads
    for what, value in steps:
        run.step(what, value)
    run.rig.settle()
    done = run.rig.server.done
    assert run.rig.machine.state is State.LIVE
    assert len(set(done)) == len(done), f"done twice: {done}"
    for name, request in run.requests.items():
        assert request.ended, f"{name} waits for ever"
        if request.error is None:
            assert name in done
        elif isinstance(request.error, MaybeDone):
            assert request.error.maybe_done
        else:
            assert isinstance(request.error, NotDone | RequestTimeout), request.error
            assert request.error.maybe_done or name not in done, f"{name} was done, and said not to be"
    heard = run.heard()
    assert [each.data for each in heard if isinstance(each, Event)] == [e["data"] for e in run.rig.server.log]
    assert not [each for each in heard if isinstance(each, Gap)], "the model's log keeps everything"


@given(seed=st.integers(0, 2**32 - 1), late=st.floats(0.5, 30))
def test_a_hello_of_an_abandoned_attempt_that_arrives_late_takes_nothing_over(seed: int, late: float) -> None:
    """*The old hello arrives later and takes the session back to a dead socket; the live one hears 4500.*"""
    run = Run(seed, "ann")
    run.rig.settle()
    session = run.rig.machine.who.session
    run.rig.cut()
    run.rig.pass_time(40)
    run.rig.cut()
    run.rig.clock.time = max(run.rig.clock.time, run.rig.machine.deadline)
    run.rig.machine.advance()
    run.rig.pump()
    run.rig.open()
    (stale,) = list(run.rig.up)  # said, and on its way for long
    run.rig.up.clear()
    run.rig.pass_time(16)
    run.rig.settle()
    assert run.rig.machine.who.session == session
    at = run.rig.server.at
    run.rig.pass_time(late)
    assert run.rig.server.hear(stale[1])[0]["type"] == "bye"
    assert run.rig.server.at is at
    run.rig.settle()
    assert run.rig.machine.state is State.LIVE


@given(order=st.permutations(range(6)), lost=st.sets(st.integers(0, 5)))
def test_acks_lost_in_any_order_are_asked_for_again_and_nothing_is_done_twice(order, lost) -> None:
    run = Run(1, "ann")
    run.rig.settle()
    for _ in range(6):
        run.step("send", None)
    run.rig.carry_up(100)
    acks = [each for each in run.rig.down if each[1]["type"] == "ack"]
    run.rig.down.clear()
    run.rig.down.extend(acks[number] for number in order if number not in lost)
    run.rig.carry_down(100)
    run.rig.cut()
    run.rig.settle()
    assert run.rig.server.done == [f"m{number}" for number in range(6)]
    assert all(request.error is None for request in run.requests.values())


def test_a_room_is_joined_again_from_what_was_heard_and_not_from_where_the_new_session_begins() -> None:
    """*`welcome.seq` of a fresh session is the head: what was said while away is below it, and unheard.*"""
    run = Run(1, "ann")
    run.rig.settle()
    run.step("say", 0)
    run.rig.settle()
    run.rig.server.fresh_at_head = True
    for what in ("forget", "say", "say"):
        run.step(what, 0)
    run.rig.settle()
    assert [each.data for each in run.heard() if isinstance(each, Event)] == ["e0", "e1", "e2"]
