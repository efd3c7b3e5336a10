"""The past: with a join, and asked for."""

from __future__ import annotations

import time

import pytest

from tests.patience import PATIENCE

from .client import Client
from .conftest import Dial


def fill(client: Client, room: str, count: int) -> list[int]:
    """Join and publish numbers from 0; return their places in the log."""
    client.join(room)
    return [client.publish(room, n) for n in range(count)]


def data(events: list[dict[str, object]]) -> list[object]:
    return [event["data"] for event in events]


def test_last_gives_the_newest_oldest_first_in_the_shape_of_events(
    ann: Client, bob: Client, room: str
) -> None:
    seqs = fill(bob, room, 6)
    joined = ann.join(room, last=3)
    assert data(joined["history"]) == [3, 4, 5]
    for event, seq, n in zip(joined["history"], seqs[3:], (3, 4, 5), strict=True):
        assert (event["type"], event["room"], event["event"]) == ("event", room, "say")
        assert (event["seq"], event["data"]) == (seq, n)
        assert event["from"] == {"session": bob.session, "user": None}
        assert isinstance(event["time"], int)
    ann.fence()
    assert ann.events(room) == []


def test_since_gives_what_came_after(ann: Client, bob: Client, room: str) -> None:
    seqs = fill(bob, room, 6)
    joined = ann.join(room, since=ann.at(seqs[3]))
    assert data(joined["history"]) == [4, 5]
    assert joined["complete"] is True
    assert joined.get("gap") is None


def test_without_either_there_is_no_history(ann: Client, bob: Client, room: str) -> None:
    fill(bob, room, 3)
    assert not ann.join(room).get("history")


def test_since_with_last_is_invalid(ann: Client, room: str) -> None:
    ann.refused("INVALID_MESSAGE", "join", room=room, since=ann.at(0), last=5)


@pytest.mark.parametrize("last", [-1, "5", 1.5, [5]])
def test_last_is_a_count(ann: Client, room: str, last: object) -> None:
    ann.refused("INVALID_MESSAGE", "join", room=room, last=last)


def test_last_over_1000_is_1000(ann: Client, bob: Client, name: str) -> None:
    room = f"deep:{name}"
    bob.emit("say-many", {"room": room, "count": 1010})
    joined = ann.join(room, last=5000)
    assert data(joined["history"]) == list(range(10, 1010))


def test_a_join_keeps_the_newest_256_kib_and_says_what_is_left_out(
    ann: Client, bob: Client, name: str
) -> None:
    room = f"deep:{name}"
    bob.emit("say-many", {"room": room, "count": 400, "size": 1000})
    joined = ann.join(room, last=1000)
    numbers = [event["data"]["n"] for event in joined["history"]]
    assert 150 < len(numbers) < 262
    assert numbers == list(range(400 - len(numbers), 400))
    assert joined["complete"] is False
    assert joined["gap"]["to"] == joined["history"][0]["seq"] - 1
    assert joined["gap"]["from"] <= joined["gap"]["to"]
    assert isinstance(joined["gap"]["reason"], str)


def test_a_ring_that_let_go_says_so_with_the_join(ann: Client, bob: Client, name: str) -> None:
    room = f"small:{name}"
    seqs = fill(bob, room, 8)
    joined = ann.join(room, since=ann.at(seqs[0]))
    assert data(joined["history"]) == [3, 4, 5, 6, 7]
    assert joined["complete"] is False
    assert joined["gap"]["from"] <= seqs[1]
    assert seqs[2] <= joined["gap"]["to"] < seqs[3]
    assert joined["gap"]["reason"] == "ring"


def test_since_exactly_what_the_ring_let_go_is_complete(ann: Client, bob: Client, name: str) -> None:
    room = f"small:{name}"
    seqs = fill(bob, room, 8)
    joined = ann.join(room, since=ann.at(seqs[2]))
    assert data(joined["history"]) == [3, 4, 5, 6, 7]
    assert joined["complete"] is True


@pytest.mark.parametrize("since", ["zz9zz.1", "{epoch}.9007199254740000", "nonsense"])
def test_since_another_epoch_or_the_future_is_not_complete(
    ann: Client, bob: Client, room: str, since: str
) -> None:
    fill(bob, room, 3)
    joined = ann.join(room, since=since.format(epoch=ann.welcome["epoch"]))
    assert joined["complete"] is False
    assert (joined["gap"]["from"], joined["gap"]["reason"]) == (0, "epoch")


def test_history_gives_the_oldest_after_a_position(ann: Client, bob: Client, room: str) -> None:
    seqs = fill(bob, room, 6)
    ann.join(room)
    answer = ann.ok("history", room=room, after=ann.at(seqs[1]), limit=2)
    assert data(answer["history"]) == [2, 3]
    assert (answer["complete"], answer["more"]) == (True, True)
    answer = ann.ok("history", room=room, after=ann.at(seqs[3]), limit=2)
    assert data(answer["history"]) == [4, 5]
    assert answer["more"] is False


def test_history_without_after_begins_with_the_oldest_held(ann: Client, bob: Client, name: str) -> None:
    room = f"small:{name}"
    fill(bob, room, 8)
    ann.join(room)
    answer = ann.ok("history", room=room, limit=3)
    assert data(answer["history"]) == [3, 4, 5]
    assert answer["more"] is True


def test_complete_speaks_of_the_ring(ann: Client, bob: Client, name: str) -> None:
    room = f"small:{name}"
    seqs = fill(bob, room, 8)
    ann.join(room)
    assert ann.ok("history", room=room, after=ann.at(seqs[0]))["complete"] is False
    assert ann.ok("history", room=room, after=ann.at(seqs[2]), limit=1)["complete"] is True


def test_all_of_it_can_be_paged_through(ann: Client, bob: Client, name: str) -> None:
    room = f"deep:{name}"
    bob.emit("say-many", {"room": room, "count": 600, "size": 1000})
    ann.join(room)
    numbers: list[int] = []
    after: dict[str, str] = {}
    for _ in range(100):
        answer = ann.ok("history", room=room, limit=1000, **after)
        assert len(answer["history"]) <= 1000
        numbers += [event["data"]["n"] for event in answer["history"]]
        if not answer["more"]:
            break
        after = {"after": ann.at(answer["history"][-1]["seq"])}
    assert numbers == list(range(600))


def test_history_is_for_members_with_the_right(ann: Client, bob: Client, name: str, room: str) -> None:
    fill(bob, room, 1)
    ann.refused("FORBIDDEN", "history", room=room)
    ann.join(f"mute:{name}")
    ann.refused("FORBIDDEN", "history", room=f"mute:{name}")


def test_without_the_right_a_join_brings_no_history(ann: Client, bob: Client, name: str) -> None:
    room = f"mute:{name}"
    bob.emit("say", {"room": room, "data": "secret"})
    ack = ann.ack(ann.ask("join", room=room, last=10))
    assert ack["error"]["code"] == "FORBIDDEN" if "error" in ack else not ack["data"].get("history")


def test_what_is_volatile_is_not_kept(ann: Client, bob: Client, room: str) -> None:
    ann.join(room)
    ann.publish(room, "kept")
    ann.ok("publish", room=room, event="say", data="gone", volatile=True)
    assert data(bob.join(room, last=10)["history"]) == ["kept"]


def test_entries_grow_old(ann: Client, bob: Client, name: str) -> None:
    room = f"brief:{name}"
    before = bob.welcome["seq"]
    fill(bob, room, 2)
    end = time.monotonic() + PATIENCE
    while bob.ok("history", room=room)["history"]:
        assert time.monotonic() < end, "still kept"
    joined = ann.join(room, since=ann.at(before))
    assert joined["history"] == []
    assert joined["complete"] is False
    assert joined["gap"]["reason"] == "age"


def test_a_freed_room_that_is_made_again_does_not_claim_completeness(
    dial: Dial, ann: Client, bob: Client, name: str
) -> None:
    room = f"brief:{name}"
    seqs = fill(bob, room, 2)
    end = time.monotonic() + PATIENCE
    while bob.ok("history", room=room)["history"]:
        assert time.monotonic() < end, "still kept"
    bob.ok("leave", room=room)  # nobody is in it, nothing is held: it may be freed
    assert ann.join(room, since=ann.at(seqs[0]))["complete"] is False
    ann.ok("leave", room=room)
    later = dial().hello()
    assert later.join(room, since=later.at(later.welcome["head"]))["complete"] is True
