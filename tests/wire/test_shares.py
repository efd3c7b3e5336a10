"""What all share: whoever uses up its share of it, everybody else goes on, and so does the application."""

from __future__ import annotations

from typing import Any

import pytest

from .client import Client
from .conftest import Dial, Servers
from .server import Server

ROOMS = 100  # of all peers: one user may have 10 of them, one address 50
KEYS = 1 << 20  # bytes of all peers' keys


def make_rooms(client: Client, names: list[str]) -> None:
    """Say one thing in each room and leave it: it holds its past for an hour."""
    for name in names:
        client.join(name)
        client.publish(name, 1)
        client.ok("leave", room=name)


def fill_rooms(client: Client, names: list[str]) -> list[str]:
    """Stay in as many of these rooms as are given; return them."""
    got = []
    for name in names:
        ack = client.ack(client.ask("join", room=name))
        if "error" in ack:
            assert ack["error"]["code"] == "OVERLOADED"
            assert ack["error"]["retry"] is True
            break
        got.append(name)
    return got


def past(client: Client, room: str) -> list[Any]:
    return [event["data"] for event in client.join(room, last=10)["history"]]


@pytest.fixture
def few(special: Servers) -> Server:
    """A server with few rooms, its own for each test: what is in them stays."""
    special.stop()
    return special.start(rooms=ROOMS)


def test_rooms_left_behind_keep_nobody_out(dial: Dial, few: Server, name: str) -> None:
    """One anonymous session makes more rooms than there are, says a word in each, leaves, and goes."""
    eve = dial(few).hello()
    make_rooms(eve, [f"relay:{name}.{n}" for n in range(ROOMS + 20)])
    bob = dial(few).hello()
    assert fill_rooms(bob, [f"relay:{name}.bob{n}" for n in range(5)])[4:]
    eve.send({"type": "bye"})
    ann = dial(few).hello()
    ann.join(f"relay:{name}.ann")


def test_who_makes_too_many_rooms_loses_its_own_past_and_nobody_elses(
    dial: Dial, few: Server, name: str
) -> None:
    bob, eve = dial(few).hello(), dial(few).hello()
    make_rooms(bob, [f"relay:{name}.bob"])
    make_rooms(eve, [f"relay:{name}.{n}" for n in range(ROOMS + 20)])
    assert past(bob, f"relay:{name}.bob") == [1]
    assert past(eve, f"relay:{name}.{ROOMS + 19}") == [1]
    assert past(eve, f"relay:{name}.0") == []


def test_an_empty_room_that_went_for_want_of_place_is_told_as_a_gap(
    dial: Dial, few: Server, name: str
) -> None:
    eve = dial(few).hello()
    before = eve.at(eve.welcome["seq"])
    make_rooms(eve, [f"relay:{name}.{n}" for n in range(ROOMS)])
    assert eve.join(f"relay:{name}.0", since=before)["complete"] is False


def test_one_session_that_stays_in_its_rooms_gets_its_share_and_no_more(
    dial: Dial, few: Server, name: str
) -> None:
    eve, bob = dial(few).hello(), dial(few).hello()
    assert len(fill_rooms(eve, [f"relay:{name}.{n}" for n in range(ROOMS)])) == ROOMS // 10
    bob.join(f"relay:{name}.bob")
    # What is there already is nobody's to refuse.
    bob.join(f"relay:{name}.0")
    eve.ok("leave", room=f"relay:{name}.1")
    eve.join(f"relay:{name}.new")


def test_many_sessions_of_one_address_leave_rooms_for_another_address(
    dial: Dial, few: Server, name: str
) -> None:
    many = [dial(few, source="127.0.0.9").hello() for _ in range(8)]
    got = [len(fill_rooms(one, [f"relay:{name}.{at}.{n}" for n in range(20)])) for at, one in enumerate(many)]
    assert sum(got) == ROOMS // 2
    error = many[-1].refused("OVERLOADED", "join", room=f"relay:{name}.more")
    assert "one address" in error["message"]
    dial(few).hello().join(f"relay:{name}.bob")


def test_a_user_with_many_sessions_has_one_share(dial: Dial, special: Servers, name: str) -> None:
    server = special.start("app_auth", rooms=ROOMS)
    sessions = [dial(server, source=f"127.0.0.{20 + n}").hello(token="ann") for n in range(3)]
    names = [f"relay:{name}.{n}" for n in range(30)]
    got = sum(len(fill_rooms(one, names[at * 10 : at * 10 + 10])) for at, one in enumerate(sessions))
    assert got == ROOMS // 10
    dial(server).hello(token="bob").join(f"relay:{name}.bob")


def test_who_fills_the_memory_of_rings_forgets_its_own_past(dial: Dial, special: Servers, name: str) -> None:
    """What others said stays, though it is older than all that is said since."""
    server = special.start(ring_memory=1 << 20)
    bob, eve = dial(server, source="127.0.0.9").hello(), dial(server).hello()
    bob.join(f"relay:{name}.bob")
    for n in range(20):
        bob.publish(f"relay:{name}.bob", n)
    for n in range(100):
        room = f"relay:{name}.{n % 8}"
        eve.join(room)
        eve.publish(room, "x" * 40_000)
    ack = dial(server).hello().join(f"relay:{name}.bob", last=100)
    assert ([event["data"] for event in ack["history"]], ack["complete"]) == (list(range(20)), True)


# -- idempotency keys


def fill_keys(client: Client, size: int = 20_000, most: int = 400) -> int:
    """Emit with a new key each time, for a result of this size, until it is refused; how many were done."""
    for number in range(most):
        ack = client.ack(client.ask("emit", event="echo", data="x" * size, key=f"k{number}"))
        if "error" in ack:
            assert ack["error"]["code"] == "OVERLOADED"
            return number
    return most


def test_one_session_fills_its_share_of_the_keys_and_nobody_elses(dial: Dial, special: Servers) -> None:
    """The memory of all keys is not one anonymous client's, for an hour."""
    server = special.start(key_memory=KEYS)
    eve, bob = dial(server).hello(), dial(server).hello()
    assert 0 < fill_keys(eve) < 400
    assert bob.emit("echo", 1, key="mine") == 1
    assert eve.emit("echo", "x" * 20_000, key="k0") == "x" * 20_000, "an old key is not forgotten"


def test_the_keys_of_an_anonymous_session_end_with_it(dial: Dial, special: Servers) -> None:
    """Sessions that come, fill their share and go leave nothing behind."""
    server = special.start(key_memory=KEYS)
    for _ in range(30):
        eve = dial(server).hello()
        assert fill_keys(eve, most=3) == 3
        eve.send({"type": "bye"})
        eve.expect_close()
    assert dial(server).hello().emit("echo", 1, key="mine") == 1


def test_many_sessions_of_one_address_leave_keys_for_another_address(dial: Dial, special: Servers) -> None:
    special.stop()
    server = special.start(key_memory=KEYS)
    for _ in range(8):
        fill_keys(dial(server, source="127.0.0.9").hello())
    last = dial(server, source="127.0.0.9").hello()
    assert "one address" in last.refused("OVERLOADED", "emit", event="echo", data=1, key="mine")["message"]
    assert dial(server).hello().emit("echo", 1, key="mine") == 1


def test_a_result_for_which_there_is_no_place_is_done_once_all_the_same(dial: Dial, special: Servers) -> None:
    eve = dial(special.start(key_memory=KEYS)).hello()
    large = "x" * 300_000
    assert eve.emit("echo", large, key="large") == large
    error = eve.refused("ACK_EXPIRED", "emit", event="echo", data=large, key="large")
    assert error["retry"] is False


# -- acks


def resent(client: Client, number: int, size: int) -> bool:
    """Say a request of `keep` again; whether it gets its ack."""
    client.send({"type": "emit", "id": number, "event": "echo", "data": "x" * size})
    return "error" not in client.ack(number)


def keep(client: Client, count: int, size: int) -> list[int]:
    """Have so many results of this size kept; the ids of their requests."""
    numbers = [client.ask("emit", event="echo", data="x" * size) for _ in range(count)]
    assert all("error" not in client.ack(number) for number in numbers)
    return numbers


def test_many_sessions_of_one_address_leave_place_for_others_acks(dial: Dial, special: Servers) -> None:
    """Results of 16 KiB, kept for each of many sessions until it asks for them again."""
    server = special.start(ack_memory=1 << 20)
    many = [dial(server, source="127.0.0.9").hello() for _ in range(12)]
    kept = [keep(one, 12, 16_000) for one in many]
    assert not resent(many[-1], kept[-1][-1], 16_000), "nothing of that address has place any more"
    small = keep(many[-1], 10, 20)
    assert all(resent(many[-1], number, 20) for number in small), "every session keeps a little"
    bob = dial(server).hello()
    assert all(resent(bob, number, 16_000) for number in keep(bob, 3, 16_000))


# -- sessions


def test_sessions_that_are_away_leave_place_for_those_that_come(dial: Dial, special: Servers) -> None:
    """Half of the sessions may be away; the one that is so the longest ends for one more."""
    server = special.start(sessions=8)
    away = [dial(server, source="127.0.0.9").hello() for _ in range(1)]
    away[0].drop()
    for n in range(12):
        one = dial(server, source=f"127.0.0.{30 + n}").hello()
        one.drop()
        away.append(one)
    assert [dial(server).hello().emit("echo", n) for n in range(4)] == [0, 1, 2, 3]
    back = dial(server).hello(**away[-1].returning())
    assert back.welcome["resumed"] is True
