"""`GET /rt/poll` and `POST /rt/send`, request by request."""

from __future__ import annotations

import msgspec
import pytest
import trio

from tests.patience import PATIENCE

from .conftest import Dial, Ground
from .http_peer import Http, Session, http_at
from .link import Message
from .peer import Peer


async def heard(session: Session, after: int) -> tuple[int, list[Message]]:
    """Poll until something comes."""
    with trio.fail_after(PATIENCE):
        while True:
            said = (await session.poll(after, 5)).good().json()
            assert said["n"] == after + 1
            after = said["n"]
            if said["messages"]:
                return after, said["messages"]


async def test_a_poll_answers_at_once_when_there_is_something(http: Http, bob: Peer, room: str) -> None:
    one = await http.session()
    await bob.join(room)
    await one.ask("join", room=room)
    seq = await bob.publish(room, "hello")
    messages: list[Message] = []
    after = 0
    while not any(m["type"] == "event" for m in messages):
        after, more = await heard(one, after)
        messages += more
    assert [m["seq"] for m in messages if m["type"] == "event"] == [seq]


async def test_a_parked_poll_is_woken_by_a_publish(http: Http, bob: Peer, room: str) -> None:
    one = await http.session()
    await bob.join(room)
    await one.ask("join", room=room)
    after = 0
    while (said := (await one.poll(after)).json())["messages"]:  # presence, perhaps
        after = said["n"]
    after = said["n"]
    connection = await http.open()
    await connection.ask("GET", f"/rt/poll?after={after}&wait=25", one.fields)
    seq = await bob.publish(room, "woken")
    with trio.fail_after(PATIENCE):
        messages = (await connection.answer()).good().json()["messages"]
    assert (
        seq in [m.get("seq") for m in messages if m["type"] == "event"] or messages[0]["type"] == "presence"
    )


async def test_with_nothing_to_say_it_is_empty_after_wait(http: Http) -> None:
    one = await http.session()
    for after, wait in ((0, 0), (1, 1)):
        began = trio.current_time()
        said = (await one.poll(after, wait)).good().json()
        assert said == {"n": after + 1, "messages": []}
        assert trio.current_time() - began >= wait * 0.9  # not before; when, is the machine's affair


async def test_the_same_after_again_gives_the_same_answer_again(http: Http, bob: Peer, room: str) -> None:
    """Whatever it held, byte for byte, as often as it is asked; also an empty one."""
    one = await http.session()
    await bob.join(room)
    await one.ask("join", room=room)
    await bob.publish(room, 1)
    first = (await one.poll(0, 5)).good().body
    await bob.publish(room, 2)
    for _ in range(3):
        assert (await one.poll(0, 5)).good().body == first
    assert msgspec.json.decode(first)["n"] == 1
    second = (await one.poll(1, 5)).good().body
    assert second != first
    assert (await one.poll(1, 5)).good().body == second
    after = 2
    while msgspec.json.decode(last := (await one.poll(after)).good().body)["messages"]:
        after += 1
    await bob.publish(room, 3)
    assert (await one.poll(after)).good().body == last, "what was empty stays empty"


@pytest.mark.parametrize("after", [5, 3, 2**53, "x", "-1", "", "1.5", "1&after=0"])
async def test_an_after_out_of_sequence_is_refused_and_loses_nothing(
    http: Http, bob: Peer, room: str, after: object
) -> None:
    one = await http.session()
    await bob.join(room)
    await one.ask("join", room=room)
    await bob.publish(room, "kept")
    answer = await one.poll(after)  # type: ignore[arg-type]
    assert answer.status in (400, 409, 410), (after, answer.status, answer.body)
    assert answer.json()["message"]
    messages: list[Message] = []
    n = 0
    while not any(m.get("data") == "kept" for m in messages):
        n, more = await heard(one, n)
        messages += more


@pytest.mark.parametrize("wait", ["x", "-1", "1e9", "99999999999999999999", ""])
async def test_a_wait_that_is_none_is_refused_or_shortened(http: Http, bob: Peer, wait: str) -> None:
    one = await http.session()
    connection = await http.open()
    await connection.ask("GET", f"/rt/poll?after=0&wait={wait}", one.fields)
    with trio.move_on_after(0.3):
        answer = await connection.answer()
        assert answer.status in (200, 400), (answer.status, answer.body)
    assert await bob.emit("echo", 1) == 1


async def test_a_second_poll_takes_over_from_the_first(http: Http, bob: Peer, room: str) -> None:
    """Two at once: the first is answered, the second hears what comes."""
    one = await http.session()
    await bob.join(room)
    await one.ask("join", room=room)
    after = 0
    while (said := (await one.poll(after)).json())["messages"]:
        after = said["n"]
    after = said["n"]
    first, second = await http.open(), await http.open()
    await first.ask("GET", f"/rt/poll?after={after}&wait=25", one.fields)
    await trio.testing.wait_all_tasks_blocked(0.05)
    await second.ask("GET", f"/rt/poll?after={after}&wait=25", one.fields)
    with trio.fail_after(PATIENCE):
        over = await first.answer()
        assert over.status in (200, 204, 409), (over.status, over.body)
        await bob.publish(room, "for the second")
        said = (await second.answer()).good().json()
    messages = said["messages"]
    while not any(m.get("data") == "for the second" for m in messages):
        _, messages = await heard(one, said["n"])


async def test_a_poll_and_a_stream_take_over_from_each_other(http: Http, bob: Peer, room: str) -> None:
    one = await http.session()
    await bob.join(room)
    await one.ask("join", room=room)
    stream = await one.stream()
    seq = await bob.publish(room, 0)
    await stream.message("event", seq=seq)
    connection = await http.open()
    await connection.ask("GET", "/rt/poll?after=0&wait=25", one.fields)
    events = await stream.rest()
    assert msgspec.json.decode(events[-1].data)["code"] == 4500
    seq = await bob.publish(room, 1)
    with trio.fail_after(PATIENCE):
        said = (await connection.answer()).good().json()
    messages = said["messages"]
    while not any(m["type"] == "event" for m in messages):
        _, messages = await heard(one, said["n"])
    assert [m["seq"] for m in messages if m["type"] == "event"][-1] == seq


# -- sends


async def test_acks_that_are_ready_come_with_the_send_and_late_ones_with_the_poll(
    http: Http, bob: Peer, name: str
) -> None:
    one = await http.session()
    messages = await one.send({"type": "emit", "id": 1, "event": "echo", "data": "now"})
    assert messages == [{"type": "ack", "id": 1, "data": "now"}]
    # What is waited for comes only after this answer, so that the answer did not wait for it.
    assert await one.send({"type": "emit", "id": 2, "event": "wait", "data": name}) == []
    await bob.emit("open", name)
    _, late = await heard(one, 0)
    assert [m for m in late if m["type"] == "ack"] == [{"type": "ack", "id": 2, "data": name}]


async def test_a_send_without_a_request_is_answered_at_once(http: Http) -> None:
    one = await http.session()
    assert await one.send([]) == []
    (pong,) = await one.send({"type": "ping", "time": 7})
    assert (pong["type"], pong["time"]) == ("pong", 7)


async def test_a_send_after_bye_is_404(http: Http) -> None:
    one = await http.session()
    await one.send({"type": "bye"})
    answer = await http.request("POST", "send", one.fields, {"type": "emit", "id": 1, "event": "echo"})
    answer.refused(404, "NOT_FOUND")
    (await one.poll()).refused(404, "NOT_FOUND")


async def test_in_one_send_what_follows_a_bye_is_not_done(http: Http, bob: Peer, name: str) -> None:
    one = await http.session()
    await http.request(
        "POST",
        "send",
        one.fields,
        [{"type": "bye"}, {"type": "emit", "id": 1, "event": "count", "data": name}],
    )
    assert await bob.emit("counted", name) == 0


async def test_an_id_out_of_order_is_not_done(http: Http, bob: Peer, name: str) -> None:
    one = await http.session()
    await one.send({"type": "emit", "id": 9, "event": "echo", "data": 1})
    (ack,) = await one.send({"type": "emit", "id": 8, "event": "count", "data": name})
    assert ack["error"]["code"] == "ACK_EXPIRED"
    assert await bob.emit("counted", name) == 0


@pytest.mark.parametrize(
    "said", [b"", b"{", b"7", b"null", b'"x"', b"\xff", b'{"type":"ping"}{"type":"ping"}', b"[[]]"]
)
async def test_a_body_that_is_no_message_is_an_error_and_harms_nothing(http: Http, said: bytes) -> None:
    one = await http.session()
    answer = await http.request("POST", "send", one.fields, said)
    if answer.status == 200:
        (error,) = answer.json()["messages"]
        assert (error["type"], error["code"]) == ("error", "INVALID_MESSAGE")
    else:
        answer.refused(400, "INVALID_MESSAGE")
    assert await one.emit("echo", 1) == 1


async def test_two_sends_at_once_are_both_done_once(http: Http, bob: Peer, name: str) -> None:
    """The second takes over: it is answered; what the first asked is done, and its ack comes with one of
    them or the poll.
    """
    one = await http.session()
    first, second = await http.open(), await http.open()
    said = {"type": "emit", "id": 1, "event": "count-wait", "data": name}
    await first.ask("POST", "/rt/send", one.fields, msgspec.json.encode(said))
    while await bob.emit("counted", name) == 0:
        pass
    await second.ask("POST", "/rt/send", one.fields, msgspec.json.encode([said, {"type": "ping", "time": 1}]))
    await bob.emit("open", name)
    messages: list[Message] = []
    with trio.fail_after(PATIENCE):
        for connection in (first, second):
            answer = await connection.answer()
            if answer.status == 200:
                messages += answer.json()["messages"]
        after = 0
        while not any(m["type"] == "ack" for m in messages):
            after, more = await heard(one, after)
            messages += more
    assert {m["data"] for m in messages if m["type"] == "ack"} == {1}
    assert await bob.emit("counted", name) == 1


async def test_64_may_wait_and_the_next_is_429(http: Http, bob: Peer, name: str) -> None:
    one = await http.session()
    await one.send({"type": "emit", "id": 1, "event": "wait", "data": name})
    taken = await overloaded(http, one, name, 2)
    # What is no request passes.
    (pong,) = await one.send({"type": "ping", "time": 1})
    assert pong["type"] == "pong"
    await bob.emit("open", name)
    while len(log := await bob.emit("log", name)) < 2 + len(taken):
        pass
    assert log == ["wait begins", "wait ends", *taken]


async def overloaded(http: Http, one: Session, name: str, first: int) -> list[int]:
    """Send requests until one is refused; return the ids of those that were taken."""

    def note(number: int) -> Message:
        return {"type": "emit", "id": number, "event": "note-async", "data": [name, number]}

    taken = list(range(first, first + 60))
    await one.send(*map(note, taken))
    for number in range(first + 60, first + 70):
        answer = await http.request("POST", "send", one.fields, note(number))
        if answer.status == 429:
            answer.refused(429, "OVERLOADED")
            assert int(answer.get("retry-after") or "x") >= 1
            assert 60 <= len(taken) <= 64
            return taken
        answer.good()
        taken.append(number)
    raise AssertionError("65 and more wait")


async def test_a_reply_passes_when_64_wait(http: Http, bob: Peer, name: str) -> None:
    """The handler at their head waits for it: without it none of them would ever be done."""
    one = await http.session()
    await one.send({"type": "emit", "id": 1, "event": "ask", "data": {"event": "question"}})
    after, messages = await heard(one, 0)
    (question,) = [m for m in messages if m["type"] == "request"]
    await overloaded(http, one, name, 2)
    await one.send({"type": "reply", "id": question["id"], "data": "here"})
    while not any(m["type"] == "ack" and m["id"] == 1 for m in messages):
        after, messages = await heard(one, after)
    assert next(m["data"] for m in messages if m["type"] == "ack" and m["id"] == 1) == "here"


async def test_a_poll_session_is_absent_when_no_poll_comes(ground: Ground, dial: Dial, name: str) -> None:
    limits = {"ping_ms": 200, "silence_ms": 300, "hello_ms": 500, "resume_ms": 1200, "close_ms": 500}
    place = ground.place(**limits)
    async with http_at(place) as http:
        one = await http.session()
        bob = await dial(place=place).hello()
        await one.emit("remember-me", name)
        await one.poll()
        assert await bob.emit("is-connected", name)
        with trio.fail_after(PATIENCE):
            while await bob.emit("is-connected", name):
                await bob.listen(0.02)
        # It may still come back within the window, by polling on.
        await one.poll(1)
        assert await bob.emit("is-connected", name)


async def test_all_kinds_of_request_share_one_connection(http: Http, room: str) -> None:
    connection = await http.open()
    answer = await http.request("POST", "session", [], {"type": "hello"}, over=connection)
    one = Session(http, answer.good(), answer.json())
    (ack,) = await one.send({"type": "join", "id": 1, "room": room}, over=connection)
    assert ack["data"]["count"] == 1
    said = (await one.poll(0, 0, over=connection)).good().json()
    for n in range(20):
        await one.send(
            {"type": "publish", "id": 2 + n, "room": room, "event": "say", "data": n}, over=connection
        )
        said = (await one.poll(said["n"], 0, over=connection)).good().json()
    (error,) = await one.send(b"{", over=connection)
    assert error["type"] == "error"
    assert not connection.over
    await connection.ask("GET", "/rt/sse", one.fields)
    assert (await connection.head()).status == 200
