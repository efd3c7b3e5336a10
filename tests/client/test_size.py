"""All that a client says is measured against the server's limit before it is sent: it alone fails, with both
numbers, and the connection lives. A server would close for it, and for what it is not at fault too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from rtcore.client.errors import TooLarge
from rtcore.client.packed import pack_frame
from rtcore.client.uploads import UploadState
from rtcore.client.words import data_of, encode
from tests.client.hand import Hand

LIMIT = 1000
BIG = data_of("x" * 2000)
FLOATS = data_of([0.5] * 150)
"""Below the limit as JSON; MessagePack has nine bytes for each."""

REQUESTS: dict[str, dict[str, Any]] = {
    "emit": {"event": "count"},
    "publish": {"room": "tea", "event": "say"},
    "join": {"room": "tea"},
    "open": {"stream": "answer", "credit": 64},
    "push": {"collection": "notes", "changes": BIG},
    "auth": {"token": "x" * 2000},
}


@pytest.mark.parametrize("kind", REQUESTS)
@pytest.mark.parametrize("away", [False, True], ids=["live", "away"])
def test_a_request_over_the_limit_fails_alone(kind: str, away: bool) -> None:
    hand = Hand().welcome(limits={"max_message": LIMIT})
    if away:
        hand.cut()
    fields = REQUESTS[kind]
    large = hand.request(kind, **(fields if kind in ("push", "auth") else {**fields, "data": BIG}))
    small = hand.emit()
    if away:
        hand.welcome(resumed=True, limits={"max_message": LIMIT})
    _is_refused(large.error, f"{kind} has 2")
    assert [said for said in hand.said if said["type"] == kind and said.get("id") != small.id] == []
    assert not small.ended
    assert hand.shut == []


def _is_refused(error: Exception | None, what: str, *, maybe_done: bool = False) -> None:
    assert isinstance(error, TooLarge), error
    assert what in str(error)
    assert f"the server takes {LIMIT}" in str(error)
    assert error.maybe_done is maybe_done


def test_what_was_written_before_the_limit_was_lower_is_not_written_again() -> None:
    hand = Hand().welcome()
    large = hand.request("emit", event="count", data=BIG)
    joining = hand.request("join", room="tea", data=BIG)
    small = hand.emit()
    hand.cut()
    before = len(hand.said)
    hand.welcome(resumed=True, life="l2", limits={"max_message": LIMIT})
    _is_refused(large.error, "emit has 2", maybe_done=True)
    _is_refused(joining.error, "join has 2")
    assert [said["id"] for said in hand.said[before:] if said["type"] in ("emit", "join")] == [small.id]


ANSWERS: dict[str, dict[str, Any]] = {
    "its data": {"data": BIG},
    "its error": {"error": {"code": "NO", "message": "x" * 2000}},
}


@pytest.mark.parametrize("what", ANSWERS)
def test_a_reply_over_the_limit_is_an_error_in_its_place(what: str, caplog: pytest.LogCaptureFixture) -> None:
    hand = Hand().welcome(limits={"max_message": LIMIT})
    question = {"type": "request", "id": 5, "event": "q", "data": None}
    hand.tell(question)
    hand.machine.reply(5, ANSWERS[what])
    hand.pump()
    hand.tell(question)  # the answer is lost, and the server asks once more
    replies = [said for said in hand.said if said["type"] == "reply"]
    assert len(replies) == 2
    assert replies[0] == replies[1]
    assert replies[0]["error"]["code"] == "TOO_LARGE"
    assert f"the server takes {LIMIT}" in replies[0]["error"]["message"]
    assert "the reply has 20" in caplog.text


def test_a_reply_that_is_kept_is_measured_anew() -> None:
    hand = Hand().welcome()
    question = {"type": "request", "id": 5, "event": "q", "data": None}
    hand.tell(question)
    hand.machine.reply(5, {"data": BIG})
    hand.cut()
    hand.welcome(resumed=True, limits={"max_message": LIMIT})
    hand.tell(question)
    assert hand.said[-1]["error"]["code"] == "TOO_LARGE"


def _upload(hand: Hand) -> UploadState:
    state = UploadState()
    fields = {"stream": "up", "up": True}
    state.request = hand.machine.request("open", fields, hold=state, done=state.opened)
    hand.pump()
    hand.tell({"type": "credit", "id": state.request.id, "n": 10})
    hand.machine.sending.say_in_turn(state.add(BIG), state)
    hand.pump()
    return state


@pytest.mark.parametrize("known", [True, False], ids=["known", "begins anew"])
def test_items_that_are_said_again_to_a_server_that_takes_less_end_their_stream(known: bool) -> None:
    hand = Hand().welcome()
    state = _upload(hand)
    number = state.request.id
    hand.cut()
    before = len(hand.said)
    streams = {str(number): 0} if known else {}
    hand.welcome(resumed=True, streams=streams, limits={"max_message": LIMIT})
    _is_refused(state.error, "the item of a stream has 20")
    said = [said for said in hand.said[before:] if said["type"] in ("open", "item", "cancel")]
    assert said == [{"type": "cancel", "id": number}]


SMALL: dict[str, Callable[[Hand], object]] = {
    "ping": lambda hand: hand.machine.ping(),
    "report": lambda hand: _late(hand, 60.0),
    "bye": lambda hand: hand.machine.bye(),
}


def _late(hand: Hand, seconds: float) -> None:
    hand.clock.time += seconds
    hand.machine.advance()


@pytest.mark.parametrize("kind", SMALL)
def test_what_the_client_says_of_itself_is_far_below_any_limit(kind: str) -> None:
    hand = Hand().welcome(limits={"report": 60, "silence": 600})
    SMALL[kind](hand)
    hand.pump()
    assert max(len(encode(said)) for said in hand.said if said["type"] == kind) < 200


def test_by_messagepack_the_bytes_of_messagepack_count() -> None:
    """*A list of 150 small floats has 600 bytes as JSON, and 1,350 as MessagePack.*"""
    assert len(FLOATS) < LIMIT < len(msgspec.msgpack.encode([0.5] * 150))
    hand = Hand()
    hand.machine.sending.fitting.packed = True
    hand.welcome(limits={"max_message": LIMIT})
    _is_refused(hand.request("emit", event="count", data=FLOATS).error, "emit has 1")
    json = Hand().welcome(limits={"max_message": LIMIT})
    assert json.request("emit", event="count", data=FLOATS).error is None


def test_by_messagepack_an_array_of_messages_is_cut_to_fit() -> None:
    hand = Hand()
    hand.machine.sending.fitting.packed = True
    hand.welcome()
    hand.cut()
    some = data_of([0.5] * 50)
    sent = [hand.request("emit", event="count", data=some) for _ in range(12)]
    before = len(hand.frames)
    hand.welcome(resumed=True, limits={"max_message": LIMIT})
    assert not any(request.ended for request in sent)
    frames = [frame for frame in hand.frames[before:] if frame[0]["type"] == "emit"]
    assert sum(map(len, frames)) == len(sent)
    assert max(len(pack_frame([encode(said) for said in frame])) for frame in frames) <= LIMIT
