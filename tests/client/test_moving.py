"""Moving to another transport while the connection is there: by what is measured, down, and by trying, up."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore.client import Event, State
from rtcore.client.choice import DWELL, STEADY, Choice
from rtcore.client.coming import ABNORMAL
from rtcore.client.effects import Open, Shut
from rtcore.client.machine import Machine
from rtcore.client.moving import PATIENCE
from rtcore.testing import Weather, network_in_a_box
from tests.client.hand import Hand, event, taken

Said = dict[str, Any]


class Mover(Hand):
    """A hand that keeps each transport that is opened, by generation."""

    def pump(self) -> None:
        self.opens: dict[int, str] = getattr(self, "opens", {})
        self.shuts: list[int] = getattr(self, "shuts", [])
        for effect in self.machine.effects:
            if isinstance(effect, Open):
                self.opens[effect.gen] = effect.transport
            elif isinstance(effect, Shut):
                self.shuts.append(effect.gen)
        super().pump()

    def pings(self, count: int, trip: float) -> None:
        """So many pings, each with its answer after so many seconds."""
        for _ in range(count):
            self.clock.time = max(self.clock.time, self.machine.pulse.ping_due)  # type: ignore[union-attr]
            self.machine.advance()
            self.pump()
            asked = next(said for said in reversed(self.said) if said["type"] == "ping")
            self.clock.time += trip
            self.tell({"type": "pong", "time": asked["time"], "server": 0, "taken": 0}, gen=self.machine.gen)

    @property
    def newest(self) -> tuple[int, str]:
        return max(self.opens.items())


def slow() -> Mover:
    """A client whose WebSocket has turned slow: the move down has begun, and is not opened yet."""
    mover = Mover()
    mover.welcome()
    mover.join()
    mover.pings(STEADY, 3.0)
    assert mover.newest == (2, "sse")
    return mover


def welcome(**fields: Any) -> Said:
    return {
        "type": "welcome", "v": 1, "session": "s1", "key": "k", "user": "ann", "epoch": "k1", "seq": 100,
        "head": 100, "taken": 1, "resumed": True, "life": "l1", "rooms": [{"room": "tea", "seq": 100}],
        "limits": {}, **fields,
    }  # fmt: skip


def test_a_transport_that_stays_slow_is_left_for_the_next_and_is_heard_until_its_welcome() -> None:
    """*Make before break: hello on the new transport says 100; 101 to 103 still come on the old one.*"""
    mover = slow()
    reader = mover.machine.hearing.rooms.get("tea").readers[0]  # type: ignore[union-attr]
    assert (mover.machine.state, mover.machine.transport) == (State.LIVE, "websocket")
    mover.machine.opened(2, None)
    mover.pump()
    assert mover.said[-1]["type"] == "hello"
    assert mover.said[-1]["session"] == "s1"
    mover.tell(event(101), event(102), gen=1)
    mover.emit("on the old one")
    assert 1 not in mover.shuts
    mover.tell(welcome(), gen=2)
    assert 1 in mover.shuts
    mover.tell({"type": "room", "room": "tea", "seq": 100, "members": [], "count": 1}, gen=2)
    assert (mover.machine.state, mover.machine.transport) == (State.LIVE, "sse")
    mover.tell(event(101), event(102), event(103), gen=2)
    mover.tell(event(104), gen=1)
    assert taken(reader) == [101, 102, 103]


def test_one_slow_answer_moves_nobody_and_neither_does_a_slow_start() -> None:
    """Hysteresis, and at most one move a minute."""
    mover = Mover()
    mover.welcome(limits={"ping": 5})
    mover.pings(12, 0.01)
    mover.pings(1, 4.0)
    mover.pings(8, 0.01)
    assert mover.opens == {1: "websocket"}
    choice = Choice()
    choice.worked("websocket", 0.0)
    assert [choice.measured(3.0, 0.0, second) for second in range(1, 60)] == [None] * 59
    assert choice.measured(3.0, 0.0, DWELL) == "sse"


def test_a_client_that_fell_is_not_back_up_because_its_connection_broke() -> None:
    """The way back to a slow transport must not be a cut: the dwell counts over a return too."""
    mover = slow()
    mover.machine.opened(2, None)
    mover.tell(welcome(), gen=2)
    mover.machine.closed(2, ABNORMAL)
    mover.pump()
    mover.clock.time = mover.machine.deadline
    mover.machine.advance()
    mover.pump()
    assert mover.newest == (3, "sse")


def test_a_better_transport_that_does_not_answer_in_its_time_is_given_up_and_nothing_is_lost() -> None:
    """*101, and a proxy that holds the stream: the first connection goes on as if nothing had been.*"""
    mover = Mover("sse")
    mover.machine.failed(1, OSError("no WebSocket"))
    mover.pump()
    mover.clock.time = mover.machine.deadline
    mover.machine.advance()
    mover.pump()
    assert mover.newest == (2, "sse")
    mover.welcome()
    reader = mover.join()
    mover.clock.time = mover.machine.choice.try_at
    mover.machine.advance()
    mover.pump()
    assert mover.newest == (3, "websocket")
    mover.machine.opened(3, None)
    mover.pump()
    mover.clock.time += PATIENCE
    mover.machine.advance()
    mover.pump()
    assert 3 in mover.shuts
    assert (mover.machine.state, mover.machine.gen, mover.machine.transport) == (State.LIVE, 2, "sse")
    mover.tell(event(101), gen=2)
    assert taken(reader) == [101]
    assert mover.machine.choice.try_at > mover.clock.time, "tried again later, and not at once"


def test_the_server_may_close_the_first_before_the_welcome_of_the_second_is_here() -> None:
    """*4500 for the old connection, by one's own newer hello: the client ends itself.*"""
    mover = slow()
    mover.machine.opened(2, None)
    mover.pump()
    mover.tell({"type": "bye", "code": 4500, "reason": "another connection"}, gen=1)
    mover.machine.closed(1, 4500)
    mover.pump()
    assert (mover.machine.state, mover.machine.transport) == (State.WELCOMING, "sse")
    mover.tell(welcome(), gen=2)
    mover.tell({"type": "room", "room": "tea", "seq": 100, "members": [], "count": 1}, gen=2)
    assert mover.machine.state is State.LIVE
    assert len(mover.opens) == 2


def test_a_first_connection_that_breaks_while_the_second_opens_leaves_it_to_go_on() -> None:
    mover = slow()
    mover.machine.closed(1, ABNORMAL)
    mover.pump()
    assert mover.machine.state is State.CONNECTING
    mover.machine.opened(2, None)
    mover.tell(welcome(), gen=2)
    mover.tell({"type": "room", "room": "tea", "seq": 100, "members": [], "count": 1}, gen=2)
    assert (mover.machine.state, mover.machine.transport, len(mover.opens)) == (State.LIVE, "sse", 2)


def test_a_server_that_says_when_to_come_back_is_not_come_back_to_before_by_a_move() -> None:
    mover = slow()
    mover.tell({"type": "bye", "code": 4000, "reason": "restart", "after": 7.0}, gen=1)
    mover.machine.closed(1, 4000)
    mover.pump()
    assert 2 in mover.shuts
    assert mover.machine.state is State.WAITING
    assert mover.machine.deadline >= mover.clock.time + 7.0


@pytest.mark.parametrize("ends", ["close", "reconnect"])
def test_nothing_of_a_move_is_left_where_the_client_closes_or_reconnects(ends) -> None:
    mover = slow()
    getattr(mover.machine, ends)()
    mover.pump()
    assert {1, 2} <= set(mover.shuts)
    assert not mover.machine.wanted(2)


def test_a_fresh_session_on_the_second_connection_is_told_as_a_lost_one() -> None:
    """The session ended between the two hellos: what was written and cannot be known ends as maybe done."""
    mover = slow()
    request = mover.emit("unknown")
    mover.machine.opened(2, None)
    mover.pump()
    mover.tell(welcome(session="s2", resumed=False, rooms=[]), gen=2)
    assert request.ended
    assert request.error.maybe_done  # type: ignore[union-attr]
    joins = [said for said in mover.said if said["type"] == "join"]
    assert len(joins) == 2


def test_a_client_of_one_transport_alone_never_moves() -> None:
    hand = Hand()
    dice = __import__("random").Random(1)
    machine = Machine(clock=hand.clock, dice=dice, choice=Choice("polling"))
    machine.start()
    machine.opened(1, None)
    machine.heard(1, [welcome(session="s3", resumed=False, rooms=[])])
    for second in range(1, 400):
        hand.clock.time = float(second)
        machine.advance()
    assert machine.choice.try_at == float("inf")


async def test_a_server_that_is_not_there_says_nothing_about_transports(net, autojump_clock) -> None:
    """*Down for a minute: each way had failed, and who came back was on polls for ever.*"""
    async with net.client() as client:
        net.down = True
        await net.cut()
        await trio.sleep(90)
        net.down = False
        await client.ready(60)
        assert client.transport == "websocket"


# -- over the network in a box


def make_app() -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea", relay=True, history=4096)

    @app.on("count")
    async def count(session: rtcore.Session, what: int) -> int:
        return what

    return app


async def listen(client: rtcore.Client, heard: list[int]) -> None:
    async for item in await client.join("tea"):
        assert isinstance(item, Event), f"{item} is no event"
        heard.append(item.data)


async def talk(client: rtcore.Client, numbers: range) -> None:
    tea = await client.join("tea")
    for number in numbers:
        await tea.publish("say", number, timeout=60)
        await trio.sleep(5)


async def test_it_goes_back_up_in_the_midst_of_a_live_connection_and_nothing_is_lost(autojump_clock) -> None:
    """A proxy that eats `Upgrade` is gone after two minutes: nobody has to lose the connection first."""
    async with network_in_a_box(make_app()) as network:
        network.weather_of["ann"] = Weather(strips_upgrade=True)
        clients = network.client("ann"), network.client("bob")
        async with clients[0] as ann, clients[1] as bob, trio.open_nursery() as nursery:
            heard: list[int] = []
            nursery.start_soon(listen, ann, heard)
            await trio.sleep(1)
            assert ann.transport == "sse"
            session = ann.session
            nursery.start_soon(talk, bob, range(180))
            await trio.sleep(120)
            assert ann.transport == "sse"
            network.clear_up()
            for number in range(156):
                assert await ann.emit("count", number, timeout=30) == number
                await trio.sleep(5)
            assert ann.transport == "websocket"
            assert ann.session == session
            await trio.sleep(60)
            assert heard == list(range(180))
            nursery.cancel_scope.cancel()


async def test_a_slow_link_takes_it_down_and_up_again_and_nothing_is_lost(autojump_clock) -> None:
    async with network_in_a_box(make_app()) as network:
        clients = network.client("ann"), network.client("bob")
        async with clients[0] as ann, clients[1] as bob, trio.open_nursery() as nursery:
            heard: list[int] = []
            seen = {ann.transport}
            nursery.start_soon(listen, ann, heard)
            nursery.start_soon(talk, bob, range(300))
            await trio.sleep(70)
            network.turn("ann", delay=1.0)
            for number in range(260):
                if number == 60:
                    network.turn("ann", delay=0.01)
                assert await ann.emit("count", number, timeout=30) == number
                seen.add(ann.transport)
                await trio.sleep(5)
            assert seen == {"websocket", "sse"}
            assert ann.transport == "websocket"
            await trio.sleep(300)
            assert heard == list(range(300))
            nursery.cancel_scope.cancel()


async def test_a_client_that_the_server_advises_moves_there_and_nothing_is_lost(autojump_clock) -> None:
    async with network_in_a_box(make_app()) as network:
        clients = network.client("ann"), network.client("bob")
        async with clients[0] as ann, clients[1] as bob, trio.open_nursery() as nursery:
            heard: list[int] = []
            nursery.start_soon(listen, ann, heard)
            nursery.start_soon(talk, bob, range(60))
            await trio.sleep(30)
            session = ann.session
            assert network.server is not None
            assert network.server.core.advise("memory", "sse", 2.5, 0, 10) == 2
            network.server.runtime.wake()
            await trio.sleep(20)
            assert ann.transport == "websocket", "it is connected for less than a minute"
            await trio.sleep(15)
            assert (ann.transport, bob.transport, ann.session) == ("sse", "sse", session)
            await trio.sleep(60)
            assert ann.transport == "sse", "it does not fall back at once"
            await trio.sleep(240)
            assert ann.transport == "websocket", "and is not there for ever"
            assert heard == list(range(60))
            nursery.cancel_scope.cancel()
