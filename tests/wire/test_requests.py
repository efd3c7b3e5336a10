"""Ids, acks, and the order in which requests are done."""

from __future__ import annotations

import pytest

from .client import Client
from .conftest import Dial, Servers


@pytest.mark.parametrize("number", [1, 2, 1000, 2**53 - 1])
def test_ids_from_1_to_2_to_the_53_minus_1(ann: Client, number: int) -> None:
    ann.send({"type": "emit", "id": number, "event": "echo", "data": number})
    assert ann.result(number) == number


@pytest.mark.parametrize(
    "number", ["0", "-1", "9007199254740992", "1.5", '"7"', "true", "[1]", "{}", "1e300"]
)
def test_an_unusable_id_is_an_error_and_nothing_is_done(ann: Client, name: str, number: str) -> None:
    ann.text(f'{{"type":"emit","id":{number},"event":"count","data":"{name}"}}')
    ann.fault("INVALID_MESSAGE")
    assert ann.emit("counted", name) == 0


def test_an_id_is_optional_on_every_request(ann: Client, room: str) -> None:
    ann.send(
        {"type": "join", "room": room},
        {"type": "publish", "room": room, "event": "say", "data": "no id"},
        {"type": "history", "room": room},
        {"type": "emit", "event": "echo", "data": 1},
        {"type": "leave", "room": room},
    )
    ann.fence()
    assert "no id" in ann.events(room)
    ann.none("ack")
    ann.none("error")


def test_gaps_between_ids_are_allowed(ann: Client) -> None:
    for number in (3, 10, 4_000_000):
        ann.send({"type": "emit", "id": number, "event": "echo", "data": number})
        assert ann.result(number) == number


def test_an_emit_sent_again_gets_the_kept_ack(ann: Client, name: str) -> None:
    """Replays an old id: gets its ack, and nothing is done a second time."""
    number = ann.ask("emit", event="count", data=name)
    first = ann.ack(number)
    ann.send({"type": "emit", "id": number, "event": "count", "data": name})
    assert ann.ack(number) == first
    assert ann.emit("counted", name) == 1


def test_a_publish_sent_again_gets_the_kept_ack(ann: Client, room: str) -> None:
    ann.join(room)
    number = ann.ask("publish", room=room, event="say", data=1)
    first = ann.ack(number)
    ann.send({"type": "publish", "id": number, "room": room, "event": "say", "data": 1})
    assert ann.ack(number) == first
    ann.fence()
    assert ann.events(room) == [1]


def test_errors_are_kept_too(ann: Client, name: str) -> None:
    number = ann.ask("emit", event="count-fail", data=name)
    first = ann.ack(number)
    assert first["error"]["code"] == "SOLD_OUT"
    ann.send({"type": "emit", "id": number, "event": "count-fail", "data": name})
    assert ann.ack(number) == first
    assert ann.emit("counted", name) == 1


def test_a_request_sent_again_while_it_runs_is_answered_once_it_is_finished(
    ann: Client, bob: Client, name: str
) -> None:
    number = ann.ask("emit", event="count-wait", data=name)
    ann.send({"type": "emit", "id": number, "event": "count-wait", "data": name})
    while bob.emit("counted", name) == 0:
        pass
    bob.emit("open", name)
    assert ann.result(number) == 1
    assert ann.emit("counted", name) == 1


def test_an_id_that_was_passed_over_is_ack_expired(ann: Client, name: str) -> None:
    ann.send({"type": "emit", "id": 10, "event": "echo"})
    ann.result(10)
    ann.send({"type": "emit", "id": 5, "event": "count", "data": name})
    error = ann.failure(5, "ACK_EXPIRED")
    assert error["retry"] is False
    ann.ids = 10
    assert ann.emit("counted", name) == 0


def test_an_ack_that_is_no_longer_kept_is_ack_expired(dial: Dial, special: Servers, name: str) -> None:
    ann = dial(special.start(acks=4)).hello()
    assert ann.welcome["limits"]["acks"] == 4
    number = ann.ask("emit", event="count", data=name)
    assert ann.result(number) == 1
    for n in range(8):
        ann.emit("echo", n)
    ann.send({"type": "emit", "id": number, "event": "count", "data": name})
    ann.failure(number, "ACK_EXPIRED")
    assert ann.emit("counted", name) == 1


def test_an_ack_too_large_to_keep_is_ack_expired_and_not_done_again(ann: Client) -> None:
    text = "x" * (300 << 10)
    number = ann.ask("emit", event="echo", data=text)
    assert ann.result(number) == text
    ann.send({"type": "emit", "id": number, "event": "echo", "data": text})
    again = ann.ack(number)
    assert again.get("data") == text or again["error"]["code"] == "ACK_EXPIRED"


def test_join_leave_history_and_ping_are_done_again(ann: Client, bob: Client, room: str) -> None:
    bob.join(room)
    number = ann.ask("join", room=room)
    assert ann.result(number)["count"] == 2
    ann.send({"type": "join", "id": number, "room": room})
    assert ann.result(number)["count"] == 2
    history = ann.ask("history", room=room)
    assert ann.result(history)["history"] == []
    bob.publish(room, 1)
    ann.send({"type": "history", "id": history, "room": room})
    assert [event["data"] for event in ann.result(history)["history"]] == [1]
    leave = ann.ask("leave", room=room)
    ann.result(leave)
    ann.send({"type": "leave", "id": leave, "room": room})
    ann.result(leave)
    bob.publish(room, 2)
    ann.fence()
    assert ann.events(room) == [1]
    # The join is older than the leave: done again it would put the session into a room that it has left.
    ann.send({"type": "join", "id": number, "room": room})
    ann.failure(number, "ACK_EXPIRED")


@pytest.mark.parametrize("kind", ["note", "note-async"])
def test_handlers_of_a_session_run_one_at_a_time_in_order(
    ann: Client, bob: Client, name: str, kind: str
) -> None:
    first = ann.ask("emit", event="wait", data=name)
    second = ann.ask("emit", event=kind, data=[name, "second"])
    third = ann.ask("emit", event="note", data=[name, "third"])
    while not bob.emit("log", name):
        pass
    assert bob.emit("log", name) == ["wait begins"]
    bob.emit("open", name)
    assert ann.result(first) == name
    assert ann.result(second) == 3
    assert ann.result(third) == 4
    assert bob.emit("log", name) == ["wait begins", "wait ends", "second", "third"]


def test_publish_join_history_and_leave_may_overtake_a_running_emit(
    ann: Client, bob: Client, name: str, room: str
) -> None:
    waiting = ann.ask("emit", event="wait", data=name)
    ann.join(room)
    assert ann.publish(room, "fast") > 0
    assert [event["data"] for event in ann.ok("history", room=room)["history"]] == ["fast"]
    ann.ok("leave", room=room)
    ann.none("ack", id=waiting)
    bob.emit("open", name)
    assert ann.result(waiting) == name


def test_a_join_that_asks_the_application_holds_back_what_follows(
    ann: Client, bob: Client, name: str
) -> None:
    room = f"gated:{name}"
    join = ann.ask("join", room=room)
    publish = ann.ask("publish", room=room, event="say", data="I am in")
    emit = ann.ask("emit", event="note", data=[name, "after the join"])
    while not bob.emit("log", room):
        pass
    assert bob.emit("log", name) == []
    bob.emit("open", room)
    assert ann.result(join)["count"] == 1
    assert ann.result(publish)["seq"] > 0
    assert ann.result(emit) == 1


def test_the_own_event_comes_with_the_number_of_the_ack(ann: Client, room: str) -> None:
    ann.join(room)
    seq = ann.publish(room, 1)
    assert ann.expect("event", room=room)["seq"] == seq


def test_echo_false_spares_the_publisher_alone(ann: Client, bob: Client, room: str) -> None:
    ann.join(room)
    bob.join(room)
    ann.publish(room, "quiet", echo=False)
    ann.publish(room, "loud", echo=True)
    ann.fence()
    assert ann.events(room) == ["loud"]
    bob.fence()
    assert bob.events(room) == ["quiet", "loud"]


def test_what_was_not_echoed_is_not_replayed_either(dial: Dial, ann: Client, room: str) -> None:
    ann.join(room)
    ann.publish(room, "quiet", echo=False)
    ann.drop()
    fields = {**ann.returning(), "position": ann.at(ann.welcome["seq"])}
    again = dial().hello(**fields)
    again.fence()
    assert again.events(room) == []


def test_an_id_belongs_to_its_request_whatever_comes_under_it(ann: Client, room: str, name: str) -> None:
    ann.join(room)
    number = ann.ask("emit", event="count", data=name)
    first = ann.ack(number)
    ann.send({"type": "publish", "id": number, "room": room, "event": "say", "data": 1})
    assert ann.ack(number) == first
    ann.fence()
    assert ann.events(room) == []


def test_ping_is_answered_with_its_time_unchanged(ann: Client) -> None:
    for time in (0, 17, 123.456, 1_763_900_000_000):
        ann.send({"type": "ping", "time": time, "rtt": 38})
        pong = ann.expect("pong")
        assert pong["time"] == time
        assert isinstance(pong["server"], int)
    assert ann.emit("whoami")["latency"] is not None


def test_ping_needs_no_fields(ann: Client) -> None:
    ann.send({"type": "ping"})
    ann.expect("pong")
