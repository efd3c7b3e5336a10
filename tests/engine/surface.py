"""The public surface of rtcore, and how each of it is called from elsewhere: the table of `test_threads`.

A public function or method that is not in it fails a test: whoever adds one says what it does in a thread.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import trio

import rtcore
import rtcore.testing
from rtcore import Following, Listening
from rtcore.testing import MemoryServer, WireClient


class World(NamedTuple):
    """An application that is served, with a session in a room, a raw socket, and a stream that goes up."""

    app: rtcore.App
    server: MemoryServer
    client: WireClient
    session: rtcore.Session
    room: rtcore.Room
    socket: rtcore.RawSocket
    items: rtcore.Items[Any]
    member: rtcore.Member
    served: rtcore.Served
    notes: rtcore.SharedData

    def state(self) -> Any:
        """What nobody may have changed who was refused."""
        core = self.server.core
        sizes = core.sizes()
        return (
            core.head(),
            *(sizes[name] for name in ("connections", "sessions", "rooms", "open_streams", "keys")),
            sorted(row[0] for row in core.members("tea") or ()),
            len(self.client.heard),
            self.client._last_id,
            self.session.ended,
            self.socket.close_code,
        )


Call = Callable[[World], Any]
nothing: Final = object()


class Way(NamedTuple):
    """How it is called. `hears`: what the client is told of it at once, from whichever thread it was said."""

    call: Call
    hears: dict[str, Any] | None = None
    after: bool = True  # it raises NotServing once the serving is over


async def _task(*_: Any, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
    task_status.started()


async def _asgi(*_: Any) -> dict[str, Any]:
    return {"type": "http.request"}


SCOPE: Final = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "headers": []}

# Plain: any thread in which no loop runs has the run do it, and waits.
HANDED: Final[dict[str, Way]] = {
    "Room.publish_nowait": Way(lambda w: w.room.publish_nowait("said", 1).seq, {"type": "event", "data": 1}),
    "Room.members": Way(lambda w: len(w.room.members())),
    "Room.add": Way(lambda w: w.app.room("milk").add(w.session), {"type": "room", "room": "milk"}),
    "Room.remove": Way(lambda w: w.room.remove(w.session), {"type": "left", "room": "tea"}),
    "Room.grant": Way(lambda w: w.room.grant(w.session, ["history"]), {"type": "grants", "room": "tea"}),
    "Room.set_info": Way(lambda w: w.room.set_info(w.session, 1)),
    "Room.present": Way(lambda w: w.room.present),
    "Room.users": Way(lambda w: len(w.room.users())),
    "Room.listen": Way(lambda w: w.room.listen() and None),
    "SharedData.put": Way(lambda w: w.notes.put("n1", 1) and None),
    "SharedData.patch": Way(lambda w: w.notes.patch("n2", done=True) and None),
    "SharedData.delete": Way(lambda w: w.notes.delete("n3")),
    "SharedData.get": Way(lambda w: w.notes.get("n2")["title"]),
    "SharedData.snapshot": Way(lambda w: w.notes.snapshot()["n2"]["title"]),
    "SharedData.text": Way(lambda w: w.notes.text("n1") and None),
    "SharedData.changes": Way(lambda w: w.notes.changes() and None),
    "App.rooms_now": Way(lambda w: len(w.app.rooms_now())),
    "Session.send_nowait": Way(lambda w: w.session.send_nowait("said", 2), {"type": "event", "data": 2}),
    "Session.close_nowait": Way(lambda w: w.session.close_nowait("gone"), {"type": "bye"}, after=False),
    "SessionNursery.start_soon": Way(lambda w: w.session.nursery.start_soon(_task)),
    "RawSocket.send_nowait": Way(lambda w: w.socket.send_nowait("x")),
    "RawSocket.close_nowait": Way(lambda w: w.socket.close_nowait(), after=False),
    "Member.session": Way(lambda w: w.member.session.id),
    "App.sessions": Way(lambda w: len(w.app.sessions)),
    "MemoryServer.stream": Way(lambda w: w.server.stream() and None),
    "MemoryServer.shut_down": Way(lambda w: w.server.shut_down(), {"type": "bye"}),
}

# Coroutine functions: of the run that serves, and no other.
HERE: Final[dict[str, Way]] = {
    "Room.publish": Way(lambda w: w.room.publish("said", 1)),
    "Room.history": Way(lambda w: w.room.history()),
    "Listening.__anext__": Way(lambda w: Listening(w.room, "old.1").__anext__()),
    "SharedData.loaded": Way(lambda w: w.notes.loaded()),
    "SharedData.stored": Way(lambda w: w.notes.stored()),
    "Following.__anext__": Way(lambda w: Following(w.notes, "old.1").__anext__()),
    "Session.send": Way(lambda w: w.session.send("said", 1)),
    "Session.request": Way(lambda w: w.session.request("ask")),
    "Session.close": Way(lambda w: w.session.close(), after=False),
    "SessionNursery.start": Way(lambda w: w.session.nursery.start(_task)),
    "RawSocket.send": Way(lambda w: w.socket.send("x")),
    "RawSocket.receive": Way(lambda w: w.socket.receive()),
    "RawSocket.__anext__": Way(lambda w: w.socket.__anext__()),
    "RawSocket.close": Way(lambda w: w.socket.close(), after=False),
    "Items.__anext__": Way(lambda w: w.items.__anext__()),
    "Served.__call__": Way(lambda w: w.served(SCOPE, _asgi, _asgi)),
    "MemoryServer.connect": Way(lambda w: w.server.connect()),
    "MemoryServer.welcomed": Way(lambda w: w.server.welcomed()),
    "MemoryServer.request": Way(lambda w: w.server.request("GET", "/healthz")),
    "MemoryServer.stop": Way(lambda w: w.server.stop(), after=False),
    "MemoryServer.returned": Way(lambda w: w.server.returned(w.client)),
}

# Of a client in memory, which outlives the server that it spoke to.
CLIENT: Final[dict[str, Call]] = {
    "WireClient.open": lambda w: w.client.open(),
    "WireClient.read": lambda w: w.client.read(),
    "WireClient.send": lambda w: w.client.send({"type": "ping"}),
    "WireClient.raw": lambda w: w.client.raw(b""),
    "WireClient.hello": lambda w: w.client.hello(),
    "WireClient.ask": lambda w: w.client.ask("ping"),
    "WireClient.begin": lambda w: w.client.begin("ping"),
    "WireClient.answer": lambda w: w.client.answer(1),
    "WireClient.receive": lambda w: w.client.receive(),
    "WireClient.expect": lambda w: w.client.expect("pong"),
    "WireClient.until": lambda w: w.client.until("pong"),
    "WireClient.assert_heard": lambda w: w.client.assert_heard("said"),
    "WireClient.assert_silent": lambda w: w.client.assert_silent(0.01),
    "WireClient.wait_closed": lambda w: w.client.wait_closed(),
    "WireClient.close": lambda w: w.client.close(),
    "WireClient.cut": lambda w: w.client.cut(),
}

# Read or make something in whichever thread and loop, and wait for nothing.
ANYWHERE: Final[dict[str, Call]] = {
    "App.room": lambda w: w.app.room("tea").name,
    "App.user": lambda w: w.app.user("ada").name,
    "App.all": lambda w: w.app.all.name,
    "App.collection": lambda w: w.app.collection("notes").name,
    "Session.id": lambda w: w.session.id,
    "Session.user": lambda w: w.session.user,
    "Session.address": lambda w: w.session.address,
    "Session.user_agent": lambda w: w.session.user_agent,
    "Session.since": lambda w: w.session.since,
    "Session.state": lambda w: w.session.state and None,
    "Session.nursery": lambda w: w.session.nursery and None,
    "Session.ended": lambda w: w.session.ended,
    "Session.connected": lambda w: w.session.connected,
    "Session.latency": lambda w: w.session.latency,
    "Session.rooms": lambda w: w.session.rooms,
    "Session.expires": lambda w: w.session.expires,
    "Member.info": lambda w: w.member.info,
    "Listening.position": lambda w: Listening(w.room, "old.1").position,
    "Following.position": lambda w: Following(w.notes, "old.1").position,
    "MemoryServer.core": lambda w: w.server.core.head(),
}

# Before the serving, in any thread; while it goes on it comes too late, wherever.
REGISTERED: Final = {
    "App.authenticate", "App.authorize", "App.on", "App.state", "App.rooms", "App.websocket",
    "App.background", "App.lifespan", "App.on_connect", "App.on_disconnect", "App.stream", "App.include",
    "App.middleware", "App.on_error", "App.override",
    "App.on_join", "App.on_leave", "App.on_empty", "App.on_connected", "App.on_away",
    *(OF_AN_APP := {"App.operator", "App.rule", "App.yjs"}),
}  # fmt: skip

# A router is of no run: nobody serves it.
OF_A_ROUTER: Final = {f"Router{name.removeprefix('App')}" for name in REGISTERED - OF_AN_APP}

# Values, and functions of values: they know no run.
CRDTS: Final = ("GCounter", "GSet", "LWWRegister", "ORSet", "Text")
OF_EACH: Final = ("changed", "merge", "of_state", "said_as", "state")
PURE: Final = {
    "Entry.position", "Changed.position", "Heard.data", "Position.epoch", "Position.seq",
    "Answer.text", "Answer.json",
    "testing.check_done", "testing.check_heard",
    "JWT.verify", "JWT.rotate", "JWT.keys", "JWT.__call__", "Denied.of",
    *(f"{kind}.{name}" for kind in CRDTS for name in OF_EACH),
    "GCounter.add", "GCounter.value", "GSet.add", "GSet.value",
    "LWWRegister.set", "LWWRegister.value", "ORSet.remove", "Text.add", "Text.updates",
    "RtcoreError.message", "Config.of", "Config.limit", "Config.grace",
}  # fmt: skip

# Of Trio's tasks, in whichever run: they need no server.
OWN_RUN: Final = {
    "JWT.claims", "JWKS.refresh", "JWKS.keep_fresh", "JWKS.needed", "JWKS.may_ask",
    "Served.lifespan", "MemoryServer.run", "Stop.ask", "Stop.insist", "Stop.is_asked", "Stop.asked",
    "rtcore.aio", "rtcore.run", "rtcore.serve", "rtcore.asgi", "testing.connect_tcp", "testing.memory_server",
}  # fmt: skip

# A client's program has them, and there need be no server in it: `tests/client` and `tests/sim` try them.
OF_A_PROGRAM: Final = {
    "Client.answer", "Client.changes", "Client.close", "Client.emit", "Client.end", "Client.join",
    "Client.latency", "Client.monitor", "Client.off", "Client.on", "Client.ping", "Client.position",
    "Client.ready", "Client.reconnect", "Event.session", "Event.user", "Pool.acquire", "Pool.stats",
    "Client.restored", "Client.send", "Client.session", "Client.status", "Client.stream",
    "Client.transport", "Client.try_now", "Client.upload", "Client.user",
    "Client.collection", "Client.sign_out",
    "Outbox.close", "Outbox.commit", "Outbox.load", "Outbox.open", "Outbox.start", "Outbox.unsent",
    "Network.clear_up", "Network.client", "Network.cut", "Network.dial", "Network.kill_server",
    "Network.note", "Network.start_server", "Network.stop_server", "Network.turn", "Network.wall",
    "rtcore.connect", "testing.network_in_a_box",
}  # fmt: skip

TABLE: Final = {*HANDED, *HERE, *CLIENT, *ANYWHERE, *REGISTERED, *PURE, *OWN_RUN, *OF_A_PROGRAM, *OF_A_ROUTER}


def surface() -> Iterator[str]:
    """Each public function, method and property, by its name."""
    for module in (rtcore, rtcore.testing):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing):
                yield from (f"{name}.{each}" for each in _methods(thing))
            elif inspect.isroutine(thing):
                yield f"{module.__name__.removeprefix('rtcore.')}.{name}"


def _methods(kind: type) -> Iterator[str]:
    public = {getattr(rtcore, name) for name in rtcore.__all__ if inspect.isclass(getattr(rtcore, name))}
    ours = [
        each
        for each in kind.__mro__
        if each.__module__.partition(".")[0] == "rtcore" and (each is kind or each not in public)
    ]
    for name in {name: None for each in ours for name in vars(each)}:
        if name.startswith("_") and name not in {"__call__", "__anext__"}:
            continue
        value = inspect.getattr_static(kind, name)
        if inspect.isroutine(value) or isinstance(value, property | classmethod | staticmethod):
            yield name
