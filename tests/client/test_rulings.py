"""The rulings of the design, each by the interleaving that it answers."""

from __future__ import annotations

import trio

from rtcore.client import Event, Gap, NotDone, State


async def test_a_loop_that_emits_goes_on_though_its_rooms_buffer_is_full(net, autojump_clock) -> None:
    """*The ack is behind the events that wait for the loop.*"""
    async with net.client() as other, net.client() as client:
        hers = await other.join("tea")
        tea = aiter(await client.join("tea"))
        for number in range(2000):
            await hers.publish("say", number)
        heard = []
        for _ in range(2000):
            item = await anext(tea)
            assert isinstance(item, Event), item
            heard.append(item.data)
            if item.data % 100 == 0:
                assert await client.emit("count", item.data) >= 1
        assert heard == list(range(2000))


async def test_what_nobody_has_any_more_for_a_slow_consumer_is_a_gap_told_once(net, autojump_clock) -> None:
    async with net.client() as other, net.client() as client:
        hers = await other.join("small")
        room = aiter(await client.join("small"))
        client.send("slow")  # something is owed, so it reads on, whoever is behind
        for number in range(1100):
            await hers.publish("say", number)
        heard = [await anext(room) for _ in range(1024)]
        assert [each.data for each in heard] == list(range(1024))
        gap = await anext(room)
        assert isinstance(gap, Gap)
        assert gap.reason == "slow"
        rest = [await anext(room) for _ in range(4)]
        assert [each.data for each in rest] == [1096, 1097, 1098, 1099]
        await hers.publish("say", "live")
        assert (await anext(room)).data == "live"


async def test_with_nothing_owed_reading_waits_for_a_consumer_that_is_behind(net, autojump_clock) -> None:
    """The feed is not thrown away and asked for again because a loop is slower than the network."""
    async with net.client() as other, net.client() as client:
        hers = await other.join("tea")
        tea = await client.join("tea")
        events = aiter(tea)
        for number in range(3000):
            await hers.publish("say", {"number": number, "filling": "x" * 1000})
        (reader,) = tea._state.readers
        assert not reader.hole
        assert len(reader) < 1024
        heard = [await anext(events) for _ in range(3000)]
        assert [each.data["number"] for each in heard] == list(range(3000))


async def test_two_iterators_of_one_room_each_get_all(net, autojump_clock) -> None:
    async with net.client() as client:
        tea = await client.join("tea")
        for number in range(3):
            await tea.publish("say", number)
        first, second = aiter(tea), aiter(tea)
        await tea.publish("say", 3)
        assert [(await anext(first)).data for _ in range(4)] == [0, 1, 2, 3]
        assert [(await anext(second)).data for _ in range(4)] == [0, 1, 2, 3]


async def test_events_that_nobody_has_asked_for_yet_wait(net, autojump_clock) -> None:
    async with net.client() as client:
        tea = await client.join("tea")
        await tea.publish("say", 1)
        await trio.sleep(100)
        async for event in tea:
            assert event.data == 1
            break
        await tea.publish("say", 2)
        async for event in tea:  # what one loop did not take, the next one gets
            assert event.data == 2
            break


async def test_publish_and_leave_while_away_are_done_in_their_order(net, autojump_clock) -> None:
    """*publish R, leave R, both offline: with R not joined again the publish is `FORBIDDEN`.*"""
    async with net.client() as client, net.client() as other:
        hers = aiter(await other.join("tea"))
        tea = await client.join("tea")
        net.down = True
        await net.cut()
        await trio.sleep(1)
        async with trio.open_nursery() as nursery:

            async def publish() -> None:
                assert await tea.publish("say", 1, timeout=400) is not None

            async def leave() -> None:
                await trio.sleep(1)
                await tea.leave(timeout=400)

            nursery.start_soon(publish)
            nursery.start_soon(leave)
            await trio.sleep(200)
            net.down = False
        item = await anext(hers)
        while isinstance(item, Gap):
            item = await anext(hers)
        assert item.data == 1


async def test_a_queue_goes_out_under_no_other_user(net, app, autojump_clock) -> None:
    """*The token function gives another user after a login: ann's queue is sent as bob.*"""
    who = ["ann"]
    async with net.client(token=lambda: who[0]) as client:
        net.down = True
        await net.cut()
        await trio.sleep(1)
        hers = client.send("count", "ann's")
        who[0] = "bob"
        await trio.sleep(200)
        net.down = False
        await client.ready(60)
        assert client.user == "bob"
        assert await client.emit("count", "bob's") == 1
        assert client.status.foreign == 1
        who[0] = "ann"
        net.down = True
        await net.cut()
        await trio.sleep(200)
        net.down = False
        assert await hers.applied == 2
    assert app.done == ["bob's", "ann's"]


async def test_what_was_not_written_in_its_callers_time_is_never_done(net, app, autojump_clock) -> None:
    """*`emit` offline, `Timeout` after 5 s, the application tries again, back online: both go out.*"""
    async with net.client() as client:
        net.down = True
        await net.cut()
        await trio.sleep(1)
        try:
            await client.emit("count", "first")
        except TimeoutError as error:
            assert not error.maybe_done  # noqa: PT017 - it is the subject
        net.down = False
        await client.ready(60)
        assert await client.emit("count", "second") == 1
    assert app.done == ["second"]


async def test_a_message_too_old_for_its_ttl_is_not_sent(net, app, autojump_clock) -> None:
    async with net.client() as client:
        net.down = True
        await net.cut()
        await trio.sleep(1)
        sent = client.send("count", 1, ttl=10)
        await trio.sleep(20)
        net.down = False
        await client.ready(60)
        try:
            await sent.applied
        except NotDone as error:
            assert "time to live" in str(error)  # noqa: PT017 - it is the subject
    assert app.done == []


async def test_try_now_goes_at_once_but_a_client_that_waits_is_not_idle(net, autojump_clock) -> None:
    async with net.client() as client:
        net.down = True
        await net.cut()
        await trio.sleep(300)
        assert client.status.state in (State.WAITING, State.CONNECTING)
        net.down = False
        began = trio.current_time()
        client.try_now()
        await client.ready(60)
        assert trio.current_time() - began < 1


async def test_a_token_function_that_raises_never_makes_one_anonymous(net, autojump_clock) -> None:
    broken = [False]

    async def token() -> str:
        if broken[0]:
            raise RuntimeError("the vault is sealed")
        return "ann"

    async with net.client(token=token) as client:
        broken[0] = True
        await net.cut()
        await trio.sleep(100)
        assert "the vault is sealed" in str(client.status.error)
        broken[0] = False
        await client.ready(60)
        assert client.user == "ann"


async def test_a_refused_token_is_asked_for_once_more_and_another_one_is_tried(net, autojump_clock) -> None:
    """*A cached token ends the client for ever.*"""
    asked = []

    def token(refused: str | None) -> str:
        asked.append(refused)
        return "ann" if refused is not None else "1234"

    async with net.client(token=token) as client:
        assert client.user == "ann"
    assert asked == [None, "1234"]


async def test_a_room_joined_twice_is_left_with_the_last(net, autojump_clock) -> None:
    async with net.client() as client, net.client() as other:
        hers = await other.join("tea")
        one, two = await client.join("tea"), await client.join("tea")
        await one.leave()
        assert await two.publish("say", 1)
        await two.leave()
        await trio.sleep(1)
        assert [member["session"] for member in hers.members] == [other.session]


async def test_the_servers_question_is_run_once_though_it_breaks(net, app, autojump_clock) -> None:
    async with net.client() as client:
        runs = []

        @client.answer("delete?")
        async def delete(_: object) -> str:
            runs.append(1)
            await net.cut()
            await trio.sleep(10)
            return "yes"

        assert await client.emit("ask", "delete?", timeout=100) == "yes"
        assert runs == [1]
