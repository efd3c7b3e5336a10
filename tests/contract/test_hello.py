"""The only way in, on every transport."""

from __future__ import annotations

import pytest

from .conftest import Dial, Ground, Way
from .link import Ended, Message, Refused
from .peer import Peer

FIELDS = {
    "type",
    "v",
    "session",
    "key",
    "epoch",
    "seq",
    "head",
    "taken",
    "resumed",
    "rooms",
    "limits",
    "transports",
    "time",
}


async def turned_away(peer: Peer, fields: Message) -> Ended:
    """Say `hello` on a WebSocket; return how it ended."""
    try:
        await peer.link.hello(fields)
    except Ended as ended:
        return ended
    return await peer.end()


async def test_welcome_says_all_that_a_client_must_know(way: Way, ann: Peer) -> None:
    assert set(ann.welcome) >= FIELDS
    assert ann.welcome["v"] == 1
    assert (ann.welcome["resumed"], ann.welcome["taken"], ann.welcome["rooms"]) == (False, 0, [])
    assert ann.welcome.get("user") is None
    assert ann.welcome["seq"] == ann.welcome["head"]
    assert {"max_message", "ping", "silence", "resume", "acks", "name"} <= set(ann.welcome["limits"])
    assert way.link.transport in ann.welcome["transports"]


async def test_two_sessions_have_nothing_in_common(way: Way, dial: Dial) -> None:
    ann, bob = await dial().hello(), await dial().hello()
    assert ann.session != bob.session
    assert ann.welcome["key"] != bob.welcome["key"]
    assert ann.welcome["epoch"] == bob.welcome["epoch"]


async def test_a_second_hello_is_an_error(way: Way, ann: Peer) -> None:
    await ann.say({"type": "hello"})
    error = await ann.expect("error")
    assert error["code"] == "INVALID_MESSAGE"
    assert await ann.emit("echo", "goes on") == "goes on"


async def test_a_token_names_the_user(way: Way, ground: Ground, dial: Dial) -> None:
    place = ground.place(way.served, app="app_auth", expiring_ms=1000)
    ann = await dial(place=place).hello(token="ann")
    assert ann.welcome["user"] == "ann"
    assert (await ann.emit("whoami"))["user"] == "ann"
    anonymous = await dial(place=place).hello(token="anonymous")
    assert anonymous.welcome.get("user") is None


async def test_a_token_that_is_not_accepted_gets_no_session(way: Way, ground: Ground, dial: Dial) -> None:
    place = ground.place(way.served, app="app_auth", expiring_ms=1000)
    peer = dial(place=place)
    if way.link.over_http:
        with pytest.raises(Refused) as refused:
            await peer.link.hello({"token": "bad"})
        refused.value.answer.refused(401, "UNAUTHORIZED")
    else:
        assert (await turned_away(peer, {"token": "bad"})).code == 4501


async def test_a_check_that_fails_is_the_server_s_fault(way: Way, ground: Ground, dial: Dial) -> None:
    place = ground.place(way.served, app="app_auth", expiring_ms=1000)
    peer = dial(place=place)
    if way.link.over_http:
        with pytest.raises(Refused) as refused:
            await peer.link.hello({"token": "broken"})
        refused.value.answer.refused(500, "INTERNAL")
    else:
        assert (await turned_away(peer, {"token": "broken"})).code == 1011


async def test_an_expiring_token_is_told_and_renewed(way: Way, ground: Ground, dial: Dial) -> None:
    place = ground.place(way.served, app="app_auth", expiring_ms=1000)
    ann = await dial(place=place).hello(token="ann/1400")
    expiring = await ann.expect("expiring")
    assert expiring["at"] == ann.welcome["expires"]
    renewed = await ann.ok("auth", token="ann/60000")
    assert renewed["expires"] > expiring["at"]
    assert await ann.emit("echo", 1) == 1


async def test_a_token_that_is_over_ends_the_connection_and_not_the_session(
    way: Way, ground: Ground, dial: Dial
) -> None:
    place = ground.place(way.served, app="app_auth", expiring_ms=1000)
    ann = await dial(place=place).hello(token="ann/700")
    async with ann.ending():
        pass
    assert ann.ended is not None
    assert ann.ended.code == 4005
    await ann.come_back(token="ann/60000")
    assert ann.welcome["resumed"] is True


async def test_a_wrong_key_and_an_unknown_session_look_the_same(
    way: Way, dial: Dial, ann: Peer, room: str
) -> None:
    await ann.join(room)
    answers = []
    for fields in (
        {"session": ann.session, "key": "wrong"},
        {"session": "unknown", "key": ann.welcome["key"]},
        {"session": ann.session},
        {"session": ann.session, "key": ""},
    ):
        other = await dial().hello(**fields)
        assert other.session != ann.session
        said = other.welcome
        answers.append((said["resumed"], said["rooms"], said["taken"], sorted(said)))
    assert all(answer == (False, [], 0, sorted(ann.welcome)) for answer in answers)
    assert await ann.emit("echo", "undisturbed") == "undisturbed"
