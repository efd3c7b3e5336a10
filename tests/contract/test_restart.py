"""What lives over a restart, on every transport: sessions, entries of durable rooms, and what is told."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.wire.server import Server

from .conftest import WAYS, Dial, Ground, Way
from .http_peer import Http
from .link import Place
from .peer import Peer
from .websocket import WebSocket

LIMITS = {"grace_ms": 1000, "close_ms": 300}


class Living(NamedTuple):
    """A folder, and the servers that live in it one after the other."""

    own: Ground
    way: Way
    data: Path

    def server(self) -> Server:
        """The one that lives now, or the next."""
        return self.own.server(self.way.served, "--data", str(self.data), app="app_durable", **LIMITS)

    def place(self) -> Place:
        """Where it listens."""
        return self.own.place(self.way.served, "--data", str(self.data), app="app_durable", **LIMITS)

    def crash(self) -> None:
        """`kill -9`."""
        process = self.server().process
        process.kill()
        process.wait()

    def stop(self) -> None:
        """In good order."""
        server = self.server()
        server.terminate()
        assert server.wait() == 0


# Each test starts two servers, and how a server is reached says nothing of its restart.
@pytest.fixture(params=["websocket", "msgpack", "sse", "polling"])
def way(request: pytest.FixtureRequest) -> Way:
    """Each transport in turn, plain."""
    return WAYS[request.param]


@pytest.fixture
def living(own: Ground, way: Way, tmp_path: Path) -> Living:
    return Living(own, way, tmp_path / "data")


async def back(peer: Peer, living: Living) -> Peer:
    """The same session at the next server."""
    peer.drop()
    return await peer.come_back(place=living.place(), token=peer.token)  # type: ignore[attr-defined]


async def user(dial: Dial, living: Living, name: str, by: type | None = None) -> Peer:
    """A session of this user."""
    peer = dial(by, place=living.place())
    peer.token = name  # type: ignore[attr-defined]
    return await peer.hello(token=name)


@pytest.mark.parametrize("ending", ["crash", "stop"])
async def test_a_session_of_a_durable_room_goes_on(living: Living, dial: Dial, ending: str) -> None:
    ann = await user(dial, living, "ann")
    bob = await user(dial, living, "bob", WebSocket)
    for room in ("orders:1", "notes:1"):
        joined = await ann.join(room)
        assert joined["durable"] is True
        await bob.join(room)
    await bob.publish("orders:1", "heard")
    await ann.expect("event", data="heard")
    before, began = dict(ann.welcome), ann.position
    ann.drop()
    numbers = [await bob.publish(("orders:1", "notes:1")[n % 2], n) for n in range(6)]
    getattr(living, ending)()
    await back(ann, living)
    assert ann.welcome["resumed"] is True
    assert (ann.session, ann.welcome["epoch"]) == (before["session"], before["epoch"])
    assert ann.welcome["life"] != before["life"]
    assert ann.welcome["seq"] == began
    assert {listed["room"]: listed["complete"] for listed in ann.welcome["rooms"]} == {
        "orders:1": True,
        "notes:1": True,
    }
    for n in range(6):
        event = await ann.expect("event", room=("orders:1", "notes:1")[n % 2])
        assert (event["data"], event["seq"], event["from"]["user"]) == (n, numbers[n], "bob")
    for message in ann.heard:
        assert not (message["type"] == "gap" and message.get("room") in {"orders:1", "notes:1"}), message
    await back(bob, living)
    assert bob.welcome["resumed"] is True
    assert await bob.publish("orders:1", "on we go") > numbers[-1]
    await ann.expect("event", data="on we go")


async def test_what_only_memory_held_is_a_gap_that_says_restart(living: Living, dial: Dial) -> None:
    ann = await user(dial, living, "ann")
    await ann.join("orders:1")
    at = ann.position
    living.crash()
    await back(ann, living)
    assert ann.welcome["resumed"] is True
    gap = await ann.expect("gap", room="$all")
    assert gap["reason"] == "restart"
    assert gap["from"] == (at or 0) + 1
    alone = await ann.expect("gap")
    assert "room" not in alone or alone["room"] is None
    assert alone["reason"] == "restart"
    number = await ann.publish("orders:1", "next")
    assert number > gap["to"]
    assert (await ann.expect("event", data="next"))["seq"] == number


async def test_a_session_without_durable_matter_begins_anew(living: Living, dial: Dial) -> None:
    ann = dial(place=living.place())
    await ann.hello()
    await ann.join("relay:1")
    epoch = ann.welcome["epoch"]
    living.crash()
    ann.drop()
    await ann.come_back(place=living.place())
    assert ann.welcome["resumed"] is False
    assert ann.welcome["epoch"] == epoch
    gap = await ann.expect("gap", room="$all")
    assert gap["reason"] == "restart"


async def test_a_durable_request_is_done_once_and_a_live_one_is_unknown(living: Living, dial: Dial) -> None:
    ann = await user(dial, living, "ann")
    await ann.join("orders:1")
    publish = {"type": "publish", "id": ann.next_id(), "room": "orders:1", "event": "say", "data": "once"}
    buy = {"type": "emit", "id": ann.next_id(), "event": "buy", "data": "tea"}
    live = {"type": "emit", "id": ann.next_id(), "event": "count", "data": "milk"}
    await ann.say(publish, buy, live)
    seq = (await ann.result(publish["id"]))["seq"]
    assert await ann.result(buy["id"]) == 1
    assert await ann.result(live["id"]) == 1
    living.crash()
    await back(ann, living)
    assert ann.welcome["taken"] >= live["id"]
    await ann.say(publish, buy, live)
    assert (await ann.result(publish["id"]))["seq"] == seq
    assert await ann.result(buy["id"]) == 1
    await ann.failure(live["id"], "OUTCOME_UNKNOWN")
    ann.ids = ann.welcome["taken"]
    assert await ann.emit("counted", "tea") == 0
    assert await ann.emit("counted", "milk") == 0
    await ann.join("orders:2", since=ann.at(0))
    page = await ann.ok("history", room="orders:1", after=ann.at(0))
    assert [entry["data"] for entry in page["history"]] == ["once"]


async def test_a_durable_request_that_was_cut_off_is_unknown_and_never_done_again(
    living: Living, dial: Dial
) -> None:
    ann = await user(dial, living, "ann")
    bob = await user(dial, living, "bob", WebSocket)
    message = {"type": "emit", "id": ann.next_id(), "event": "buy-slowly", "data": "tea"}
    await ann.say(message)
    while await bob.emit("counted", "tea") == 0:
        pass
    living.crash()
    await back(ann, living)
    await ann.say(message)
    error = await ann.failure(message["id"], "OUTCOME_UNKNOWN")
    assert error["retry"] is False
    await back(bob, living)
    bob.ids = bob.welcome["taken"]
    assert await bob.emit("counted", "tea") == 0


async def test_a_key_of_a_durable_publish_lives_on(living: Living, dial: Dial) -> None:
    ann = await user(dial, living, "ann")
    await ann.join("orders:1")
    seq = await ann.publish("orders:1", "once", key="k1")
    living.crash()
    await back(ann, living)
    ann.ids = ann.welcome["taken"]
    assert await ann.publish("orders:1", "once", key="k1") == seq
    await ann.refused("KEY_CONFLICT", "publish", room="orders:1", event="say", data="other", key="k1")


async def test_who_was_taken_out_or_ended_is_not_back(living: Living, dial: Dial) -> None:
    ann = await user(dial, living, "ann")
    bob = await user(dial, living, "bob", WebSocket)
    cid = await user(dial, living, "cid", WebSocket)
    for peer in (ann, bob, cid):
        await peer.join("orders:1")
    assert await cid.emit("kick", {"room": "orders:1", "session": ann.session}) is True
    await cid.emit("end", bob.session)
    living.crash()
    await back(ann, living)
    assert ann.welcome["resumed"] is True
    assert [listed["room"] for listed in ann.welcome["rooms"]] == []
    await back(bob, living)
    assert bob.welcome["resumed"] is False


async def test_who_leaves_or_says_bye_is_not_back(living: Living, dial: Dial) -> None:
    """Told of a leave, or of the end, and then the crash."""
    ann = await user(dial, living, "ann")
    bob = await user(dial, living, "bob")
    for peer in (ann, bob):
        for room in ("orders:1", "orders:2"):
            await peer.join(room)
    await ann.ok("leave", room="orders:1")
    await bob.bye()
    living.crash()
    await back(ann, living)
    assert [listed["room"] for listed in ann.welcome["rooms"]] == ["orders:2"]
    await back(bob, living)
    assert bob.welcome["resumed"] is False


async def test_history_is_older_than_the_ring(living: Living, dial: Dial) -> None:
    ann = await user(dial, living, "ann")
    await ann.join("short:1")
    numbers = [await ann.publish("short:1", n) for n in range(20)]
    page = await ann.ok("history", room="short:1", after=ann.at(numbers[0]), limit=10)
    assert [entry["data"] for entry in page["history"]] == list(range(1, 11))
    assert (page["complete"], page["more"]) == (True, True)
    page = await ann.ok("history", room="short:1", last=12)
    assert [entry["data"] for entry in page["history"]] == list(range(8, 20))
    assert page["complete"] is True, "what is older than the newest twelve was not asked for"
    bob = await user(dial, living, "bob", WebSocket)
    joined = await bob.join("short:1", since=ann.at(numbers[4]))
    assert [entry["data"] for entry in joined["history"]] == list(range(5, 20))
    assert joined["complete"] is True


async def test_a_returning_listener_is_fed_from_disk(living: Living, dial: Dial) -> None:
    """The ring holds four."""
    ann = await user(dial, living, "ann")
    bob = await user(dial, living, "bob", WebSocket)
    await ann.join("short:1")
    await bob.join("short:1")
    ann.drop()
    for n in range(20):
        await bob.publish("short:1", n)
    await back(ann, living)
    assert ann.welcome["resumed"] is True
    assert [(await ann.expect("event", room="short:1"))["data"] for _ in range(20)] == list(range(20))
    ann.none("gap", room="short:1")


async def test_what_is_said_to_a_user_lives_on_where_it_was_asked_for(living: Living, dial: Dial) -> None:
    ann = await user(dial, living, "ann")
    bob = await user(dial, living, "bob", WebSocket)
    ann.drop()
    await bob.emit("tell", ["ann", "kept"])
    living.crash()
    await back(ann, living)
    assert ann.welcome["resumed"] is True
    assert (await ann.expect("event", room="$user/ann"))["data"] == "kept"
    ann.none("gap", room="$user/ann")


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [("GET", "sse", None), ("GET", "poll?after=0&wait=0", None), ("POST", "send", {"type": "ping"})],
    ids=["sse", "poll", "send"],
)
async def test_who_goes_on_over_plain_http_is_told_to_say_hello(
    own: Ground, tmp_path: Path, method: str, path: str, said: object
) -> None:
    """His requests were taken for those of a session that had moved, and 4500 ends a client for good."""
    living = Living(own, WAYS["polling"], tmp_path / "data")
    with closing(Http(living.place())) as http:
        one = await http.session(token="ann")
        await one.ask("join", room="orders:1")
    living.stop()
    with closing(Http(living.place())) as http:
        (await http.request(method, path, one.fields, said)).refused(404, "NOT_FOUND")
        hello = {"type": "hello", "token": "ann", "session": one.id, "key": one.key}
        again = (await http.request("POST", "session", said=hello)).good().json()
        assert again["resumed"] is True
        assert (await http.request("POST", "send", one.fields, {"type": "ping"})).status == 200
