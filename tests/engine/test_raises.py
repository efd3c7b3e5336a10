"""The table of what each public name raises is true: each error is brought about, as far as a test can."""

from __future__ import annotations

import builtins
import contextlib
import inspect
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore import App, RawSocket, Room, Session
from rtcore.testing import WireClient, memory_server

TABLE: dict[str, dict[str, str]] = runpy.run_path(
    str(Path(__file__).resolve().parents[2] / "scripts" / "raises.py")
)["raises"]()

# Shown by tests of their own, which the table's would only repeat.
ELSEWHERE = {
    ("Items.__anext__", "Refuse"): "tests/engine/test_streams_up.py",
    ("Items.__anext__", "RemoteError"): "tests/engine/test_streams_up.py",
    ("Items.__anext__", "StopAsyncIteration"): "tests/engine/test_streams_up.py",
    ("Items.__anext__", "UsageError"): "tests/engine/test_streams_up.py",
    ("Room.publish_nowait", "trio.WouldBlock"): "tests/engine/test_rooms.py",
    ("Session.send_nowait", "trio.WouldBlock"): "tests/engine/test_sessions.py",
    ("RawSocket.__anext__", "StopAsyncIteration"): "tests/engine/test_raw_sockets.py",
    ("Served.__call__", "NotServing"): "tests/asgi",
    ("Served.__call__", "UsageError"): "tests/asgi",
    ("Served.lifespan", "NotServing"): "tests/asgi",
    ("Served.lifespan", "UsageError"): "tests/asgi",
    ("Room.history", "Unavailable"): "tests/unit/test_errors.py",
    ("Session.close", "OutcomeUnknown"): "tests/unit/test_errors.py",
    ("Room.publish", "OutcomeUnknown"): "tests/unit/test_errors.py",
    ("Room.publish", "Unavailable"): "tests/unit/test_errors.py",
    ("Room.publish_nowait", "Unavailable"): "tests/unit/test_errors.py",
    ("Pool.acquire", "ConnectError"): "tests/client/test_pool.py",
    ("Pool.acquire", "PoolTimeout"): "tests/client/test_pool.py",
    ("Pool.acquire", "UsageError"): "tests/client/test_pool.py",
    ("serve", "StartError"): "tests/server/test_serve.py",
    ("run", "StartError"): "tests/server/test_serve.py",
    **{
        (name, error): "tests/client"
        for name in TABLE
        if name.startswith(("Client", "Outbox", "connect"))
        for error in TABLE[name]
    },
    **{
        (name, error): f"tests/{'engine/test_following' if error == 'NotServing' else 'unit/test_errors'}.py"
        for name in TABLE
        if name.startswith(("SharedData", "Following"))
        for error in TABLE[name]
        if error in ("NotServing", "OutcomeUnknown", "Overloaded", "Unavailable")
    },
    **{
        (name, error): "tests/tokens"
        for name in TABLE
        if name.startswith(("JWT", "JWKS"))
        for error in TABLE[name]
    },
}  # fmt: skip


class World:
    """A served application with a session, and one that has ended."""

    app: App
    room: Room
    session: Session
    ended: Session
    socket: RawSocket
    closed: RawSocket
    member: rtcore.Member
    client: WireClient

    async def keyed(self, publish: Callable[..., Any]) -> None:
        """The same key with other content."""
        for data in (1, 2):
            done = publish("e", data, key="k")
            if done is not None and hasattr(done, "__await__"):
                await done

    def one_too_many(self) -> Room:
        """A room for which there is no place: in all others somebody is."""
        with contextlib.suppress(rtcore.Overloaded):
            for number in range(50):
                self.app.room(f"r:{number}").add(self.session)
        return self.app.room("r:one-too-many")

    def flooded(self) -> None:
        """Messages without an end, in one turn."""
        for _ in range(100):
            self.socket.send_nowait("x" * 100_000)

    async def unstarted(self) -> None:
        """What is mounted says that it cannot start."""

        async def site(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no"})

        with pytest.RaisesGroup(rtcore.StartError, flatten_subgroups=True) as caught:
            async with rtcore.asgi(App(), mount=site).lifespan():
                pass
        error: BaseException = caught.value
        while isinstance(error, BaseExceptionGroup):
            [error] = error.exceptions
        raise error

    async def answered(self, **reply: Any) -> Any:
        """Ask the peer, who answers so."""

        async def answer() -> None:
            asked = await self.client.until("request")
            await self.client.send({"type": "reply", "id": asked["id"], **reply})

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            try:
                await self.session.request("e", type=int)
            except rtcore.RemoteError as error:
                refused = error
        raise refused


TRIED: dict[tuple[str, str], Callable[[World], Any]] = {
    ("App.all", "NotServing"): lambda w: App().all,
    ("App.room", "NotServing"): lambda w: App().room("r"),
    ("App.room", "UsageError"): lambda w: w.app.room(5),  # type: ignore[arg-type]
    ("App.user", "NotServing"): lambda w: App().user("ann"),
    ("App.user", "UsageError"): lambda w: w.app.user(None),  # type: ignore[arg-type]
    ("App.sessions", "NotServing"): lambda w: App().sessions,
    ("App.collection", "NotServing"): lambda w: App().collection("notes"),
    ("App.collection", "UsageError"): lambda w: App().collection("notes", Any, strategy="luck"),
    ("App.authenticate", "UsageError"): lambda w: App().authenticate(lambda: None),
    ("App.middleware", "UsageError"): lambda w: App().middleware(lambda call: None),  # type: ignore[arg-type, misc]
    ("App.on_error", "UsageError"): lambda w: App().on_error(),
    ("App.operator", "UsageError"): lambda w: App().operator(lambda: None),
    ("App.rule", "UsageError"): lambda w: App().rule("") and None,
    ("App.override", "UsageError"): lambda w: App().override(dict, lambda one: one),
    ("App.authorize", "UsageError"): lambda w: App().authorize(lambda s, j: True),  # type: ignore[arg-type]
    ("App.background", "UsageError"): lambda w: App().background(lambda app: None),
    ("App.lifespan", "UsageError"): lambda w: App().lifespan(lambda: None),
    ("App.on", "UsageError"): lambda w: App().on("$x"),
    ("App.on_connect", "UsageError"): lambda w: App().on_connect(lambda: None),
    ("App.on_disconnect", "UsageError"): lambda w: App().on_disconnect(lambda: None),
    ("App.on_join", "UsageError"): lambda w: App().on_join("$all"),
    ("App.on_leave", "UsageError"): lambda w: App().on_leave("x")(lambda s: None),  # type: ignore[arg-type, misc]
    ("App.on_empty", "UsageError"): lambda w: App().on_empty(lambda room: None),  # type: ignore[arg-type]
    ("App.on_connected", "UsageError"): lambda w: App().on_connected(lambda: None),  # type: ignore[arg-type, misc]
    ("App.on_away", "UsageError"): lambda w: App().on_away(lambda: None),  # type: ignore[arg-type, misc]
    ("App.rooms_now", "NotServing"): lambda w: App().rooms_now(),
    ("App.rooms_now", "UsageError"): lambda w: w.app.rooms_now(""),
    ("App.rooms", "UsageError"): lambda w: App().rooms("r", history=-1),
    ("App.state", "UsageError"): lambda w: App().state("r")(lambda: None),
    ("App.stream", "UsageError"): lambda w: App().stream("s")(lambda s: None),
    ("App.websocket", "UsageError"): lambda w: App().websocket("x"),
    ("App.yjs", "UsageError"): lambda w: App().yjs("/x")(lambda: None),
    ("App.include", "UsageError"): lambda w: App().include(App()),  # type: ignore[arg-type]
    ("Keep", "UsageError"): lambda w: rtcore.Keep(count=-1),
    ("Member.session", "SessionEnded"): lambda w: w.member.session,
    ("Position", "UsageError"): lambda w: rtcore.Position("x"),
    ("Refuse", "UsageError"): lambda w: rtcore.Refuse("no"),
    ("User", "UsageError"): lambda w: rtcore.User(""),
    ("RawSocket.close", "UsageError"): lambda w: w.socket.close(999),
    ("RawSocket.close_nowait", "UsageError"): lambda w: w.socket.close_nowait("x"),  # type: ignore[arg-type]
    ("RawSocket.__anext__", "trio.BusyResourceError"): lambda w: w.socket.__anext__(),
    ("RawSocket.receive", "trio.BusyResourceError"): lambda w: w.socket.receive(),
    ("RawSocket.receive", "SocketClosed"): lambda w: w.closed.receive(),
    ("RawSocket.send", "SocketClosed"): lambda w: w.closed.send("x"),
    ("RawSocket.send", "TypeError"): lambda w: w.socket.send(5),  # type: ignore[arg-type]
    ("RawSocket.send_nowait", "SocketClosed"): lambda w: w.closed.send_nowait("x"),
    ("RawSocket.send_nowait", "TypeError"): lambda w: w.socket.send_nowait(5),  # type: ignore[arg-type]
    ("Room.add", "NotFound"): lambda w: w.app.room("none").add(w.session),
    ("Room.add", "UsageError"): lambda w: w.room.add(w.session, grants=["fly"]),
    ("Room.add", "InvalidData"): lambda w: w.room.add(w.session, info=object()),
    ("Room.add", "SessionEnded"): lambda w: w.room.add(w.ended),
    ("Room.add", "Overloaded"): lambda w: [w.app.room(f"r:{n}").add(w.session) for n in range(50)],
    ("Room.grant", "UsageError"): lambda w: w.room.grant(w.session, ["fly"]),
    ("Room.history", "NotFound"): lambda w: w.app.room("none").history(),
    ("Room.history", "InvalidData"): lambda w: w.room.history(after="x"),
    ("Room.history", "UsageError"): lambda w: w.room.history(limit=-1),
    ("Room.listen", "NotFound"): lambda w: w.app.room("none").listen(),
    ("Room.listen", "InvalidData"): lambda w: w.room.listen(since="x"),
    ("SharedData.put", "NotFound"): lambda w: w.app.collection("none").put("n1", 1),
    ("SharedData.put", "InvalidData"): lambda w: w.app.collection("notes").put("n1", object()),
    ("SharedData.delete", "NotFound"): lambda w: w.app.collection("none").delete("n1"),
    ("SharedData.patch", "InvalidData"): lambda w: w.app.collection("notes").patch("n1", done=object()),
    ("SharedData.patch", "NotFound"): lambda w: w.app.collection("notes").patch("none", done=True),
    ("SharedData.snapshot", "NotFound"): lambda w: w.app.collection("none").snapshot(),
    ("SharedData.changes", "NotFound"): lambda w: w.app.collection("none").changes(),
    ("SharedData.changes", "InvalidData"): lambda w: w.app.collection("notes").changes("x"),
    ("SharedData.loaded", "NotFound"): lambda w: w.app.collection("none").loaded(),
    ("Room.set_info", "InvalidData"): lambda w: w.room.set_info(w.session, object()),
    ("Room.publish", "SenderForbidden"): lambda w: w.room.publish("e", sender=w.session),
    ("Room.publish_nowait", "SenderForbidden"): lambda w: w.room.publish_nowait("e", sender=w.session),
    ("Room.publish", "NotFound"): lambda w: w.app.room("none").publish("e"),
    ("Room.publish", "InvalidData"): lambda w: w.room.publish("e", key=""),
    ("Room.publish", "KeyConflict"): lambda w: w.keyed(w.room.publish),
    ("Room.publish_nowait", "NotFound"): lambda w: w.app.room("none").publish_nowait("e"),
    ("Room.publish_nowait", "InvalidData"): lambda w: w.room.publish_nowait("e", key="k" * 129),
    ("Room.publish_nowait", "KeyConflict"): lambda w: w.keyed(w.room.publish_nowait),
    ("Room.publish", "Overloaded"): lambda w: w.one_too_many().publish("e"),
    ("Room.publish_nowait", "Overloaded"): lambda w: w.one_too_many().publish_nowait("e"),
    ("RawSocket.send_nowait", "trio.WouldBlock"): lambda w: w.flooded(),
    ("Served.lifespan", "StartError"): lambda w: w.unstarted(),
    ("App.room", "Forbidden"): lambda w: w.app.room("$all"),
    ("Session.close", "UsageError"): lambda w: w.session.close("", 1001),
    ("Session.close_nowait", "UsageError"): lambda w: w.session.close_nowait("", 1001),
    ("Session.request", "UsageError"): lambda w: w.session.request("e", timeout=-1),
    ("Session.request", "InvalidData"): lambda w: w.session.request("e", object()),
    ("Session.request", "Timeout"): lambda w: w.session.request("e", timeout=1),
    ("Session.request", "RemoteError"): lambda w: w.answered(data="no number"),
    ("Session.request", "SessionEnded"): lambda w: w.ended.request("e"),
    ("Session.send", "SessionEnded"): lambda w: w.ended.send("e"),
    ("Session.send", "InvalidData"): lambda w: w.session.send(""),
    ("Session.send_nowait", "SessionEnded"): lambda w: w.ended.send_nowait("e"),
    ("Session.send_nowait", "InvalidData"): lambda w: w.session.send_nowait(""),
    ("SessionNursery.start", "SessionEnded"): lambda w: w.ended.nursery.start(trio.sleep, 1),
    ("SessionNursery.start_soon", "SessionEnded"): lambda w: w.ended.nursery.start_soon(trio.sleep, 1),
    ("asgi", "UsageError"): lambda w: rtcore.asgi(None),  # type: ignore[arg-type]
    ("asgi", "ConfigError"): lambda w: rtcore.asgi(App(), prot=1),
    ("serve", "UsageError"): lambda w: rtcore.serve(None),  # type: ignore[arg-type]
    ("serve", "ConfigError"): lambda w: rtcore.serve(App(), port=-1),
    ("Depends", "UsageError"): lambda w: rtcore.Depends(3),  # type: ignore[arg-type]
    ("aio", "UsageError"): lambda w: rtcore.aio(5),  # type: ignore[call-overload]
    ("run", "UsageError"): lambda w: rtcore.run(None),  # type: ignore[arg-type]
    ("run", "ConfigError"): lambda w: rtcore.run(App(), port=-1),
}
ROUTED: dict[str, Callable[[rtcore.Router], Any]] = {
    "authenticate": lambda r: r.authenticate(lambda: None),
    "authorize": lambda r: r.authorize(lambda s, j: True),  # type: ignore[arg-type]
    "background": lambda r: r.background(lambda app: None),
    "include": lambda r: r.include(r),
    "lifespan": lambda r: r.lifespan(lambda: None),
    "on": lambda r: r.on("$x"),
    "on_connect": lambda r: r.on_connect(lambda: None),
    "on_disconnect": lambda r: r.on_disconnect(lambda: None),
    "on_join": lambda r: r.on_join("$all"),
    "on_leave": lambda r: r.on_leave("$all"),
    "on_empty": lambda r: r.on_empty("$all"),
    "on_connected": lambda r: r.on_connected(lambda: None),  # type: ignore[arg-type, misc]
    "on_away": lambda r: r.on_away(lambda: None),  # type: ignore[arg-type, misc]
    "rooms": lambda r: r.rooms("r", history=-1),
    "state": lambda r: r.state("r")(lambda: None),
    "stream": lambda r: r.stream("s")(lambda s: None),
    "websocket": lambda r: r.websocket("x"),
    "middleware": lambda router: router.middleware(lambda call: None),  # type: ignore[arg-type, misc]
    "on_error": lambda router: router.on_error(),
    "override": lambda router: router.override(dict, lambda one: one),
}
TRIED |= {
    (f"Router.{name}", "UsageError"): lambda w, call=call: call(rtcore.Router())
    for name, call in ROUTED.items()
}


@pytest.fixture
async def world(autojump_clock: trio.abc.Clock) -> Any:
    app = App()
    app.rooms("r")
    app.rooms("r:*")
    app.collection("notes", Any)
    sockets: list[RawSocket] = []

    @app.websocket("/raw")
    async def raw(socket: RawSocket) -> None:
        sockets.append(socket)
        async for _ in socket:
            pass

    async with memory_server(app, limits={"rooms": 20}) as server:
        world = World()
        world.app, world.room = app, app.room("r")
        for name in ("closed", "socket"):
            client = await server.connect(path="/raw", reading=name == "closed")
            await trio.testing.wait_all_tasks_blocked()
            setattr(world, name, sockets[-1])
            if name == "closed":
                await client.close()
                await trio.testing.wait_all_tasks_blocked()
        await server.welcomed()
        [world.ended] = app.sessions
        world.room.add(world.ended)
        [world.member] = world.room.members()
        world.ended.close_nowait()  # and nothing was done since: it counts at once
        world.client = await server.welcomed()
        world.session = next(one for one in app.sessions if one.id == world.client.session)
        world.room.add(world.session)
        yield world


def errors_of(name: str) -> type[BaseException]:
    home, _, own = name.rpartition(".")
    kind: type[BaseException] = getattr(trio if home else rtcore, own, None) or getattr(builtins, own)
    return kind


@pytest.mark.parametrize(("name", "error"), TRIED, ids=lambda one: one)
async def test_it_raises_what_the_table_says(name: str, error: str, world: World) -> None:
    async def tried() -> None:
        done: Any = TRIED[name, error](world)
        if inspect.isawaitable(done):
            await done

    with pytest.raises(errors_of(error)):
        await tried()


def test_each_row_of_the_table_is_tried() -> None:
    rows = {(name, error) for name, errors in TABLE.items() for error in errors}
    assert rows - set(TRIED) - set(ELSEWHERE) == set(), "say here how it is brought about"
    assert (set(TRIED) | set(ELSEWHERE)) - rows == set(), "the docstring no longer says so"


async def test_a_request_that_cannot_be_asked_leaves_nobody_waiting(world: World) -> None:
    """A timeout that was no number left its task waiting, and the end of that session ended the server."""
    for timeout in (-1, float("nan"), "x"):
        with pytest.raises(rtcore.UsageError):
            await world.session.request("e", timeout=timeout)  # type: ignore[arg-type]
    world.session.close_nowait()
    await trio.testing.wait_all_tasks_blocked()
    assert [one.id for one in world.app.sessions] == []


async def test_what_was_told_to_go_is_gone_at_once(world: World) -> None:
    session = world.session
    session.close_nowait()
    assert session.ended
    assert (session.connected, session.rooms) == (False, {})
    for act in (
        lambda: session.send_nowait("e"),
        lambda: world.room.add(session),
        lambda: session.nursery.start_soon(trio.sleep, 1),
    ):
        with pytest.raises(rtcore.SessionEnded):
            act()
    session.close_nowait()  # twice is once


@pytest.mark.parametrize(("row", "where"), ELSEWHERE.items(), ids=str)
def test_what_is_tried_elsewhere_is_there(row: tuple[str, str], where: str) -> None:
    place = Path(__file__).resolve().parents[2] / where
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    # The end of an iteration is what `async for` hears, by no name.
    told = "async for" if row[1] == "StopAsyncIteration" else row[1]
    assert any(told.rpartition(".")[2] in file.read_text() for file in files)
