"""The event stream as a browser's `EventSource` uses it: ids, what is no entry, plain format, rooms
without a session.
"""

from __future__ import annotations

import msgspec
import pytest
import trio

from tests.patience import PATIENCE

from .conftest import QUICK, Dial, Ground
from .http_peer import Http, Stream, http_at
from .peer import Peer


async def test_messages_come_as_json_without_a_name_and_with_ids_on_entries_alone(
    http: Http, bob: Peer, room: str
) -> None:
    one = await http.session()
    stream = await one.stream()
    await bob.join(room)
    await one.ask("join", room=room)
    seq = await bob.publish(room, "line\nfeed")
    await bob.ok("publish", room=room, event="cursor", volatile=True, data=1)
    kept = volatile = None
    while volatile is None:
        event = await stream.event()
        message = msgspec.json.decode(event.data)
        assert event.kind == "message"
        assert event.own_id == (message["type"] == "event" and "seq" in message)
        if message["type"] == "event":
            kept, volatile = (message, None) if "seq" in message else (kept, message)
    assert kept is not None
    assert (kept["seq"], kept["data"]) == (seq, "line\nfeed")
    assert stream.parser.last_id == bob.at(seq)
    assert stream.answer.get("x-accel-buffering") == "no"
    assert stream.answer.get("cache-control") == "no-store, no-transform"


async def test_the_last_event_id_is_the_position_and_the_header_wins(
    http: Http, bob: Peer, room: str
) -> None:
    one = await http.session()
    await bob.join(room)
    await one.ask("join", room=room)
    numbers = [await bob.publish(room, n) for n in range(6)]
    for query, header, first in (
        (f"?position={bob.at(numbers[3])}", None, 4),
        ("", bob.at(numbers[1]), 2),
        (f"?position={bob.at(numbers[4])}", bob.at(numbers[2]), 3),
    ):
        stream = await one.stream(query, [("Last-Event-ID", header)] if header else [])
        assert (await stream.message("event", room=room))["data"] == first
        stream.close()


@pytest.mark.parametrize(
    "last", ["zz9zz.1", "{epoch}.{future}", "nonsense", "{epoch}.-1", "{epoch}.1.2", "\xff"]
)
async def test_a_last_event_id_that_says_nothing_is_a_gap_that_says_so(
    http: Http, bob: Peer, room: str, last: str
) -> None:
    """Of another epoch, of the future, unreadable: told, and then it goes on."""
    one = await http.session()
    await bob.join(room)
    await one.ask("join", room=room)
    value = last.format(epoch=one.welcome["epoch"], future=2**50)
    stream = await one.stream("", [("Last-Event-ID", value)])
    gap = await stream.message("gap", room=room)
    assert (gap["from"], gap["reason"]) == (0, "epoch")
    await bob.publish(room, "on we go")
    assert (await stream.message("event", room=room))["data"] == "on we go"


# -- rooms without a session


async def test_a_stream_of_rooms_needs_no_session(http: Http, bob: Peer, name: str) -> None:
    rooms = [f"relay:{name}.{n}" for n in range(2)]
    for room in rooms:
        await bob.join(room)
    stream = await http.stream(f"sse?room={rooms[0]}&room={rooms[1]}")
    first = await stream.event()
    welcome = msgspec.json.decode(first.data)
    assert (welcome["type"], first.own_id) == ("welcome", False)
    numbers = [await bob.publish(rooms[n % 2], n) for n in range(4)]
    for seq in numbers:
        event = await stream.event()
        assert (msgspec.json.decode(event.data)["seq"], event.last_id) == (seq, bob.at(seq))
    # It is no member in presence, and nobody hears of it.
    assert (await bob.join(rooms[0]))["count"] == 1
    stream.close()
    again = await http.stream(f"sse?room={rooms[0]}&room={rooms[1]}", [("Last-Event-ID", bob.at(numbers[0]))])
    await again.message("welcome")
    assert [(await again.message("event"))["seq"] for _ in range(3)] == numbers[1:]
    await bob.fence()
    bob.none("presence", count=2)


async def test_last_and_since_bring_the_past_as_ordinary_events(http: Http, bob: Peer, room: str) -> None:
    await bob.join(room)
    numbers = [await bob.publish(room, n) for n in range(6)]
    for query, past in ((f"since={bob.at(numbers[2])}", numbers[3:]), ("last=2", None)):
        past = past or numbers[-2:]
        stream = await http.stream(f"sse?room={room}&{query}")
        await stream.message("welcome")
        assert [(await stream.message("event"))["seq"] for _ in past] == past
        numbers.append(await bob.publish(room, "and what comes after it"))
        assert (await stream.message("event"))["seq"] == numbers[-1]
        stream.close()


async def test_what_the_ring_let_go_is_told(http: Http, bob: Peer, name: str) -> None:
    room = f"small:{name}"
    await bob.join(room)
    numbers = [await bob.publish(room, n) for n in range(12)]
    stream = await http.stream(f"sse?room={room}", [("Last-Event-ID", bob.at(numbers[0]))])
    gap = await stream.message("gap", room=room)
    assert gap["from"] <= numbers[1]
    assert gap["to"] >= numbers[6]
    assert [(await stream.message("event"))["data"] for _ in range(5)] == list(range(7, 12))


async def test_rooms_that_one_may_not_hear_are_refused_before_the_stream_begins(
    http: Http, bob: Peer, name: str
) -> None:
    await bob.emit("deny", f"guarded:{name}")
    (await http.request("GET", f"sse?room=guarded:{name}")).refused(403, "FORBIDDEN")
    (await http.request("GET", f"sse?room=relay:{name}&room=guarded:{name}")).refused(403, "FORBIDDEN")
    (await http.request("GET", f"sse?room=nowhere:{name}")).refused(404, "NOT_FOUND")
    for query in (
        "",
        "room=",
        "room=a%0Ab",
        f"room={'x' * 256}",
        f"room=relay:{name}&last=x",
        "room=$user/ann",
    ):
        answer = await http.request("GET", f"sse?{query}")
        assert answer.status in (400, 401, 403, 404), (query, answer.status, answer.body)
        assert answer.json()["message"]


async def test_such_a_session_ends_with_its_response(http: Http, dial: Dial, room: str) -> None:
    stream = await http.stream(f"sse?room={room}")
    welcome = await stream.message("welcome")
    stream.close()
    again = await dial().hello(session=welcome["session"], key=welcome.get("key") or "")
    assert again.welcome["resumed"] is False


# -- plain format, and injection


async def plain(http: Http, room: str) -> Stream:
    stream = await http.stream(f"sse?room={room}&format=plain")
    assert (await stream.event()).kind == "$welcome"
    return stream


async def test_plain_is_the_name_and_the_data_alone(http: Http, bob: Peer, room: str) -> None:
    stream = await plain(http, room)
    await bob.join(room)
    seq = await bob.publish(room, "just text", event="news")
    event = await stream.event()
    assert (event.kind, event.data, event.last_id, event.own_id) == ("news", "just text", bob.at(seq), True)
    await bob.publish(room, {"a": [1, None]}, event="news")
    assert msgspec.json.decode((await stream.event()).data) == {"a": [1, None]}
    await bob.publish(room, None, event="news")
    assert (await stream.event()).data == "null"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\n\n", "\r\r", "\n\r", "\r\n\r\n"])
async def test_text_with_line_ends_cannot_say_anything_of_its_own(
    http: Http, bob: Peer, room: str, end: str
) -> None:
    stream = await plain(http, room)
    await bob.join(room)
    text = f"begin{end}event: evil{end}data: evil{end}id: 999.999{end}retry: 1{end}: comment{end}{end}end"
    seq = await bob.publish(room, text, event="news")
    event = await stream.event()
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    assert (event.kind, event.data, event.last_id) == ("news", lines, bob.at(seq))
    assert stream.parser.retry != 1
    await bob.publish(room, "after", event="news")
    assert (await stream.event()).data == "after"


async def test_text_of_all_sorts_arrives(http: Http, bob: Peer, room: str) -> None:
    stream = await plain(http, room)
    await bob.join(room)
    for text in (
        "",
        " leading space",
        "\ufeffmark",
        "\0",
        ":colon",
        "data: x",
        "\u2028\u2029\x85",
        "☕" * 500,
    ):
        await bob.publish(room, text, event="news")
        assert (await stream.event()).data == text


@pytest.mark.parametrize("name_", ["a\nb", "a\rb", "a\r\nid: 1.1", "\n", "a\0b", "\x7f", "$gap", "a\x85b"])
async def test_names_with_control_characters_are_nobody_s_event(
    http: Http, bob: Peer, room: str, name_: str
) -> None:
    stream = await plain(http, room)
    await bob.join(room)
    ack = await bob.ack(await bob.ask("publish", room=room, event=name_, data=1))
    await bob.publish(room, "next", event="news")
    if "error" in ack:
        assert ack["error"]["code"] in ("INVALID_MESSAGE", "FORBIDDEN")
    else:
        assert (await stream.event()).kind == name_
    assert (await stream.event()).kind == "news"


@pytest.mark.parametrize("name_", ["message", "error", "open", " leading", "a:b", "☕"])
async def test_names_of_all_sorts_arrive(http: Http, bob: Peer, room: str, name_: str) -> None:
    stream = await plain(http, room)
    await bob.join(room)
    await bob.publish(room, 1, event=name_)
    assert (await stream.event()).kind == name_


async def test_what_is_no_event_comes_under_a_name_of_ours(http: Http, bob: Peer, name: str) -> None:
    room = f"small:{name}"
    await bob.join(room)
    numbers = [await bob.publish(room, n) for n in range(12)]
    stream = await http.stream(f"sse?room={room}&format=plain", [("Last-Event-ID", bob.at(numbers[0]))])
    kinds = []
    while (event := await stream.event()).data != "11":
        kinds.append(event.kind)
    assert kinds[0] == "$welcome"
    assert "$gap" in kinds


# -- life


async def test_a_comment_comes_each_ping_or_a_message_where_one_asks(ground: Ground, room: str) -> None:
    async with http_at(ground.place(**{**QUICK, "silence_ms": 5000, "resume_ms": 10_000})) as http:
        quiet = await http.stream(f"sse?room={room}")
        await quiet.message("welcome")
        beats = await http.stream(f"sse?room={room}&beat=1")
        for _ in range(3):
            assert "time" in await beats.message("ping", 2)
        comments = len(quiet.parser.comments)
        with trio.fail_after(PATIENCE):
            while len(quiet.parser.comments) < comments + 3:
                quiet.parser.feed(await quiet.connection.part() or b"")


async def test_retry_is_told_at_the_beginning(http: Http, room: str) -> None:
    stream = await http.stream(f"sse?room={room}")
    await stream.message("welcome")
    assert stream.parser.retry is not None
    assert 100 <= stream.parser.retry <= 60_000


async def test_a_stream_that_must_not_come_back_is_told_so(http: Http) -> None:
    """An `EventSource` comes back for ever, unless what answers is no stream: as after a session's end."""
    one = await http.session(ticket=True)
    stream = await http.stream(f"sse?ticket={one.welcome['ticket']}")
    await one.send({"type": "emit", "event": "end-me", "data": "enough"})
    events = await stream.rest()
    bye = msgspec.json.decode(events[-1].data)
    assert (bye["type"], bye["code"]) == ("bye", 4503)
    answer = await http.request("GET", f"sse?ticket={one.welcome['ticket']}", [("Last-Event-ID", "x.1")])
    assert answer.status in (204, 404), (answer.status, answer.body)


async def test_a_second_stream_takes_over_from_the_first(http: Http, bob: Peer, room: str) -> None:
    one = await http.session()
    await bob.join(room)
    await one.ask("join", room=room)
    first = await one.stream()
    seq = await bob.publish(room, 0)
    await first.message("event", seq=seq)
    second = await one.stream("", [("Last-Event-ID", bob.at(seq))])
    events = await first.rest()
    assert msgspec.json.decode(events[-1].data)["code"] == 4500
    await bob.publish(room, 1)
    assert (await second.message("event", room=room))["data"] == 1


async def test_a_stream_that_was_lost_before_it_said_anything_loses_nothing(
    http: Http, bob: Peer, room: str
) -> None:
    """A browser that has read no id sends none: it goes on from the `welcome`'s position."""
    one = await http.session(ticket=True)
    await bob.join(room)
    await one.ask("join", room=room)
    for _ in range(3):
        (await http.stream(f"sse?ticket={one.welcome['ticket']}")).close()
        await bob.publish(room, "said while nobody read")
    stream = await http.stream(f"sse?ticket={one.welcome['ticket']}")
    for _ in range(3):
        assert (await stream.message("event", room=room))["data"] == "said while nobody read"
