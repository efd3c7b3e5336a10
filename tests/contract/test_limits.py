"""Limits a client can see, on every transport: what is too much is refused with a code, and told in
numbers.
"""

from __future__ import annotations

import pytest

from .conftest import TIGHT, Dial, Ground, Way
from .link import Ended, Refused
from .peer import Peer


async def turned_away(peer: Peer) -> str:
    """Say `hello` and be refused; return how: by a close code, or by a status with a delay."""
    try:
        heard = await peer.link.hello({})
        while heard[0]["type"] != "welcome":
            heard = await peer.link.more()
    except Ended as ended:
        return str(ended.code)
    except Refused as refused:
        refused.answer.refused(refused.status, "OVERLOADED")
        delay = int(refused.answer.get("retry-after") or 0)
        return f"{refused.status} in time" if delay >= 1 else f"{refused.status} without a delay"
    return "let in"


async def test_a_message_that_is_too_long_is_told_the_limit(way: Way, ann: Peer) -> None:
    limit = ann.welcome["limits"]["max_message"]
    message = {"type": "emit", "id": 1, "event": "echo", "data": "x" * limit}
    if way.link.over_http:
        # A server around rtcore may reset a connection of which it has not read all, and the answer is lost.
        with pytest.raises((Refused, Ended) if way.served == "asgi" else Refused) as refused:
            await ann.say(message)
        if isinstance(refused.value, Refused):
            assert str(limit) in refused.value.answer.refused(413, "TOO_LARGE").json()["message"]
        assert await ann.emit("echo", "goes on") == "goes on"
        return
    await ann.say(message)
    ended = await ann.end()
    assert ended.code == 1009
    assert ended.bye is not None
    assert str(limit) in ended.bye["reason"]
    await ann.come_back()
    assert ann.welcome["resumed"] is True


async def test_more_rooms_of_a_session_than_allowed(way: Way, ground: Ground, dial: Dial, name: str) -> None:
    ann = await dial(place=ground.place(way.served, **TIGHT)).hello()
    for n in range(2):
        await ann.join(f"relay:{name}.{n}")
    await ann.refused("OVERLOADED", "join", room=f"relay:{name}.2")
    await ann.ok("leave", room=f"relay:{name}.0")
    await ann.join(f"relay:{name}.2")


async def test_more_sessions_than_allowed(way: Way, own: Ground, dial: Dial, name: str) -> None:
    """Absent ones count; who has a session may come back to it."""
    place = own.place(way.served, sessions=2)
    # Over HTTP nobody is known to be there before it reads or says something, and few may be absent.
    first = await dial(place=place).hello()
    await first.join(f"relay:{name}")
    second = await dial(place=place).hello()
    await second.join(f"relay:{name}")
    first.drop()
    assert await turned_away(dial(place=place)) == ("503 in time" if way.link.over_http else "4003")
    await first.come_back()
    assert first.welcome["resumed"] is True
    await second.bye()
    await dial(place=place).hello()


async def test_more_messages_a_second_than_allowed(way: Way, ground: Ground, dial: Dial) -> None:
    """Counted one by one, also in an array. A WebSocket is closed; over HTTP each one too many is refused."""
    ann = await dial(place=ground.place(way.served, **TIGHT)).hello()
    numbers = [ann.next_id() for _ in range(250)]
    said = [{"type": "emit", "id": number, "event": "echo", "data": number} for number in numbers]
    await ann.say(*said, array=True)
    if way.link.over_http:
        acks = [await ann.ack(number) for number in numbers]
        errors = [ack["error"] for ack in acks if "error" in ack]
        assert {(error["code"], error["retry"]) for error in errors} == {("OVERLOADED", True)}
        assert 100 <= len(acks) - len(errors) < 200  # two seconds' worth at once, and what time gave since
    else:
        assert (await ann.end()).code == 4004
        await ann.come_back()
        assert ann.welcome["resumed"] is True
