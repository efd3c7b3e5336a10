"""Requests: done once, answered once, in both directions, whatever is sent again."""

from __future__ import annotations

import pytest

from .conftest import Way
from .link import Message, Refused
from .peer import Peer


async def test_a_request_sent_again_gets_the_same_ack_and_is_not_done_again(
    way: Way, ann: Peer, name: str
) -> None:
    message = {"type": "emit", "id": ann.next_id(), "event": "count", "data": name}
    for _ in range(3):
        await ann.say(message)
        assert await ann.result(message["id"]) == 1
    assert await ann.emit("counted", name) == 1


async def test_errors_are_kept_too(way: Way, ann: Peer, name: str) -> None:
    message = {"type": "emit", "id": ann.next_id(), "event": "count-fail", "data": name}
    for _ in range(2):
        await ann.say(message)
        error = await ann.failure(message["id"], "SOLD_OUT")
        assert error["message"] == "failed 1 times"


async def test_sent_again_while_it_runs_it_is_answered_when_it_is_done(
    way: Way, ann: Peer, bob: Peer, name: str
) -> None:
    message = {"type": "emit", "id": ann.next_id(), "event": "count-wait", "data": name}
    await ann.say(message)
    while await bob.emit("counted", name) == 0:
        pass
    await ann.say(message)
    await bob.emit("open", name)
    assert await ann.result(message["id"]) == 1
    assert await ann.emit("counted", name) == 1


async def test_an_ack_that_is_no_longer_kept_is_never_a_second_execution(
    way: Way, ann: Peer, name: str
) -> None:
    assert await ann.emit("count", name) == 1
    first = ann.ids
    kept = ann.welcome["limits"]["acks"]
    for start in range(0, kept + 20, 20):
        numbers = [ann.next_id() for _ in range(20)]
        await ann.say(
            *({"type": "emit", "id": number, "event": "echo", "data": start} for number in numbers),
            array=True,
        )
        for number in numbers:
            await ann.result(number)
    await ann.say({"type": "emit", "id": first, "event": "count", "data": name})
    assert (await ann.failure(first, "ACK_EXPIRED"))["retry"] is False
    assert await ann.emit("counted", name) == 1


async def test_an_id_that_was_passed_over_is_expired(way: Way, ann: Peer, name: str) -> None:
    await ann.say({"type": "emit", "id": 40, "event": "echo", "data": 1})
    await ann.result(40)
    await ann.say({"type": "emit", "id": 39, "event": "count", "data": name})
    await ann.failure(39, "ACK_EXPIRED")
    ann.ids = 40
    assert await ann.emit("counted", name) == 0


@pytest.mark.parametrize("number", [0, -1, 1.5, "7", 2**53, True])
async def test_an_unusable_id_is_an_error_and_not_done(
    way: Way, ann: Peer, name: str, number: object
) -> None:
    await ann.say({"type": "emit", "id": number, "event": "count", "data": name})
    assert (await ann.expect("error"))["code"] == "INVALID_MESSAGE"
    assert await ann.emit("counted", name) == 0


async def test_the_same_key_and_content_is_done_once_and_other_content_refused(
    way: Way, ann: Peer, bob: Peer, room: str, name: str
) -> None:
    await ann.join(room)
    await bob.join(room)
    seq = await ann.publish(room, {"a": 1, "b": 2}, key="k")
    assert await ann.publish(room, {"b": 2, "a": 1}, key="k") == seq
    await ann.refused("KEY_CONFLICT", "publish", room=room, event="say", data={"a": 2}, key="k")
    await bob.fence()
    assert bob.events(room) == [{"a": 1, "b": 2}]
    assert await ann.emit("count", name, key="c") == 1
    assert await ann.emit("count", name, key="c") == 1
    assert await ann.emit("counted", name) == 1


async def test_a_request_of_the_server_is_answered(way: Way, ann: Peer) -> None:
    number = await ann.ask("emit", event="ask", data={"event": "question", "data": 17})
    question = await ann.expect("request")
    assert (question["event"], question["data"]) == ("question", 17)
    await ann.say({"type": "reply", "id": question["id"], "data": {"answer": 42}})
    assert await ann.result(number) == {"answer": 42}


async def test_a_refusal_of_the_client_reaches_the_application(way: Way, ann: Peer) -> None:
    number = await ann.ask("emit", event="ask", data={"event": "unknown"})
    question = await ann.expect("request")
    error = {"code": "NOT_FOUND", "message": "no such event here", "retry": False}
    await ann.say({"type": "reply", "id": question["id"], "error": error})
    assert await ann.result(number) == {"refused": "NOT_FOUND"}


@pytest.mark.parametrize(
    ("event", "data", "code"),
    [
        ("nobody-listens", None, "NOT_FOUND"),
        ("typed", {"item": "tea", "amount": "many"}, "INVALID_MESSAGE"),
        ("fail", None, "INTERNAL"),
        ("fail-async", None, "INTERNAL"),
        ("refuse", None, "SOLD_OUT"),
    ],
)
async def test_each_fault_has_its_code(way: Way, ann: Peer, event: str, data: object, code: str) -> None:
    error = await ann.refused(code, "emit", event=event, data=data)
    assert "on purpose" not in error["message"], "the inside of the application is nobody's business"
    assert await ann.emit("typed", {"item": "tea", "amount": 2}) == "2 x tea"


async def test_a_fault_of_one_message_is_told_and_harms_nothing(way: Way, ann: Peer, room: str) -> None:
    await ann.join(room)
    for message in (
        {"type": "publish", "id": ann.next_id(), "room": room},
        {"type": "join", "id": ann.next_id(), "room": ""},
        {"type": "join", "id": ann.next_id(), "room": "x" * 256},
        {"type": "publish", "id": ann.next_id(), "room": room, "event": "a\nb"},
        {"type": "publish", "id": ann.next_id(), "room": room, "event": "$own"},
        {"type": "emit", "id": ann.next_id(), "event": "echo", "data": {"$bin": "no base64"}},
        {"type": "emit", "id": ann.next_id(), "event": "echo", "data": {"$else": 1}},
    ):
        await ann.say(message)
        ack = await ann.ack(message["id"])
        assert ack["error"]["code"] in ("INVALID_MESSAGE", "FORBIDDEN"), (message, ack)
    assert await ann.emit("echo", 1) == 1


async def test_too_many_waiting_requests_are_refused_or_held_and_done_once(
    way: Way, ann: Peer, bob: Peer, name: str
) -> None:
    """64 may wait. Over HTTP the next are 429 until there is room; on a WebSocket TCP holds them."""
    first = await ann.ask("emit", event="wait", data=name)
    while not await bob.emit("log", name):
        pass

    def note(number: int) -> Message:
        return {"type": "emit", "id": number, "event": "note-async", "data": [f"{name}.n", number]}

    taken = [ann.next_id() for _ in range(60)]
    await ann.say(*map(note, taken), array=True)
    refused: list[Refused] = []
    for _ in range(40):
        number = ann.next_id()
        try:
            await ann.say(note(number))
            taken.append(number)
        except Refused as answer:
            refused.append(answer)
            break
    if way.link.over_http:
        assert [(answer.status, answer.code) for answer in refused] == [(429, "OVERLOADED")]
        assert int(refused[0].answer.get("retry-after") or "") >= 1
        assert len(taken) <= 64
    else:
        assert not refused
    await bob.emit("open", name)
    assert await ann.result(first) == name
    for number in taken:
        await ann.result(number)
    assert await bob.emit("log", f"{name}.n") == taken
