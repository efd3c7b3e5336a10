"""Silence, pings, and what counts as life."""

from __future__ import annotations

import contextlib
import time

from tests.patience import PATIENCE

from . import frames
from .client import Client, Closed
from .conftest import LIFE, Dial
from .server import Server


def test_after_silence_the_server_pings(dial: Dial, quick: Server) -> None:
    ann = dial(quick).hello()
    while not ann.pings:
        ann.take()
    assert ann.closed is None


def test_a_peer_that_answers_pings_stays(dial: Dial, quick: Server) -> None:
    ann = dial(quick).hello()
    while len(ann.pings) < 4:
        ann.take()
    assert ann.emit("echo", 1) == 1


def test_a_peer_that_answers_nothing_is_closed_with_4001(dial: Dial, quick: Server) -> None:
    """Half-open peers: closed within ping and silence."""
    ann = dial(quick, pong=False).hello()
    ann.expect_bye(4001)
    assert ann.pings, "it was asked before it was given up"


def test_any_byte_is_life(dial: Dial, quick: Server) -> None:
    """One byte at a time of a frame that takes longer than ping and silence to come."""
    ann = dial(quick, pong=False).hello()
    whole = frames.encode(
        frames.TEXT, ann.encode({"type": "emit", "id": 1, "event": "echo", "data": "x" * 300})
    )
    began = time.monotonic()
    for byte in whole:
        ann.raw(bytes([byte]))
        if time.monotonic() - began < 1.5 * LIFE:
            ann.listen(0.015)
    assert time.monotonic() - began > LIFE, "it was sent too fast to show anything"
    assert ann.result(1) == "x" * 300


def test_the_message_ping_is_life_too(dial: Dial, quick: Server) -> None:
    """A page in a browser cannot see frames; its messages count."""
    ann = dial(quick, pong=False).hello()
    began = time.monotonic()
    n = 0
    while time.monotonic() - began < 1.5 * LIFE:
        n += 1
        ann.send({"type": "ping", "time": n})
        assert ann.expect("pong")["time"] == n
        ann.listen(0.05)


def test_a_peer_that_is_talked_to_is_not_alive_by_that(dial: Dial, quick: Server, room: str) -> None:
    """What we send says nothing about who is there."""
    bob = dial(quick).hello()
    ann = dial(quick, pong=False).hello()
    bob.join(room)
    ann.join(room)
    end = time.monotonic() + PATIENCE
    with contextlib.suppress(Closed):
        while time.monotonic() < end:
            bob.publish(room, 1)
            ann.take()
    assert ann.closed is not None
    assert ann.closed.code == 4001


def test_a_close_frame_that_is_not_answered_does_not_hold_the_socket(dial: Dial, quick: Server) -> None:
    ann = dial(quick).hello()
    ann.raw(frames.encode(0x3))  # a broken frame: the server says bye and closes
    while ann.next_frame().opcode != frames.CLOSE:
        pass
    end = time.monotonic() + PATIENCE
    while ann.more(end):
        pass


def test_an_unknown_event_is_not_found(ann: Client) -> None:
    ann.refused("NOT_FOUND", "emit", event="unheard-of", data=1)


def test_a_handler_that_raises_is_internal_and_its_traceback_is_logged(ann: Client, server: Server) -> None:
    for event in ("fail", "fail-async"):
        error = ann.refused("INTERNAL", "emit", event=event)
        assert "on purpose" not in error["message"], "the peer learns nothing of our insides"
    server.wait_for("a bug in the application, on purpose")
    assert "Traceback" in server.output or "fail" in server.output
    assert ann.emit("echo", "on with the next") == "on with the next"


def test_without_an_id_a_failure_is_an_error_or_nothing(ann: Client) -> None:
    ann.send({"type": "emit", "event": "fail"})
    ann.fence()
    ann.none("ack")


def test_an_application_adds_its_own_codes(ann: Client) -> None:
    error = ann.refused("SOLD_OUT", "emit", event="refuse")
    assert error["message"] == "no tickets are left"
    assert error["details"] == [{"path": "amount"}]
    assert error["retry"] is True


def test_data_of_another_shape_is_invalid_and_every_fault_is_told(ann: Client) -> None:
    assert ann.emit("typed", {"item": "tea", "amount": 2}) == "2 x tea"
    error = ann.refused("INVALID_MESSAGE", "emit", event="typed", data={"item": 5, "amount": "two"})
    assert len(error["details"]) == 2
    assert {"item", "amount"} == {detail["path"].strip("$.") for detail in error["details"]}
    ann.refused("INVALID_MESSAGE", "emit", event="typed", data={"item": "tea"})
    ann.refused("INVALID_MESSAGE", "emit", event="typed", data=[1])


def test_an_error_says_whether_to_try_again(ann: Client) -> None:
    assert ann.refused("NOT_FOUND", "emit", event="unheard-of")["retry"] is False
    assert ann.refused("FORBIDDEN", "publish", room="relay:x", event="say")["retry"] is False
