"""What is measured of event streams, polls and sends, beside the WebSocket, and of streams of items."""

from __future__ import annotations

from .scene import ACKED, ECHO, FAN, FAN16, HELLO, IN_RELAY, JOINED, Scene, emit, room

MANY = ("--mode", "idle", "--n", "10000", "--sources", "4", "--seconds", "2")
SLOW = ("--mode", "slow", "--n", "2000", "--count", "10000", "--size", "1024", "--window", "16")
EVENTS, POLLS, SENDS = ("--over", "events"), ("--over", "polls"), ("--over", "sends")

HTTP: tuple[Scene, ...] = (
    Scene(
        "events",
        "publish to `relay`, 1,000 event streams, 1 in flight",
        (*FAN, *EVENTS, *IN_RELAY),
        1.2,
        floor="websocket",
        floor_load=(*FAN, *IN_RELAY),
    ),
    Scene(
        "events-16",
        "the same, 16 in flight",
        (*FAN16, *EVENTS, *IN_RELAY),
        1.2,
        floor="websocket",
        floor_load=(*FAN16, *IN_RELAY),
    ),
    Scene(
        "polls",
        "1,000 parked polls woken by one publish, each asks again",
        (*FAN, *POLLS, *IN_RELAY),
        4,
        floor="websocket",
        floor_load=(*FAN, *IN_RELAY),
    ),
    Scene(
        "send",
        "100 connections, `POST /rt/send` of one `echo`",
        (*ECHO, *SENDS, *emit("echo")),
        3,
        floor="echo",
        floor_load=ECHO,
    ),
    Scene(
        "items",
        "a stream of 10,000 items of 100 bytes to one reader, by `open`",
        (
            *("--mode", "items", "--n", "1", "--count", "10000", "--size", "100", "--window", "256"),
            *("--path", "/rt/ws", "--init", HELLO, "--ready", "welcome"),
        ),
        # Microseconds an item: 50,000 a second.
        20,
        "items",
    ),
    Scene(
        "idle-events",
        "10,000 idle event streams, each of a session in one room",
        (*MANY, *EVENTS, *IN_RELAY),
        6 * 1024,
        "resident",
        repeats=1,
    ),
    Scene(
        "idle-polls",
        "10,000 parked polls, each of a session in one room",
        (*MANY, *POLLS, *IN_RELAY),
        6 * 1024,
        "resident",
        repeats=1,
    ),
    Scene(
        "slow-events",
        "2,000 event streams that nobody reads, 10,000 messages of 1 KB",
        (*SLOW, *EVENTS, *room("relay", ACKED, publisher_joins=True)),
        # The ring of the room and 64 KiB of references for each member, in bytes.
        (1 << 20) + 2000 * 64 * 1024,
        "growth",
        repeats=1,
    ),
    Scene(
        "storm-events",
        "1,000 event streams opened at once: hello, join, stream",
        (
            *("--mode", "accept", "--n", "1000", "--burst", "1000", *EVENTS),
            *("--init", HELLO, "--init", '{"type":"join","id":1,"room":"relay"}', "--ready", JOINED),
        ),
        measure="connect",
        repeats=3,
    ),
)
