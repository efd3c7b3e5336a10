"""What is compared: the floor, rtcore in its forms, and each peer, all seen alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

from .peers import Peer, Work
from .scene import IN_RELAY
from .servers import PROGRAMS, ours


@dataclass(frozen=True)
class Subject:
    """One server in the comparison."""

    name: str
    title: str
    version: str
    command: Callable[[Work], list[str]]
    load: Callable[[Work], tuple[str, ...]]
    works: frozenset[Work]
    deflate: bool


def peer(one: Peer) -> Subject:
    """A peer as a subject."""
    return Subject(one.name, one.title, one.version(), one.command, one.load, one.works, one.deflate)


def _floor(work: Work) -> list[str]:
    return [str(PROGRAMS / "floor"), "--port", "0", "--mode", work]


def _raw(work: Work) -> tuple[str, ...]:
    """Raw sockets for echo, as peers do it; sessions in a room for fan-out, which is more than they do."""
    return ("--path", "/raw") if work == "echo" else IN_RELAY


OURS = (
    Subject(
        "floor",
        "the floor",
        "",
        _floor,
        lambda _: ("--path", "/"),
        frozenset({"echo", "fanout"}),
        False,
    ),
    Subject(
        "rtcore", "**rtcore**", version("rtcore"), lambda _: ours(), _raw, frozenset({"echo", "fanout"}), True
    ),
    Subject(
        "rtcore-plain",
        "**rtcore**, plain function",
        version("rtcore"),
        lambda _: ours(),
        lambda _: ("--path", "/raw-plain"),
        frozenset({"echo"}),
        True,
    ),
)
