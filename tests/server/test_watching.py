"""What a server says of itself, and to whom: probes, figures, the diagnosis, tables, the console."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import trio

import rtcore
from rtcore._engine import VERSION
from rtcore._ground.numbers import CONSOLE
from rtcore._watch.findings import Finding, Severity
from rtcore._watch.view import View
from rtcore.testing import connect_tcp

from .conftest import serving
from .looked import BEARER, KEY, application, asked


def of(stats: dict[str, Any], stage: str, name: str) -> dict[str, Any]:
    [row] = [row for row in stats["stages"] if (row["stage"], row["of"]) == (stage, name)]
    return row


async def test_each_stage_of_a_request_is_measured_by_name() -> None:
    async with (
        serving(application(), api_keys=KEY) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        for number in range(20):
            await client.ask("emit", event="echo", data=number)
        await client.ask("emit", event="wait", data=0.2)
        await client.ask("join", room="tea")
        await client.ask("publish", room="tea", event="said", data=1)
        stats = await asked(server, "stats")
        text = (await server.get("/metrics"))[2]
    assert of(stats, "handler", "echo")["1m"]["count"] == 20
    slow = of(stats, "handler", "wait")["1m"]
    assert slow["count"] == 1
    assert slow["mean"] >= 200
    assert of(stats, "wait", "wait")["1m"]["mean"] < slow["mean"], "what it waits for itself is its own"
    assert of(stats, "fan-out", "tea*")["all"]["count"] == 1
    assert of(stats, "read", "websocket")["all"]["count"] >= 24
    assert of(stats, "write", "websocket")["all"]["count"] >= 20
    assert stats["slowest_handlers"][0]["event"] == "wait"
    assert stats["slowest_handlers"][0]["session"]
    assert stats["version"] == VERSION
    assert 'rtcore_handler_seconds_count{event="echo"} 20' in text


async def test_a_coroutine_that_blocks_is_blamed_and_not_the_plain_function_behind_it() -> None:
    app = application()

    @app.on("holds")
    async def holds(_: rtcore.Session) -> None:
        time.sleep(0.15)  # noqa: ASYNC251 - that is what is looked for

    async with serving(app, api_keys=KEY) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello()
        await client.ask("emit", event="holds")
        async with connect_tcp("127.0.0.1", server.port) as other:
            await other.hello()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lambda: client.ask("emit", event="holds"))
                nursery.start_soon(lambda: other.ask("emit", event="echo", data=1))
        stats = await asked(server, "stats")
    assert of(stats, "handler", "holds")["all"]["max"] >= 150
    assert of(stats, "handler", "echo")["all"]["max"] < 100


async def test_what_is_wrong_is_named_with_since_when_and_what_to_try() -> None:
    async with (
        serving(application(), api_keys=KEY) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        assert (await asked(server, "diagnose"))["status"] == "healthy"
        for _ in range(3):
            await client.ask("emit", event="block", data=0.1)
        said = await asked(server, "diagnose")
    issue = said["issues"][0]
    assert issue["type"] == "held_turn"
    assert "'block'" in issue["message"]
    assert "to_thread" in issue["suggestion"]
    assert abs(issue["since"] / 1000 - time.time()) < 60
    assert said["status"] == "degraded"
    assert said["timeline"][0]["type"] == "held_turn"


async def test_failures_are_counted_by_event_and_told() -> None:
    async with (
        serving(application(), api_keys=KEY) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        for _ in range(8):
            assert "error" in await client.answer(await client.begin("emit", event="fail"))
        await client.ask("emit", event="echo", data=1)
        said = await asked(server, "diagnose")
    [issue] = [issue for issue in said["issues"] if issue["type"] == "failures"]
    assert issue["severity"] == "critical"
    assert "'fail'" in issue["message"]


async def test_an_application_adds_a_rule_and_takes_the_place_of_another() -> None:
    app = application()

    @app.rule("jobs")
    def jobs(_: View, raised: bool) -> Finding | None:
        return Finding(Severity.CRITICAL, "9 jobs wait", "more workers", {"raised": raised})

    async with serving(app, api_keys=KEY) as server:
        said = await asked(server, "diagnose")
    assert [issue["type"] for issue in said["issues"]] == ["jobs"]
    assert said["status"] == "critical"
    with pytest.raises(rtcore.UsageError, match="too late"):
        app.rule("late")


async def test_who_has_no_key_sees_nothing() -> None:
    keys = [
        {"key": KEY, "name": "all"},
        {"key": "another-key-without-eyes", "name": "mute", "operations": ["publish"]},
    ]
    async with serving(application(), api_keys=keys) as server:
        for name in ("stats", "diagnose", "sessions", "rooms"):
            for headers, expected in (
                ("", 401),
                ("Authorization: Bearer wrong\r\n", 401),
                ("Authorization: Bearer another-key-without-eyes\r\n", 403),
                (BEARER, 200),
            ):
                status, _, body = await server.get(f"/rt/api/{name}", headers=headers)
                assert status == expected, (name, headers)
                assert status == 200 or set(json.loads(body)) <= {"code", "message", "details", "retry"}
            assert (await server.get(f"/rt/api/{name}", method="POST", headers=BEARER))[0] == 405
        status, _, body = await server.get("/rt/api/stats?find=x", headers=BEARER)
        assert status == 400
        assert "find" in body
    async with serving(application()) as server:
        assert (await server.get("/rt/api/stats", headers=BEARER))[0] == 404
        assert (await server.get(CONSOLE))[0] == 404


async def test_an_operator_of_the_application_sees_and_ends_and_does_not_publish() -> None:
    app = application()

    @app.operator
    async def operator(token: str) -> str | None:
        await trio.lowlevel.checkpoint()
        if token == "broken":
            raise ValueError(token)
        return "ann" if token == "of-ann" else None

    ann = "Authorization: Bearer of-ann\r\n"
    async with serving(app) as server, connect_tcp("127.0.0.1", server.port) as client:
        welcome = await client.hello()
        assert (await asked(server, "stats", ann))["sizes"]["sessions"] == 1
        for token in ("of-bob", "broken"):
            assert (await server.get("/rt/api/stats", headers=f"Authorization: Bearer {token}\r\n"))[0] == 401

        async def post(name: str, body: str) -> int:
            request = (
                f"POST /rt/api/{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{ann}"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            )
            async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
                await stream.send_all(request.encode())
                return int((b"".join([part async for part in stream])).split()[1])

        assert await post("publish", '{"room":"tea","event":"said","data":1}') == 401
        assert await post("disconnect", json.dumps({"session": welcome["session"]})) == 200
        assert (await asked(server, "sessions", ann))["found"] == 0


async def test_sessions_and_rooms_are_found_by_a_part_of_their_names() -> None:
    async with (
        serving(application(), api_keys=KEY) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        welcome = await client.hello()
        await client.ask("join", room='tea <b>&"')
        found = await asked(server, f"sessions?find={welcome['session']}")
        assert found["found"] == 1
        [row] = found["sessions"]
        assert (row["rooms"], row["names"]) == (1, ['tea <b>&"']), "those that it joined, and not `$all`"
        assert (row["transport"], row["encoding"], row["here"], row["behind"]) == ("websocket", "json", 1, 0)
        assert (await asked(server, "sessions?find=nobody")) == {"found": 0, "sessions": []}
        rooms = await asked(server, "rooms?find=tea")
        assert rooms["rooms"][0]["room"] == 'tea <b>&"'
        assert rooms["rooms"][0]["settings"] == "tea*"


async def test_the_console_is_whole_and_loads_nothing_from_elsewhere() -> None:
    async with serving(application(), api_keys=KEY) as server:
        status, head, page = await server.get(CONSOLE)
        assert status == 200
        assert "content-security-policy: default-src 'none'" in head
        assert KEY not in page
        for name in (
            "console.js",
            "deeper.js",
            "data.js",
            "shown.js",
            "charts.js",
            "console.css",
            "uplot.js",
            "uplot.css",
        ):
            status, head, _ = await server.get(f"{CONSOLE}/{name}")
            assert status == 200, name
            assert ("javascript" if name.endswith("js") else "css") in head
        assert (await server.get(f"{CONSOLE}/other.js"))[0] == 404


async def test_probes_say_that_it_drains_before_anybody_is_sent_away() -> None:
    async with (
        serving(application(), shutdown_delay=1) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        assert [(await server.get(path))[0] for path in ("/livez", "/readyz", "/healthz")] == [200] * 3
        server.stop.ask()
        while (await server.get("/readyz"))[0] != 503:
            await trio.lowlevel.checkpoint()
        assert (await server.get("/livez"))[0] == 200, "it drains, and lives"
        assert await client.ask("emit", event="echo", data=5) == 5, "all is served meanwhile"
        assert (await server.get("/metrics"))[0] == 200
        await client.until("bye")
        await server.ended.wait()


async def test_a_second_wish_does_not_wait_for_the_delay() -> None:
    async with serving(application(), shutdown_delay=600, patience=30) as server:
        server.stop.ask()
        while (await server.get("/readyz"))[0] != 503:
            await trio.lowlevel.checkpoint()
        server.stop.insist()
        await server.ended.wait()


async def test_an_operator_sees_into_a_room_without_being_in_it() -> None:
    async with (
        serving(application(), api_keys=KEY) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        await client.ask("join", room="tea")
        first = await asked(server, "room?name=tea")
        assert (first["entries"], first["count"]) == ([], 1)
        for number in range(3):
            await client.ask("publish", room="tea", event="said", data={"n": number})
        then = await asked(server, f"room?name=tea&after={first['next']}")
        assert [entry["data"]["n"] for entry in then["entries"]] == [0, 1, 2]
        assert then["members"][0]["session"] == then["entries"][0]["session"]
        assert then["complete"] is True
        last = await asked(server, f"room?name=tea&after={then['next']}")
        assert (last["entries"], last["next"]) == ([], then["next"])
        for query, status in (("name=nowhere&after=k.1", 404), ("name=tea&after=x", 400), ("nome=tea", 400)):
            assert (await server.get(f"/rt/api/room?{query}", headers=BEARER))[0] == status, query


async def test_operators_who_wait_for_messages_at_once_take_none_from_each_other() -> None:
    """One wants the next `note`, one three of it, one the next `echo`: each has what he asked for."""
    async with (
        serving(application(), api_keys=KEY) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        had: dict[str, list[str]] = {}
        async with trio.open_nursery() as nursery:

            async def follow(query: str) -> None:
                said = await asked(server, f"trace?wait=20&{query}")
                had[query] = [trail["event"] for trail in said["trails"]]

            wanted = {
                "event=note&times=3": ["note"] * 3,
                "event=note": ["note"],
                "event=echo&times=2": ["echo"] * 2,
            }
            for query in wanted:
                nursery.start_soon(follow, query)
            while len(had) < len(wanted):
                await client.ask("emit", event="note", data=1)
                await client.ask("emit", event="echo", data=1)
        assert had == wanted


async def test_a_profile_names_what_the_time_is_spent_in() -> None:
    async with (
        serving(application(), api_keys=KEY) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        said: list[Any] = []
        async with trio.open_nursery() as nursery:

            async def look() -> None:
                said.append(await asked(server, "profile?seconds=1"))

            nursery.start_soon(look)
            while not said:
                await client.ask("emit", event="block", data=0.05)
        [profile] = said
        assert profile["looks"] > 0
        names = [row["function"] for row in profile["functions"]]
        assert any("block" in name for name in names), names
        assert all(0 <= row["self"] <= row["all"] <= 1 for row in profile["functions"])
        refused: list[tuple[int, str, str]] = []
        async with trio.open_nursery() as nursery:

            async def look_for_long() -> None:
                refused.append(await server.get("/rt/api/profile?seconds=3", headers=BEARER))
                nursery.cancel_scope.cancel()  # the other one is still being made

            nursery.start_soon(look_for_long)
            nursery.start_soon(look_for_long)
        [(status, _, body)] = refused
        assert (status, json.loads(body)["code"]) == (503, "OVERLOADED")
        assert "somebody else" in body
        for query in ("seconds=0", "seconds=61", "seconds=x"):
            assert (await server.get(f"/rt/api/profile?{query}", headers=BEARER))[0] == 400
