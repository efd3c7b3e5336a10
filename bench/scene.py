"""One scene, and the words of the load that scenes are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HELLO = '{"type":"hello"}'
JOINED = '"type":"ack","id":1'  # what a client has heard when its join is done
Measure = Literal["cpu", "delivery", "connect", "resident", "growth", "pace", "resume", "items"]


@dataclass(frozen=True)
class Scene:
    """One row: `target` is a ratio to the floor where there is one, else in the unit of `measure`.

    The floor of one over plain HTTP is our own server over WebSocket, the same process in the same minute.
    """

    name: str
    title: str
    load: tuple[str, ...]
    target: float | None = None
    measure: Measure = "cpu"
    floor: Literal["echo", "fanout", "websocket"] | None = None
    floor_load: tuple[str, ...] = ()
    latency_target: float | None = None
    seconds: int = 4
    repeats: int = 5
    # Its sessions stay for the resume window, and those of a few runs would be more than there may be.
    many: bool = False

    @property
    def fresh(self) -> bool:
        """Whether each run wants a server that has served nobody yet."""
        return self.many or self.measure in ("connect", "resident", "growth", "resume")


def emit(event: str) -> tuple[str, ...]:
    """Load arguments for one event with an ack."""
    return (
        *("--path", "/rt/ws", "--init", HELLO, "--ready", "welcome"),
        *("--publish", f'{{"type":"emit","id":%I,"event":"{event}","data":"%M"}}'),
    )


def room(name: str, publish: str, *, publisher_joins: bool) -> tuple[str, ...]:
    """Load arguments for a room of members and one publisher."""
    join = f'{{"type":"join","id":1,"room":"{name}"}}'
    who = "--init" if publisher_joins else "--member"
    return (*("--path", "/rt/ws", "--init", HELLO, who, join, "--ready", JOINED, "--publish", publish),)


def rooms(count: int) -> tuple[str, ...]:
    """Load arguments for sessions that are in `count` rooms each; one after the other is published to."""
    return (
        *("--path", "/rt/ws", "--rooms", str(count), "--init", HELLO),
        *("--init", '{"type":"join","id":%I,"room":"relay:%R"}', "--ready", '"type":"ack","id":%I,'),
        *("--publish", '{"type":"publish","room":"relay:%R","event":"m","data":"%M"}'),
    )


RELAY = '{"type":"publish","room":"relay","event":"m","data":"%M"}'
ACKED = '{"type":"publish","id":%I,"room":"relay","event":"m","echo":false,"data":"%M"}'
SAY = '{"type":"emit","event":"say","data":"%M"}'
ECHO = ("--mode", "echo", "--n", "100")
FAN = ("--mode", "fanout", "--n", "1000")
FAN16 = (*FAN, "--window", "16")
BIG = ("--n", "20", "--size", "65536")
IN_RELAY = room("relay", RELAY, publisher_joins=True)
