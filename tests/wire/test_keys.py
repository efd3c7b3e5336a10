"""Idempotency keys."""

from __future__ import annotations

import time

import pytest

from tests.patience import PATIENCE

from .client import Client
from .conftest import Dial, Servers
from .server import Server


def test_the_same_key_and_content_is_the_first_result(ann: Client, room: str) -> None:
    ann.join(room)
    first = ann.publish(room, {"a": 1}, key="k")
    assert ann.publish(room, {"a": 1}, key="k") == first
    assert ann.publish(room, {"a": 1}, key="other") > first
    ann.fence()
    assert len(ann.events(room)) == 2


def test_an_emit_with_the_same_key_is_not_done_again(ann: Client, name: str) -> None:
    assert ann.emit("count", name, key=name) == 1
    assert ann.emit("count", name, key=name) == 1
    assert ann.emit("counted", name) == 1


@pytest.mark.parametrize(
    "same",
    [
        '{"b":[1,2,{"x":null}],"a":"é"}',
        '{ "a" : "\\u00e9" ,\n "b" : [ 1, 2, { "x": null } ] }',
        '{"a":"\\u00E9","b":[1,2,{"\\u0078":null}]}',
    ],
)
def test_content_is_compared_as_values(ann: Client, room: str, same: str) -> None:
    ann.join(room)
    first = ann.publish(room, {"a": "é", "b": [1, 2, {"x": None}]}, key="k")
    number = ann.next_id()
    ann.text(f'{{"type":"publish","id":{number},"room":"{room}","event":"say","key":"k","data":{same}}}')
    assert ann.result(number)["seq"] == first


@pytest.mark.parametrize("other", [{"a": 2}, {"a": 1, "b": 1}, [1], None, "1", {"a": "1"}, {"a": True}])
def test_other_content_is_a_conflict(ann: Client, room: str, other: object) -> None:
    ann.join(room)
    ann.publish(room, {"a": 1}, key="k")
    ann.refused("KEY_CONFLICT", "publish", room=room, event="say", data=other, key="k")


def test_another_event_is_other_content(ann: Client, room: str) -> None:
    ann.join(room)
    ann.publish(room, 1, key="k")
    ann.refused("KEY_CONFLICT", "publish", room=room, event="shout", data=1, key="k")


def test_a_trace_is_no_content(ann: Client, room: str) -> None:
    ann.join(room)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{:02d}"
    first = ann.publish(room, 1, key="k", trace=trace.format(1))
    assert ann.publish(room, 1, key="k", trace=trace.format(0)) == first


def test_the_scope_of_a_publish_is_its_room(ann: Client, name: str) -> None:
    rooms = [f"relay:{name}.{n}" for n in range(2)]
    seqs = []
    for each in rooms:
        ann.join(each)
        seqs.append(ann.publish(each, each, key="k"))
    assert seqs[0] != seqs[1]


def test_the_scope_of_an_emit_is_its_event(ann: Client, name: str) -> None:
    ann.emit("count", name, key=name)
    assert ann.emit("echo", "other content", key=name) == "other content"


def test_an_anonymous_session_is_its_own_user(ann: Client, bob: Client, room: str) -> None:
    """Nobody hears of another's results through a guessed key."""
    ann.join(room)
    bob.join(room)
    first = ann.publish(room, 1, key="k")
    assert bob.publish(room, 1, key="k") > first
    assert bob.publish(room, 2, key="j") > first


def test_the_scope_is_the_user_over_all_its_sessions(dial: Dial, auth: Server, name: str, room: str) -> None:
    phone, laptop, other = (dial(auth).hello(token=user) for user in (name, name, "other"))
    for one in (phone, laptop, other):
        one.join(room)
    first = phone.publish(room, 1, key="k")
    assert laptop.publish(room, 1, key="k") == first
    assert other.publish(room, 1, key="k") > first


def test_the_key_outlives_the_session(dial: Dial, auth: Server, name: str, room: str) -> None:
    ann = dial(auth).hello(token=name)
    ann.join(room)
    first = ann.publish(room, 1, key="k")
    ann.send({"type": "bye"})
    ann.expect_close()
    again = dial(auth).hello(token=name)
    again.join(room)
    assert again.publish(room, 1, key="k") == first


def test_while_the_first_is_in_progress_the_second_waits_for_its_result(
    dial: Dial, auth: Server, name: str
) -> None:
    phone, laptop, bob = (dial(auth).hello(token=user) for user in (name, name, "bob"))
    first = phone.ask("emit", event="count-wait", data=name, key="k")
    while bob.emit("counted", name) == 0:
        pass
    second = laptop.ask("emit", event="count-wait", data=name, key="k")
    laptop.send({"type": "ping", "time": 1})
    laptop.expect("pong")
    laptop.none("ack", id=second)
    bob.emit("open", name)
    assert phone.result(first) == 1
    assert laptop.result(second) == 1
    assert bob.emit("counted", name) == 1


def test_a_key_has_1_to_128_characters(ann: Client, room: str) -> None:
    ann.join(room)
    ann.publish(room, 1, key="k")
    ann.publish(room, 1, key="ü" * 128)
    for key in ("", "k" * 129, 17):
        ann.refused("INVALID_MESSAGE", "publish", room=room, event="say", data=1, key=key)


def test_a_full_quota_refuses_new_keys_and_forgets_no_old_ones(
    dial: Dial, special: Servers, room: str
) -> None:
    ann = dial(special.start(keys_per_user=4)).hello()
    ann.join(room)
    seqs = [ann.publish(room, n, key=f"k{n}") for n in range(4)]
    error = ann.refused("OVERLOADED", "publish", room=room, event="say", data=4, key="k4")
    assert error["retry"] is True
    assert [ann.publish(room, n, key=f"k{n}") for n in range(4)] == seqs
    assert ann.publish(room, "without a key") > seqs[-1]


def test_a_full_budget_refuses_new_keys_and_forgets_no_old_ones(
    dial: Dial, special: Servers, room: str
) -> None:
    ann = dial(special.start(key_memory=4096)).hello()
    ann.join(room)
    seqs = []
    for n in range(200):
        ack = ann.ack(ann.ask("publish", room=room, event="say", data=n, key=f"{n:0120}"))
        if "error" in ack:
            assert ack["error"]["code"] == "OVERLOADED"
            break
        seqs.append(ack["data"]["seq"])
    assert 0 < len(seqs) < 200
    assert [ann.publish(room, n, key=f"{n:0120}") for n in range(len(seqs))] == seqs


def test_a_key_is_forgotten_after_its_time(dial: Dial, special: Servers, room: str) -> None:
    ann = dial(special.start(key_ms=150)).hello()
    ann.join(room)
    first = ann.publish(room, 1, key="k")
    assert ann.publish(room, 1, key="k") == first
    end = time.monotonic() + PATIENCE
    while ann.publish(room, 1, key="k") == first:
        assert time.monotonic() < end, "still kept"


def test_a_key_may_be_used_by_somebody_who_was_thrown_out_but_the_room_may_not(
    ann: Client, room: str
) -> None:
    """Rights come before keys: a known key is no way around them."""
    ann.join(room)
    ann.publish(room, 1, key="k")
    ann.ok("leave", room=room)
    ann.refused("FORBIDDEN", "publish", room=room, event="say", data=1, key="k")
