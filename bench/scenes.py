"""What is measured: a table. A row is one scene, its target if it has one, and how the load plays it."""

from __future__ import annotations

from .scene import ACKED, BIG, ECHO, FAN, FAN16, HELLO, IN_RELAY, SAY, Scene, emit, room, rooms
from .scenes_http import HTTP

# The scenes of the design, with what it asks of each.
WANTED: tuple[Scene, ...] = (
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
        (*FAN, *IN_RELAY),
        1.15,
        floor="fanout",
        floor_load=FAN,
    ),
    Scene("relay-16", "the same, 16 in flight", (*FAN16, *IN_RELAY), 0.14, floor="fanout", floor_load=FAN16),
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
        (*("--mode", "idle", "--n", "10000", "--sources", "4", "--seconds", "2"), *IN_RELAY),
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

# Scenes without a target: other sizes, other rates, storms.
MORE: tuple[Scene, ...] = (
    Scene(
        "say",
        "`say` to `hall`, 1,000 members, 1 in flight",
        (*FAN, *room("hall", SAY, publisher_joins=False)),
        floor="fanout",
        floor_load=FAN,
        repeats=3,
    ),
    Scene(
        "raw-64k",
        "20 connections, /raw, 64 KiB",
        (*ECHO, *BIG, "--path", "/raw"),
        floor="echo",
        floor_load=(*ECHO, *BIG),
        repeats=3,
    ),
    Scene(
        "relay-64k",
        "publish 64 KiB to `relay`, 100 members",
        (*FAN, "--n", "100", "--size", "65536", *IN_RELAY),
        floor="fanout",
        floor_load=(*FAN, "--n", "100", "--size", "65536"),
        repeats=3,
    ),
    Scene(
        "relay-4k",
        "publish 4 KiB to `relay`, 1,000 members",
        (*FAN, "--words", "--size", "4096", *IN_RELAY),
        floor="fanout",
        floor_load=(*FAN, "--words", "--size", "4096"),
        repeats=3,
    ),
    Scene(
        "relay-4k-deflate",
        "the same, compressed for all of them",
        (*FAN, "--words", "--size", "4096", "--deflate", *IN_RELAY),
        floor="fanout",
        floor_load=(*FAN, "--words", "--size", "4096"),
        repeats=3,
    ),
    Scene(
        "raw-rate",
        "5,000 messages a second over 100 connections, /raw",
        (*ECHO, "--rate", "5000", "--path", "/raw"),
        measure="pace",
        floor="echo",
        floor_load=(*ECHO, "--rate", "5000"),
        repeats=3,
    ),
    Scene(
        "relay-rate",
        "20 messages a second to 1,000 members",
        (*FAN, "--rate", "20", *IN_RELAY),
        measure="pace",
        floor="fanout",
        floor_load=(*FAN, "--rate", "20"),
        repeats=3,
    ),
    Scene(
        "storm",
        "4,000 connections at once, to welcome",
        (
            *("--mode", "accept", "--n", "4000", "--burst", "4000"),
            *("--path", "/rt/ws", "--init", HELLO, "--ready", "welcome"),
        ),
        measure="connect",
        repeats=3,
    ),
    Scene(
        "resume",
        "1,000 sessions come back at once, each is owed 1,000 entries",
        (
            *("--mode", "resume", "--n", "1000", "--count", "1000", "--window", "16"),
            *room("relay", ACKED, publisher_joins=True),
        ),
        measure="resume",
        repeats=3,
    ),
)

# How cost grows: with the members of a room, and with the rooms of a session.
GROWTH: tuple[Scene, ...] = (
    *(
        Scene(
            f"members-{count}",
            f"publish to `relay`, {count:,} members",
            ("--mode", "fanout", "--n", str(count), "--sources", "4", *IN_RELAY),
            floor="fanout",
            floor_load=("--mode", "fanout", "--n", str(count), "--sources", "4"),
            repeats=3,
            many=count > 1_000,
        )
        for count in (100, 1_000, 10_000)
    ),
    *(
        Scene(
            f"rooms-{count}",
            f"100 sessions in {count:,} {'rooms' if count > 1 else 'room'} each",
            ("--mode", "fanout", "--n", "100", *rooms(count)),
            measure="delivery",
            repeats=3,
        )
        for count in (1, 100, 1_000)
    ),
)
SCENES = (*WANTED, *HTTP, *MORE, *GROWTH)
