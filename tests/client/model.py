"""A model of the server, message by message, and a machine driven against it without Trio: time is a number.

Written from docs/protocol.md; it keeps what it must, and forgets what it may.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from rtcore.client.clock import Names
from rtcore.client.effects import Open, Shut, Write
from rtcore.client.machine import Machine
from rtcore.client.outbox import Box
from rtcore.client.words import decode


class Clock:
    """Both clocks, which only the test moves."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def wall(self) -> int:
        return 1_790_000_000_000 + int(self.time * 1000)


@dataclass
class Session:
    name: str
    user: str | None
    taken: int = 0
    n: int = 0
    acks: dict[int, dict[str, Any]] = field(default_factory=dict)
    rooms: dict[str, int] = field(default_factory=dict)
    fed: int = 0
    join: int = 0


class Server:
    """Sessions, keys and one log. `done` has each execution, in its order."""

    def __init__(self) -> None:
        self.life = 1
        self.log: list[dict[str, Any]] = []
        self.sessions: dict[str, Session] = {}
        self.keys: dict[tuple[str, str], dict[str, Any]] = {}
        self.done: list[str] = []
        self.at: Session | None = None
        self.fresh_at_head = False
        """Whether `welcome.seq` of a new session is the head, and not the position of its hello."""
        self._count = 0

    def forget(self) -> None:
        """The resume window is over."""
        self.sessions.clear()
        self.at = None

    def restart(self) -> None:
        """Another life; the log is kept, sessions and keys are not."""
        self.life += 1
        self.keys.clear()
        self.forget()

    def say(self, what: str) -> None:
        """The application publishes."""
        self.log.append(
            {
                "type": "event",
                "room": "tea",
                "event": "say",
                "data": what,
                "seq": len(self.log) + 1,
                "time": 0,
            }
        )

    def hear(self, said: dict[str, Any]) -> list[dict[str, Any]]:
        """One message of the client: what is said to it."""
        if said["type"] == "hello":
            return self._hello(said)
        if self.at is None:
            return [{"type": "bye", "code": 4504, "reason": "hello expected"}]
        if said["type"] == "ping":
            return [{"type": "pong", "time": said["time"], "server": 0, "taken": self.at.taken}]
        number = said["id"]
        if number <= self.at.taken and said["type"] == "emit":
            kept = self.at.acks.get(number)
            gone = {
                "type": "ack",
                "id": number,
                "error": {"code": "ACK_EXPIRED", "message": "", "retry": False},
            }
            return [kept or gone]
        self.at.taken = max(self.at.taken, number)
        ack = {"type": "ack", "id": number, **self._do(self.at, said)}
        self.at.acks[number] = ack
        return [ack]

    def _hello(self, said: dict[str, Any]) -> list[dict[str, Any]]:
        session = self.sessions.get(said.get("session", ""))
        resumed = session is not None
        known = "position" in said and (resumed or not self.fresh_at_head)
        position = int(said["position"].split(".")[1]) if known else len(self.log)
        if session is None:
            self._count += 1
            session = self.sessions[f"s{self._count}"] = Session(f"s{self._count}", said.get("token"))
            session.fed = position
        else:
            if said["n"] <= session.n:
                return [{"type": "bye", "code": 4500, "reason": "older", "n": session.n}]
            session.fed = position
        session.n = said["n"]
        self.at = session
        welcome = {
            "type": "welcome",
            "v": 1,
            "session": session.name,
            "key": "secret",
            "user": session.user,
            "epoch": "k1",
            "seq": session.fed,
            "head": len(self.log),
            "taken": session.taken,
            "resumed": resumed,
            "life": f"l{self.life}",
            "rooms": [{"room": room, "seq": len(self.log)} for room in session.rooms] if resumed else [],
            "limits": {"max_message": 1 << 20, "acks": 256, "keys": 3600},
        }
        rooms = (
            [{"type": "room", "room": room, "seq": len(self.log)} for room in session.rooms]
            if resumed
            else []
        )
        return [welcome, *rooms]

    def _do(self, session: Session, said: dict[str, Any]) -> dict[str, Any]:
        kind = said["type"]
        if kind == "join":
            head = len(self.log)
            since = int(said["since"].split(".")[1]) if "since" in said else head
            again = "tea" in session.rooms
            began = session.rooms.setdefault("tea", head)
            if not again:
                session.join = said["id"]
            # Sent again because it had no ack: answered with its history, up to where the room began.
            history = self.log[since:began] if session.join == said["id"] else []
            return {"data": {"seq": head, "began": began, "history": history, "complete": True}}
        if kind == "leave":
            session.rooms.pop("tea", None)
            return {"data": None}
        key = said.get("key")
        if key is not None and session.user is not None and (session.user, key) in self.keys:
            return self.keys[session.user, key]
        self.done.append(said["data"])
        result: dict[str, Any] = {"data": len(self.done)}
        if key is not None and session.user is not None:
            self.keys[session.user, key] = result
        return result

    def feed(self) -> list[dict[str, Any]]:
        """What the session has not been told yet."""
        if self.at is None:
            return []
        fresh = self.log[self.at.fed :]
        self.at.fed = len(self.log)
        began = self.at.rooms.get("tea")
        return [each for each in fresh if began is not None and each["seq"] > began]


class Rig:
    """A machine, a server, and a line between them that can be cut anywhere."""

    def __init__(self, seed: int, token: str | None) -> None:
        self.clock, self.server, self.token = Clock(), Server(), token
        dice = random.Random(seed)
        self.machine = Machine(clock=self.clock, dice=dice, names=Names(dice.randbytes(16)), box=Box(1000))
        self.up: deque[tuple[int, dict[str, Any]]] = deque()
        self.down: deque[tuple[int, dict[str, Any]]] = deque()
        self.line: int | None = None
        self.opening: int | None = None
        self.down_for_now = False
        self.machine.start()
        self.pump()

    def pump(self) -> None:
        """Do what the machine wants done."""
        while self.machine.effects:
            effect = self.machine.effects.popleft()
            if isinstance(effect, Open):
                self.opening = effect.gen
            elif isinstance(effect, Write) and effect.gen == self.line:
                for message in effect.messages:
                    self.up.extend((effect.gen, said) for said in decode(message))
            elif isinstance(effect, Shut) and effect.gen == self.line:
                self.cut(tell=False)

    def open(self) -> None:
        """The attempt that is under way comes to its end."""
        if self.opening is None:
            return
        gen, self.opening = self.opening, None
        if self.down_for_now:
            self.machine.failed(gen, OSError("down"))
        else:
            self.line = gen
            self.machine.opened(gen, self.token)
        self.pump()

    def carry_up(self, count: int) -> None:
        """So many messages reach the server, and its answers are on their way."""
        for _ in range(min(count, len(self.up))):
            gen, said = self.up.popleft()
            for answer in self.server.hear(said):
                self.down.append((gen, answer))
        if self.line is not None:
            self.down.extend((self.line, each) for each in self.server.feed())

    def carry_down(self, count: int) -> None:
        """So many messages reach the client."""
        for _ in range(min(count, len(self.down))):
            gen, said = self.down.popleft()
            self.machine.heard(gen, [said])
            self.pump()
            if said["type"] == "bye":
                self.machine.closed(gen, said["code"])
                self.pump()

    def cut(self, *, tell: bool = True) -> None:
        """The line breaks; what was on its way is lost."""
        gen, self.line = self.line, None
        self.up.clear()
        self.down.clear()
        self.server.at = None
        if gen is not None and tell:
            self.machine.closed(gen, 1006)
            self.pump()

    def pass_time(self, seconds: float) -> None:
        """The clock goes on, deadline by deadline."""
        until = self.clock.time + seconds
        while (due := self.machine.deadline) <= until:
            self.clock.time = max(self.clock.time, due)
            self.machine.advance()
            self.pump()
            self.open()
            self.carry_up(1000)
            self.carry_down(1000)
        self.clock.time = until

    def settle(self) -> None:
        """Fair weather, until nothing is left to be done."""
        self.down_for_now = False
        for _ in range(20):
            self.open()
            self.carry_up(10_000)
            self.carry_down(10_000)
            self.pass_time(40)
