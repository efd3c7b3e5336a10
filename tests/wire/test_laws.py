"""What holds whatever happens: random drops, random cuts. The seeds are fixed, so a failure stays one."""

from __future__ import annotations

import random

import pytest

from . import frames
from .client import JSON, MSGPACK, Client
from .conftest import Dial


def resume(dial: Dial, old: Client, **options: object) -> Client:
    """Cut the line and come back; what was heard before is kept."""
    fields = old.returning()
    old.drop()
    new = dial(**options)  # type: ignore[arg-type]
    new.heard = old.heard
    new.ids = old.ids
    new.hello(**fields)
    assert new.welcome["resumed"] is True
    return new


@pytest.mark.parametrize("seed", range(4))
def test_each_entry_is_heard_once_and_in_order_over_random_drops(dial: Dial, name: str, seed: int) -> None:
    chance = random.Random(seed)
    rooms = [f"relay:{name}.{n}" for n in range(3)]
    ann, bob = dial().hello(), dial().hello()
    for room in rooms:
        ann.join(room)
        bob.join(room)
    said: list[int] = []
    for _ in range(25):
        numbers = [
            bob.ask("publish", room=chance.choice(rooms), event="say", data=n)
            for n in range(chance.randint(0, 12))
        ]
        if chance.random() < 0.5:  # in the middle of what is being said
            ann = resume(dial, ann, protocols=[chance.choice([JSON, MSGPACK])])
        said += [bob.result(number)["seq"] for number in numbers]
        if chance.random() < 0.5:
            for _ in range(chance.randint(0, 5)):
                if ann.pending or chance.random() < 0.5:
                    ann.listen(0.002)
        if chance.random() < 0.5:
            ann = resume(dial, ann, protocols=[chance.choice([JSON, MSGPACK])])
    ann.fence()
    heard = [m["seq"] for m in ann.heard if m["type"] == "event" and m.get("room") in rooms]
    assert heard == said
    assert not [m for m in ann.heard if m["type"] == "gap"]


@pytest.mark.parametrize("seed", range(4))
def test_each_request_is_done_once_over_random_drops(dial: Dial, name: str, seed: int) -> None:
    chance = random.Random(seed)
    ann = dial().hello()
    open_requests: dict[int, dict[str, object]] = {}
    results: dict[int, object] = {}

    def collect() -> None:
        for number in list(open_requests):
            if (ack := ann.find("ack", id=number)) is not None:
                assert "error" not in ack, (ack, ann.welcome["taken"])
                results[number] = ack["data"]
                del open_requests[number]

    for _ in range(25):
        for _ in range(chance.randint(0, 8)):
            number = ann.next_id()
            message = {"type": "emit", "id": number, "event": "note-async", "data": [name, number]}
            open_requests[number] = message
            ann.send(message)
        if chance.random() < 0.5:
            ann.listen(0.002)
        collect()
        if chance.random() < 0.5:
            ann = resume(dial, ann)
            for number in sorted(open_requests):
                ann.send(open_requests[number])
    while open_requests:
        ann.take()
        collect()
    log = ann.emit("log", name)
    assert log == sorted(log)
    assert log == sorted(results)
    assert [results[number] for number in log] == list(range(1, len(log) + 1))


@pytest.mark.parametrize("seed", range(4))
def test_where_tcp_cuts_the_stream_changes_nothing(dial: Dial, name: str, seed: int) -> None:
    chance = random.Random(seed)
    ann = dial(deflate="permessage-deflate").hello()
    stream = bytearray()
    expected = []
    for number in range(1, 60):
        data = "ü" * chance.choice([0, 1, 60, 200, 3000])
        said = ann.encode({"type": "emit", "id": number, "event": "echo", "data": data})
        expected.append(data)
        kind = chance.randint(0, 3)
        if kind == 0:
            stream += frames.encode(frames.TEXT, frames.deflate(said), flags=frames.RSV1)
        elif kind == 1:
            cut = chance.randint(0, len(said))
            stream += frames.encode(frames.TEXT, said[:cut], fin=False)
            stream += frames.encode(frames.PING, b"p")
            stream += frames.encode(frames.CONTINUATION, said[cut:])
        else:
            stream += frames.encode(frames.TEXT, said)
    at = 0
    while at < len(stream):
        step = chance.choice([1, 2, 3, 7, 100, 4000])
        ann.raw(bytes(stream[at : at + step]))
        at += step
    assert [ann.result(number) for number in range(1, 60)] == expected
