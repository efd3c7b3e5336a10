"""What is measured: a table. One row is one scene, its target, and how the load is told to play it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HELLO = '{"type":"hello"}'
JOINED = '"type":"ack","id":1'  # what a client has heard when its join is done
Measure = Literal["cpu", "cpu+latency", "connect", "resident", "growth"]


@dataclass(frozen=True)
class Scene:
    """One row: `target` is a ratio to the floor where there is one, else in the unit of `measure`."""

    name: str
    title: str
    load: tuple[str, ...]
    target: float
    measure: Measure = "cpu"
    floor: Literal["echo", "fanout"] | None = None
    floor_load: tuple[str, ...] = ()
    latency_target: float | None = None
    seconds: int = 4
    repeats: int = 5


def emit(event: str) -> tuple[str, ...]:
    """Load arguments for one event with an ack."""
    return (
        *("--path", "/rt/ws", "--init", HELLO, "--ready", "welcome"),
        *("--publish", f'{{"type":"emit","id":%I,"event":"{event}","data":"%M"}}'),
    )


def room(name: str, publish: str, *, publisher_joins: bool) -> tuple[str, ...]:
    """Load arguments for a room of 1,000 members and one publisher."""
    join = f'{{"type":"join","id":1,"room":"{name}"}}'
    who = "--init" if publisher_joins else "--member"
    return (*("--path", "/rt/ws", "--init", HELLO, who, join, "--ready", JOINED, "--publish", publish),)


RELAY = '{"type":"publish","room":"relay","event":"m","data":"%M"}'
ACKED = '{"type":"publish","id":%I,"room":"relay","event":"m","echo":false,"data":"%M"}'
SAY = '{"type":"emit","event":"say","data":"%M"}'
ECHO = ("--mode", "echo", "--n", "100")
FAN = ("--mode", "fanout", "--n", "1000")
FAN16 = (*FAN, "--window", "16")

SCENES = (
    Scene(
        "raw-plain",
        "100 connections, /raw-plain",
        (*ECHO, "--path", "/raw-plain"),
        1.15,
        floor="echo",
        floor_load=ECHO,
    ),
    Scene("raw", "100 connections, /raw", (*ECHO, "--path", "/raw"), 1.3, floor="echo", floor_load=ECHO),
    Scene(
        "raw-one",
        "1 connection, /raw",
        ("--mode", "echo", "--n", "1", "--path", "/raw"),
        1.6,
        "cpu+latency",
        floor="echo",
        floor_load=("--mode", "echo", "--n", "1"),
        latency_target=1.4,
    ),
    Scene("echo", "100 connections, `echo`", (*ECHO, *emit("echo")), 1.3, floor="echo", floor_load=ECHO),
    Scene(
        "echo-async",
        "100 connections, `echo-async`",
        (*ECHO, *emit("echo-async")),
        1.45,
        floor="echo",
        floor_load=ECHO,
    ),
    Scene(
        "relay",
        "publish to `relay`, 1,000 members, 1 in flight",
        (*FAN, *room("relay", RELAY, publisher_joins=True)),
        1.15,
        floor="fanout",
        floor_load=FAN,
    ),
    Scene(
        "relay-16",
        "the same, 16 in flight",
        (*FAN16, *room("relay", RELAY, publisher_joins=True)),
        0.14,
        floor="fanout",
        floor_load=FAN16,
    ),
    Scene(
        "say-16",
        "`say` to `hall`, 1,000 members, 16 in flight",
        (*FAN16, *room("hall", SAY, publisher_joins=False)),
        0.16,
        floor="fanout",
        floor_load=FAN16,
    ),
    Scene(
        "connect",
        "connect + hello + welcome",
        ("--mode", "accept", "--n", "2000", "--path", "/rt/ws", "--init", HELLO, "--ready", "welcome"),
        150,
        "connect",
    ),
    Scene(
        "idle",
        "10,000 idle sessions joined to one room each",
        (
            *("--mode", "idle", "--n", "10000", "--sources", "4", "--seconds", "2"),
            *room("relay", RELAY, publisher_joins=True),
        ),
        6 * 1024,
        "resident",
        repeats=1,
    ),
    Scene(
        "slow",
        "2,000 members that stop reading, 10,000 messages of 1 KB",
        (
            *("--mode", "slow", "--n", "2000", "--count", "10000", "--size", "1024", "--window", "16"),
            *room("relay", ACKED, publisher_joins=True),
        ),
        # The ring of the room and 64 KiB of references for each member, in bytes.
        (1 << 20) + 2000 * 64 * 1024,
        "growth",
        repeats=1,
    ),
)
