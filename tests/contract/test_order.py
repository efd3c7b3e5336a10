"""Order, and each thing once: the number order of the log is the order in which everybody hears."""

from __future__ import annotations

import trio

from .conftest import Dial, Way
from .peer import Peer
from .websocket import WebSocket


async def test_all_rooms_are_heard_in_one_order(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    rooms = [f"relay:{name}.{n}" for n in range(3)]
    for each in rooms:
        await ann.join(each)
        await bob.join(each)
    numbers = [await bob.ask("publish", room=rooms[n % 3], event="say", data=n) for n in range(60)]
    said = [(await bob.result(number))["seq"] for number in numbers]
    await ann.fence()
    heard = [m for m in ann.heard if m["type"] == "event" and m.get("room") in rooms]
    assert [m["seq"] for m in heard] == said == sorted(said)
    assert [m["data"] for m in heard] == list(range(60))


async def test_everybody_hears_the_same_whoever_speaks(way: Way, dial: Dial, room: str) -> None:
    peers = [await dial().hello(), await dial().hello(), await dial(WebSocket).hello()]
    for peer in peers:
        await peer.join(room)

    async def speak(peer: Peer, who: int) -> None:
        for n in range(10):
            await peer.publish(room, [who, n])

    async with trio.open_nursery() as nursery:
        for who, peer in enumerate(peers):
            nursery.start_soon(speak, peer, who)
    heard = []
    for peer in peers:
        await peer.fence()
        heard.append([m["data"] for m in peer.heard if m["type"] == "event" and m.get("room") == room])
    assert heard[0] == heard[1] == heard[2]
    for who in range(3):
        assert [data[1] for data in heard[0] if data[0] == who] == list(range(10))


async def test_an_array_is_its_elements_in_order(way: Way, ann: Peer, room: str) -> None:
    await ann.say(
        {"type": "join", "id": 1, "room": room},
        *({"type": "publish", "id": 2 + n, "room": room, "event": "say", "data": n} for n in range(5)),
        array=True,
    )
    ann.ids = 6
    for number in range(1, 7):
        await ann.result(number)
    await ann.fence()
    assert ann.events(room) == [0, 1, 2, 3, 4]


async def test_in_an_array_a_fault_is_of_its_element_alone(way: Way, ann: Peer) -> None:
    await ann.say(
        {"type": "emit", "id": 1, "event": "echo", "data": "a"},
        {"type": "teleport"},
        {"type": "emit", "id": 2, "event": "echo", "data": "b"},
        array=True,
    )
    assert await ann.result(1) == "a"
    assert (await ann.expect("error"))["code"] == "INVALID_MESSAGE"
    assert await ann.result(2) == "b"


async def test_handlers_of_a_session_run_in_the_order_of_arrival(way: Way, ann: Peer, name: str) -> None:
    """Plain functions and coroutines alike."""
    await ann.say(
        *(
            {"type": "emit", "id": n, "event": ("note", "note-async")[n % 2], "data": [name, n]}
            for n in range(1, 21)
        ),
        array=True,
    )
    ann.ids = 20
    assert await ann.emit("log", name) == list(range(1, 21))


async def test_only_events_move_the_position(way: Way, ann: Peer, bob: Peer, room: str) -> None:
    """An ack's number overtakes what waits: who took it for a position would miss entries."""
    await ann.join(room)
    await bob.join(room)
    seq = await bob.publish(room, "missed")
    own = await ann.publish(room, "own", echo=False)
    assert own > seq
    while ann.find("event", room=room, seq=seq) is None:
        ann.take(await ann.link.more())
    assert ann.position == seq
    ann.drop()
    await ann.come_back()
    await ann.fence()
    assert ann.events(room) == []


async def test_values_arrive_as_they_were_said(way: Way, ann: Peer, bob: Peer, room: str) -> None:
    await ann.join(room)
    await bob.join(room)
    values = [
        None,
        True,
        0,
        -1,
        2**53,
        1.5,
        "",
        "line\nfeed\r\n\u2028\0",
        'quote " \\',
        "☕𝄞",
        [],
        {},
        {"a": [1, {"b": None}]},
        "data: x\n\nevent: y",
        {"type": "bye"},
        "x" * 5000,
    ]
    for value in values:
        await ann.publish(room, value)
        assert await ann.emit("echo", value) == value
    await ann.fence()
    assert ann.events(room) == values
    await bob.fence()
    assert bob.events(room) == values


async def test_binary_is_translated(way: Way, ann: Peer, bob: Peer, room: str) -> None:
    await ann.join(room)
    await bob.join(room)
    said = b"\x00\xff\x07" if way.link.name == "msgpack" else {"$bin": "AP8H"}
    await ann.publish(room, {"blob": said})
    assert (await bob.expect("event", room=room))["data"] == {"blob": {"$bin": "AP8H"}}
    assert (await ann.expect("event", room=room))["data"] == {"blob": said}
