"""Who runs the server sees what was refused: one line each, with why and what to set, and never a flood."""

from __future__ import annotations

import logging

import pytest
import trio

import rtcore
from rtcore.testing import HandshakeRefused, WireClient, connect_tcp

from .conftest import Running, serving

REFUSED = "rtcore.refused"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, REFUSED)
    return caplog


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == REFUSED]


def application() -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea:*", relay=True)

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User | None:
        if hello.token == "expired":
            raise rtcore.Refuse("UNAUTHORIZED", "the token has expired\n\x1b[31mred")
        return rtcore.User(hello.token) if hello.token else None

    @app.authorize("tea:*")
    def may(session: rtcore.Session, join: rtcore.Join) -> bool:
        return join.room == "tea:open"

    return app


async def upgrade(server: Running, *fields: str) -> int:
    head = "".join(f"{field}\r\n" for field in fields)
    return (await server.get("/rt/ws", headers=head))[0]


async def test_an_origin_that_is_refused_is_told_with_what_lets_it_in(told: pytest.LogCaptureFixture) -> None:
    async with serving(application()) as server:
        assert await upgrade(server, "Origin: https://app.example") == 403
    (line,) = lines(told)
    assert line.startswith("refused a request of 127.0.0.1: 403 FORBIDDEN_ORIGIN: ")
    assert "https://app.example" in line
    assert "--origin, or `origins` in the settings" in line
    assert told.records[-1].levelno == logging.INFO


async def test_a_host_that_is_refused_is_told_with_what_lets_it_in(told: pytest.LogCaptureFixture) -> None:
    async with (
        serving(application()) as server,
        await trio.open_tcp_stream("127.0.0.1", server.port) as stream,
    ):
        with pytest.raises(HandshakeRefused):
            await WireClient(stream).open(host="shop.example")
    (line,) = lines(told)
    assert "shop.example" in line
    assert "--allow-host, or `hosts` in the settings" in line


async def test_a_token_that_is_refused_is_told_with_why_and_without_it(
    told: pytest.LogCaptureFixture,
) -> None:
    async with serving(application()) as server:
        for token in ("expired", None):
            async with connect_tcp("127.0.0.1", server.port) as client:
                await client.send({"type": "hello", "token": token})
                assert (await client.wait_closed()).code == 4501
    first, second = lines(told)
    assert first == r"refused a token of 127.0.0.1: 4501 the token has expired\n\x1b[31mred"
    assert second == "refused a token of 127.0.0.1: 4501 the token is not accepted"


async def test_a_join_that_is_refused_is_told_with_why(told: pytest.LogCaptureFixture) -> None:
    async with serving(application()) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello(token="ann")
        for room in ("tea:closed", "coffee"):
            await client.answer(await client.begin("join", room=room))
        await client.ask("join", room="tea:open")
    closed, unknown = lines(told)
    assert closed.startswith("refused a join of 127.0.0.1: FORBIDDEN: ")
    assert "tea:closed" in closed
    assert "app.authorize(...) decides who may join" in closed
    assert unknown.startswith("refused a join of 127.0.0.1: NOT_FOUND: ")
    assert "coffee" in unknown
    assert "app.rooms(...) says which rooms there are" in unknown


async def test_a_stream_that_may_not_hear_a_room_is_not_told_of_hosts(told: pytest.LogCaptureFixture) -> None:
    """The code is that of a name in `Host`, and what lets it in is another."""
    async with serving(application()) as server:
        status, *_ = await server.get("/rt/sse?room=tea:closed", headers="Authorization: Bearer ann\r\n")
        assert status == 403
    (line,) = lines(told)
    assert "tea:closed" in line
    assert "app.authorize(...)" in line
    assert "--allow-host" not in line


async def test_a_flood_of_refusals_is_a_few_lines(told: pytest.LogCaptureFixture) -> None:
    """The log is no way to fill a disk."""
    async with serving(application()) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello(token="ann")
        ids = [await client.begin("join", room=f"coffee:{number}") for number in range(2000)]
        await client.answer(ids[-1])
        text = (await server.get("/metrics"))[2]
    written = lines(told)
    assert 0 < len(written) < 2000 / 10
    assert "rtcore_faults_total 2000" in text


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
async def test_a_message_that_cannot_be_read_is_told_to_who_debugs(
    caplog: pytest.LogCaptureFixture, level: int
) -> None:
    caplog.set_level(level, REFUSED)
    async with serving(application()) as server:
        async with connect_tcp("127.0.0.1", server.port) as client:
            await client.hello(token="ann")
            await client.send({"type": "teleport"})
            await client.until("error")
        async with connect_tcp("127.0.0.1", server.port) as client:
            await client.send({"type": "join", "room": "tea:open"})
            assert (await client.wait_closed()).code == 4504
    written = lines(caplog)
    if level == logging.INFO:
        assert written == []
        return
    assert written[0].startswith("refused a message of 127.0.0.1: INVALID_MESSAGE: ")
    assert "teleport" in written[0]
    assert "must be a hello" in written[1]
    assert {record.levelno for record in caplog.records if record.name == REFUSED} == {logging.DEBUG}
