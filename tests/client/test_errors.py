"""What bad input gets: an error of its own class, with what was wrong, raised where the caller is."""

from __future__ import annotations

import asyncio
import re

import pytest
import trio

import rtcore
from rtcore.client import (
    ClientClosed,
    ConnectError,
    HelloTooLarge,
    NotConnected,
    NotDone,
    Rejected,
    RequestError,
    StreamLost,
    TokenRefused,
    TooLarge,
    WrongURL,
    connect,
)
from rtcore.testing import network_in_a_box


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("example.org", "no address"),
        ("ftp://example.org/rt", "no address"),
        ("http://", "names no host"),
        ("http://example.org:70000/rt", "no address"),
        ("http://ann:secret@example.org/rt", "password"),
        ("http://example.org/rt?token=secret", "query"),
        ("unix:", "names no socket"),
    ],
)
async def test_a_wrong_url_is_told_at_once(url: str, why: str) -> None:
    with pytest.raises(WrongURL, match=why):
        async with connect(url):
            pass


async def test_an_unknown_transport_and_a_header_with_a_line_break_are_refused() -> None:
    with pytest.raises(WrongURL, match="no transport 'carrier pigeon'"):
        async with connect("http://localhost/rt", transport="carrier pigeon"):
            pass
    with pytest.raises(WrongURL, match="line break"):
        async with connect("http://localhost/rt", headers={"X-A": "b\r\nX-C: d"}):
            pass


@pytest.mark.parametrize("transport", ["websocket", "sse", "polling", "hybrid"])
async def test_a_hello_that_the_server_does_not_take_is_told_with_its_sizes(
    transport: str, autojump_clock
) -> None:
    """No message could tell the limit before: the token is what makes a hello so long."""
    async with network_in_a_box(rtcore.App(), limits={"max_first_message": 1024}) as network:
        async with network.client("ann", transport=transport, token="x" * 100):
            pass
        with pytest.raises(HelloTooLarge) as told:
            async with network.client("bob", transport=transport, token="x" * 2000):
                pass
    assert (told.value.close, told.value.code) == (1009, "TOO_LARGE")
    assert re.search(
        r"no hello of 2\d\d\d bytes \(.*1024.*\); its token has 2000 of them: give a shorter one, or raise "
        "max_first_message at the server",
        str(told.value),
    ), told.value
    assert sum("bob is connected" in what for _, what in network.log) == 1  # once more it would be the same


async def test_a_server_that_cannot_be_reached_is_an_error_of_the_callers(net, autojump_clock) -> None:
    net.down = True
    with pytest.raises(NotConnected, match="not connected within 10 s: the network is down"):
        async with net.client():
            pass


async def test_after_so_many_attempts_the_client_ends_if_one_asks_for_a_last_one(net, autojump_clock) -> None:
    net.down = True
    with pytest.raises(NotConnected, match="5 attempts failed"):
        async with net.client(attempts=5, connect_timeout=None):
            pass


async def test_a_token_that_is_refused_is_told_where_the_caller_is(net, autojump_clock) -> None:
    with pytest.raises(TokenRefused, match="does not accept the token"):
        async with net.client(token="1234"):
            pass


async def test_why_a_token_is_refused_is_told_too(autojump_clock) -> None:
    """The server said that it had expired or was for somebody else, and the client left it out."""
    app = rtcore.App()

    @app.authenticate
    def who(hello):
        raise rtcore.Refuse("UNAUTHORIZED", "the token is for another shop")

    async with network_in_a_box(app, seed=1) as network:
        for token in ("1234", None):
            with pytest.raises(
                TokenRefused, match="does not accept the token: the token is for another shop"
            ):
                async with network.client("ann", token=token):
                    pass


async def test_a_token_that_is_none_is_refused_before_anything_is_tried(net, autojump_clock) -> None:
    with pytest.raises(rtcore.UsageError, match="a text or a function that gives one, and not of type int"):
        async with net.client(token=1234):
            pass


def test_asyncio_cannot_connect_and_is_told_what_can() -> None:
    async def main() -> None:
        async with rtcore.connect("http://127.0.0.1:1"):
            pass

    with pytest.raises(rtcore.UsageError, match=r"rtcore\.blocking\.connect"):
        asyncio.run(main())


async def test_an_exception_of_the_block_arrives_as_it_is(net, autojump_clock) -> None:
    with pytest.raises(ZeroDivisionError):
        async with net.client():
            raise ZeroDivisionError


async def test_what_cannot_be_said_is_refused_before_it_is_queued(net, autojump_clock) -> None:
    async with net.client() as client:
        deep: list[object] = []
        for _ in range(200):
            deep = [deep]
        for value in (object(), deep, 10**400):
            with pytest.raises(rtcore.InvalidData):
                client.send("count", value)
        with pytest.raises(rtcore.InvalidData):
            await client.emit("count", {1, object()})
        assert client.status.queued == 0


async def test_an_oversized_message_fails_alone_and_is_not_sent(net, app, autojump_clock) -> None:
    async with net.client() as client:
        with pytest.raises(TooLarge, match="the server takes 1048576"):
            await client.emit("count", "x" * (1 << 20))
        assert await client.emit("count", 1) == 1


async def test_a_handler_that_takes_other_arguments_is_refused_where_it_is_given(net, autojump_clock) -> None:
    async with net.client() as client:
        room = await client.join("tea")
        for register in (client.on("x"), client.answer("x"), room.on("x")):
            with pytest.raises(rtcore.UsageError, match="takes one argument"):
                register(lambda: None)
        with pytest.raises(rtcore.UsageError, match="a function"):
            client.on("x")(3)  # type: ignore[type-var]
        with pytest.raises(rtcore.UsageError, match="not both"):
            await client.join("milk", last=1, since="k.1")


async def test_a_join_that_is_refused_says_why(net, autojump_clock) -> None:
    async with net.client(token="bob") as client:
        with pytest.raises(Rejected) as raised:
            await client.join("quiet")
        assert raised.value.code == "FORBIDDEN"
        with pytest.raises(Rejected) as raised:
            await client.join("nowhere")
        assert raised.value.code == "NOT_FOUND"
    async with net.client(token="ann") as client:
        await client.join("quiet")


async def test_after_its_end_a_client_says_that_it_is_closed(net, autojump_clock) -> None:
    async with net.client() as client:
        room = await client.join("tea")
    with pytest.raises(ClientClosed):
        client.send("count", 1)
    with pytest.raises(ConnectError):
        await client.ready()
    with pytest.raises(ConnectError):
        await client.join("milk")
    with pytest.raises(ClientClosed):
        await anext(aiter(room))


async def test_a_stream_of_a_session_that_is_gone_is_lost_and_not_opened_again(net, autojump_clock) -> None:
    async with net.client() as client:
        items = client.stream("answer", {"count": 100_000})
        assert await anext(items) == 0
        net.down = True
        await net.cut()
        await trio.sleep(200)  # longer than the resume window
        net.down = False
        with pytest.raises(StreamLost, match="the session is another"):
            async for _ in items:
                pass


async def test_a_volatile_message_is_never_queued(net, autojump_clock) -> None:
    async with net.client() as client:
        net.down = True
        await net.cut()
        await trio.sleep(1)
        with pytest.raises(NotDone, match="volatile"):
            client.send("count", 1, volatile=True)


async def test_a_full_outbox_refuses_or_drops_and_says_so(net, app, autojump_clock) -> None:
    async with net.client(queue=3) as client:
        net.down = True
        await net.cut()
        await trio.sleep(1)
        sent = [client.send("count", number) for number in range(3)]
        with pytest.raises(NotDone, match="the outbox is full: 3 messages"):
            client.send("count", 3)
        net.down = False
        await sent[-1].applied
    async with net.client(queue=3, overflow="drop_oldest") as client:
        net.down = True
        await net.cut()
        await trio.sleep(1)
        sent = [client.send("count", number) for number in (10, 11, 12, 13)]
        with pytest.raises(NotDone, match="dropped"):
            await sent[0].applied
        net.down = False
        await sent[-1].applied
    async with net.client(queue=2, overflow="drop_by_key") as client:
        net.down = True
        await net.cut()
        await trio.sleep(1)
        first = client.send("count", 20, drop_key="position")
        client.send("count", 21, drop_key="other")
        last = client.send("count", 22, drop_key="position")
        with pytest.raises(RequestError):
            await first.applied
        net.down = False
        await last.applied
    assert app.done == [0, 1, 2, 11, 12, 13, 21, 22]
