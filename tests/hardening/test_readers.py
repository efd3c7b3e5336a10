"""Members that never read: each costs the bound that it may hold, and not what the room has said."""

from __future__ import annotations

from bench.crowd import UPGRADE, Crowd, raise_descriptors, text
from tests.patience import PATIENCE
from tests.wire.client import Client

from .conftest import Dial
from .target import KIB, MIB, Target

MEMBERS, MESSAGES, SIZE = 2000, 10_000, 1000
# What the room keeps: its ring. And what a member may hold of it: its outbox.
RING, OUTBOX = MIB, 64 * KIB
# The ring of the pair, 1,024 small entries, may fill meanwhile.
PAIR = 512 * KIB


def test_never_read(target: Target, dial: Dial) -> None:
    """2,000 members never read 10,000 messages of 1 KB: the ring and an outbox each are the most it costs."""
    raise_descriptors(MEMBERS + 500)
    pad = "x" * SIZE
    with Crowd(target.address) as crowd:
        joined = 0

        def count(_: object, said: dict[str, object]) -> None:
            nonlocal joined
            joined += said["type"] == "ack"

        for member in crowd.add(MEMBERS):
            member.on_said = count
        hello = {"type": "hello"}
        join = {"type": "join", "id": 1, "room": "crowd"}
        crowd.connect(crowd.members, UPGRADE + text(hello) + text(join), window=4096)
        crowd.run(lambda: joined == MEMBERS, PATIENCE, "a join of each")
        # From here on none of them reads.
        with target.attacked("2,000 that never read", grows=RING + MEMBERS * OUTBOX) as report:
            report.figure = publish(target, dial(target.address).hello(), pad)
    target.until("all gone", lambda seen: seen["current_connections"] <= 3)


def publish(target: Target, ann: Client, pad: str) -> str:
    """Say 10,000 things to those that do not read; what that cost."""
    here = target.resident()
    ann.join("crowd")
    before = target.metrics()
    for number in range(MESSAGES):
        # One at a time: until the kernel's buffers of all members are full, each is 2,000 writes.
        ann.publish("crowd", [number, pad], echo=False)
        ann.heard.clear()
        ann.data_frames.clear()
    after = target.metrics()
    grown = target.resident() - here
    ringed = after["current_ring_bytes"] - before["current_ring_bytes"]
    assert after["published_total"] - before["published_total"] >= MESSAGES
    assert ringed <= RING + PAIR
    assert grown <= RING + MEMBERS * OUTBOX
    assert after["lagged_total"] >= MEMBERS
    outbox = after["current_outbox_memory"] / MIB
    told = f"10,000 x 1 KB: {grown / MIB:+.1f} MiB; outbox {outbox:.1f}, ring {ringed / MIB:.1f}"
    assert ann.emit("echo", "and I am still served") == "and I am still served"
    return told
