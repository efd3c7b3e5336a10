"""A frame holds one message or an array of them, in both directions."""

from __future__ import annotations

import pytest

from .client import JSON, MSGPACK, Client
from .conftest import Dial


@pytest.fixture(params=[JSON, MSGPACK])
def peer(request: pytest.FixtureRequest, dial: Dial) -> Client:
    """A session in each encoding."""
    return dial(protocols=[request.param]).hello()


def echo(number: int) -> dict[str, object]:
    return {"type": "emit", "id": number, "event": "echo", "data": number}


def test_an_array_is_taken_message_by_message(peer: Client) -> None:
    peer.send([echo(1), echo(2), echo(3)])
    assert [peer.result(number) for number in (1, 2, 3)] == [1, 2, 3]


def test_an_empty_array_says_nothing(peer: Client) -> None:
    peer.send([])
    assert peer.emit("echo", 1) == 1
    peer.fence()
    peer.none("error")


def test_an_empty_array_before_hello_says_nothing(dial: Dial) -> None:
    ann = dial()
    ann.send([])
    ann.hello()


@pytest.mark.parametrize(
    "element", [17, "hello", None, True, [], [echo(9)], {}, {"type": 5}, {"type": "teleport"}]
)
def test_what_is_no_message_gets_one_error_and_the_rest_goes_on(peer: Client, element: object) -> None:
    peer.send([echo(1), element, echo(2)])
    assert peer.result(1) == 1
    peer.fault("INVALID_MESSAGE")
    assert peer.result(2) == 2
    peer.fence()
    peer.none("error")
    peer.none("ack", id=9)


def test_each_fault_in_an_array_gets_its_own_answer(peer: Client) -> None:
    peer.send([1, echo(1), 2, {"type": "teleport", "id": 2}, 3])
    assert peer.result(1) == 1
    peer.failure(2, "INVALID_MESSAGE")
    for _ in range(3):
        peer.fault("INVALID_MESSAGE")
    peer.fence()
    peer.none("error")


def test_hello_and_what_follows_may_share_an_array(dial: Dial, room: str) -> None:
    ann = dial()
    ann.send([
        {"type": "hello"},
        {"type": "join", "id": 1, "room": room},
        {"type": "publish", "id": 2, "room": room, "event": "say", "data": "first"},
    ])  # fmt: skip
    ann.welcomed()
    assert ann.result(1)["count"] == 1
    assert ann.result(2)["seq"] == ann.expect("event", room=room, data="first")["seq"]


def test_a_broken_array_is_one_error(ann: Client) -> None:
    ann.text('[{"type":"emit","id":1,"event":"echo"},')
    ann.fault("INVALID_MESSAGE")
    ann.ids = 1  # what stood before the break may have been done
    assert ann.emit("echo", "still here") == "still here"
    ann.none("error")
