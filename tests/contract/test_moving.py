"""A session moves from one transport to another, the new attached while the old one lives: nothing is lost,
repeated or out of order, and requests do not notice.
"""

from __future__ import annotations

import itertools

import pytest
import trio
import trio.testing

from .conftest import Dial, Ground
from .link import Link, Message
from .peer import Peer, told
from .polling import Polling
from .sse import Sse
from .websocket import MsgPackSocket, WebSocket

LINKS: list[type[Link]] = [WebSocket, MsgPackSocket, Sse, Polling]
MOVES = [pytest.param(old, new, id=f"{old.name}-{new.name}") for old, new in itertools.product(LINKS, LINKS)]


@pytest.fixture(params=MOVES[:0] or [move.values for move in MOVES], ids=[move.id for move in MOVES])
def move(request: pytest.FixtureRequest) -> tuple[type[Link], type[Link]]:
    """Each pair of transports."""
    return request.param


async def test_the_old_one_is_told_and_the_new_one_goes_on(dial: Dial, bob: Peer, room: str, move) -> None:
    old, new = move
    ann = await dial(old).hello()
    session = ann.session
    await ann.join(room)
    await bob.join(room)
    await bob.publish(room, "heard")
    await ann.expect("event", data="heard")
    await bob.publish(room, "on its way")  # or heard already: the position tells
    older = ann.link
    parting: list[Message] = []

    async def listen() -> None:
        parting.append(await told(older, 4500))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        await trio.testing.wait_all_tasks_blocked(0.02)
        await ann.move(new)
    assert parting
    assert (ann.welcome["resumed"], ann.session) == (True, session)
    assert [listed["room"] for listed in ann.welcome["rooms"]] == [room]
    await bob.publish(room, "after")
    await ann.fence()
    assert ann.events(room) == ["on its way", "after"], "the old one's last words were not counted as heard"
    assert await ann.publish(room, "mine", echo=False) > 0
    ann.none("gap")


async def test_a_request_taken_on_one_is_acked_on_the_other_and_done_once(
    dial: Dial, bob: Peer, name: str, move
) -> None:
    old, new = move
    ann = await dial(old).hello()
    message = {"type": "emit", "id": ann.next_id(), "event": "count-wait", "data": name}
    await ann.say(message)
    while await bob.emit("counted", name) == 0:
        pass
    await ann.move(new)
    assert ann.welcome["taken"] == message["id"]
    await bob.emit("open", name)
    assert await ann.result(message["id"]) == 1
    await ann.say(message)
    assert await ann.result(message["id"]) == 1
    assert await ann.emit("counted", name) == 1


async def test_a_request_of_the_server_moves_too(dial: Dial, move) -> None:
    old, new = move
    ann = await dial(old).hello()
    number = await ann.ask("emit", event="ask", data={"event": "question"})
    question = await ann.expect("request")
    await ann.move(new)
    assert (await ann.expect("request"))["id"] == question["id"]
    await ann.say({"type": "reply", "id": question["id"], "data": "from the other side"})
    assert await ann.result(number) == "from the other side"


async def test_from_plain_to_tls_is_not_the_same_server(dial: Dial, ground: Ground) -> None:
    """Sessions belong to their server: another one knows nothing of them, and says so in the usual way."""
    ann = await dial(WebSocket).hello()
    await ann.come_back(Sse, ground.place("tls"))
    assert ann.welcome["resumed"] is False


async def test_over_ten_moves_in_a_row_nothing_is_lost(dial: Dial, bob: Peer, room: str) -> None:
    ann = await dial(Polling).hello()
    await ann.join(room)
    await bob.join(room)
    said = []
    for n, kind in enumerate(itertools.islice(itertools.cycle(LINKS), 10)):
        said.append(await bob.publish(room, 2 * n))
        await ann.move(kind)
        said.append(await bob.publish(room, 2 * n + 1))
    await ann.fence()
    assert [m["seq"] for m in ann.heard if m["type"] == "event" and m.get("room") == room] == said


@pytest.mark.parametrize("new", [Sse, Polling, WebSocket], ids=["sse", "polling", "websocket"])
async def test_an_old_poll_between_two_polls_is_told_too(dial: Dial, new: type[Link]) -> None:
    """It comes back with its old number, and finds that the session is elsewhere."""
    ann = await dial(Polling).hello()
    await ann.fence()
    older = await ann.move(new)
    await told(older, 4500)
    assert await ann.emit("echo", "undisturbed") == "undisturbed"


async def test_what_still_arrives_on_the_old_one_is_not_done(dial: Dial, bob: Peer, name: str) -> None:
    """An old socket has no session any more."""
    ann = await dial(WebSocket).hello()
    older = await ann.move(Sse)
    await older.say({"type": "emit", "id": 1, "event": "count", "data": name})
    await told(older, 4500)
    assert await ann.emit("counted", name) == 0


@pytest.mark.parametrize("old", [Sse, Polling], ids=["sse", "polling"])
async def test_a_send_that_comes_after_the_move_to_a_websocket_is_not_done(
    dial: Dial, name: str, old: type[Link]
) -> None:
    """Its key still says whose it is; what is done is what comes where the session is."""
    ann = await dial(old).hello()
    older = await ann.move(WebSocket)
    await older.say({"type": "emit", "id": 1, "event": "count", "data": name})
    assert await ann.emit("counted", name) == 0


@pytest.mark.parametrize("kind", LINKS, ids=[link.name for link in LINKS])
async def test_moving_with_another_user_s_token_is_a_fresh_session(
    dial: Dial, ground: Ground, kind: type[Link]
) -> None:
    place = ground.place(app="app_auth", expiring_ms=1000)
    ann = await dial(kind, place).hello(token="ann")
    eve = dial(Sse, place)
    await eve.hello(**ann.returning(), token="eve")
    assert (eve.welcome["resumed"], eve.welcome["user"]) == (False, "eve")
    assert await ann.emit("echo", "undisturbed") == "undisturbed"
