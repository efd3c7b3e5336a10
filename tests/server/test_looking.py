"""`rtcore top`, `rtcore doctor --server` and `rtcore trace`: a server looked at from a terminal."""

from __future__ import annotations

import json
import time
from typing import Any

import trio
from click.testing import CliRunner, Result

from rtcore.cli import main
from rtcore.cli.top import screen
from rtcore.testing import connect_tcp

from .conftest import Running, serving
from .looked import KEY, application, asked

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def command(server: Running, *words: str, key: str = KEY, path: str = "") -> Result:
    """A command of the terminal about this server, in a thread of its own."""
    url = f"http://127.0.0.1:{server.port}{path}"
    line = [url if word == "URL" else word for word in words]
    return await trio.to_thread.run_sync(
        lambda: CliRunner().invoke(main, line, env={"RTCORE_KEY": key}), abandon_on_cancel=True
    )


# -- top


async def test_top_shows_figures_stages_and_what_is_wrong() -> None:
    async with (
        serving(application(), api_keys=KEY) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        for number in range(20):
            await client.ask("emit", event="echo", data=number)
        calm = await command(server, "top", "URL", "--once")
        assert calm.exit_code == 0, calm.output
        assert "HEALTHY" in calm.output
        assert "sessions 1   connections " in calm.output
        [row] = [line for line in calm.output.splitlines() if line.startswith("handler")]
        assert row.split()[1:3] == ["echo", "20"]
        for _ in range(3):
            await client.ask("emit", event="block", data=0.1)
        told = await command(server, "top", "URL", "--once", path="/rt/")
    assert "DEGRADED" in told.output
    assert "'block' held the turn" in told.output
    assert "-> give what takes long" in told.output


async def test_top_says_rates_of_ten_seconds_and_then_between_looks_and_obeys_nothing_that_peers_named() -> (
    None
):
    """A room named with an escape sequence would move the cursor, or worse."""
    async with (
        serving(application(), api_keys=KEY) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        stats, diagnosis = await asked(server, "stats"), await asked(server, "diagnose")
    stats["uptime"], stats["counters"]["published"]["10s"] = 3600, 70
    assert "published 7/s" in "\n".join(screen(stats, diagnosis, None))
    before = json.loads(json.dumps(stats))
    before["time"] += 7200  # the wall's clock was set back meanwhile
    before["uptime"] -= 2
    stats["counters"]["published"]["all"] += 500
    stats["slowest_rooms"] = [{"room": "tea\x1b[2J", "behind": 3, "members": 9}]
    lines = "\n".join(screen(stats, diagnosis, before))
    assert "published 250/s" in lines
    assert "tea\\x1b[2J" in lines
    assert "\x1b[2J" not in lines


async def test_top_as_json_is_what_the_server_says() -> None:
    async with serving(application(), api_keys=KEY) as server:
        said = json.loads((await command(server, "top", "URL", "--once", "--json")).output)
    assert said["stats"]["sizes"]["sessions"] == 0
    assert said["diagnosis"]["status"] == "healthy"


async def test_who_cannot_look_is_told_why_in_one_line() -> None:
    async with serving(application(), api_keys=KEY) as server:
        for words, key, says in (
            (("top", "URL", "--once"), "wrong", "401"),
            (("trace", "URL"), "wrong", "401"),
            (("top", "nowhere"), KEY, "is no address of a server"),
            (("top", "http://127.0.0.1:1", "--once"), KEY, "does not answer"),
            (("trace", "URL", "--event", "a", "--id", "b"), KEY, "and not both"),
        ):
            result = await command(server, *words, key=key)
            assert result.exit_code in (1, 2), words
            assert says in result.output, words
            assert len(result.output.splitlines()) == 1, result.output


# -- doctor --server


async def test_doctor_asks_the_server_itself_what_is_wrong_with_it() -> None:
    async with (
        serving(application(), api_keys=KEY) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        for _ in range(3):
            await client.ask("emit", event="block", data=0.1)
        told = await command(server, "doctor", "URL", "--server", "--json")
        found = {line["check"]: line for line in map(json.loads, told.output.splitlines())}
        assert found["websocket"]["verdict"] == "good", told.output
        assert "held_turn" in found, (told.output, told.exception)
        assert found["held_turn"]["verdict"] == "poor"
        assert "'block'" in found["held_turn"]["found"]
        assert "to_thread" in found["held_turn"]["advice"]
        refused = await command(server, "doctor", "URL", "--server", "--json", key="wrong")
    assert refused.exit_code == 1
    last = json.loads(refused.output.splitlines()[-1])
    assert (last["check"], last["verdict"]) == ("server", "bad")
    assert "401" in last["found"]


# -- trace


def stages(trail: dict[str, Any]) -> list[tuple[str, str]]:
    return [(leg["stage"], leg["of"]) for leg in trail["legs"]]


def in_order(trail: dict[str, Any]) -> bool:
    """No stage ends before it begins, and none begins before the message came."""
    return all(trail["from"] <= leg["from"] <= leg["to"] for leg in trail["legs"])


async def test_the_next_message_of_an_event_is_followed_through_what_its_handler_says() -> None:
    """Without a trace of its own, on the wire it leaves none."""
    async with (
        serving(application(), api_keys=KEY) as server,
        connect_tcp("127.0.0.1", server.port) as client,
        connect_tcp("127.0.0.1", server.port) as other,
    ):
        await client.hello()
        await other.hello()
        await other.ask("join", room="tea")
        for event in ("say", "note"):
            told: list[Result] = []
            async with trio.open_nursery() as nursery:

                async def look(event: str = event, told: list[Result] = told) -> None:
                    told.append(await command(server, "trace", "URL", "--event", event, "--json"))

                nursery.start_soon(look)
                while not told:  # until it is followed, and has been
                    await client.ask("emit", event="echo", data=1)
                    await client.ask("emit", event=event, data=1)
            heard = await other.expect("event")
            assert "trace" not in heard
            assert told[0].exit_code == 0, told[0].output
            [trail] = map(json.loads, told[0].output.splitlines())
            assert trail["event"] == event
            assert trail["session"]
            assert {"read", "wait", "handler", "fan-out", "write"} <= {stage for stage, _ in stages(trail)}
            [fan] = [leg for leg in trail["legs"] if leg["stage"] == "fan-out"]
            assert (fan["of"], fan["heard"]) == ("tea", 1)
            assert in_order(trail)
            assert abs(trail["from"] / 1e9 - time.time()) < 60


async def test_what_carries_a_sampled_trace_is_followed_without_asking() -> None:
    async with (
        serving(application(), api_keys=KEY) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        await client.ask("join", room="tea")
        await client.ask("publish", room="tea", event="said", data=1, trace=TRACE)
        await client.ask("publish", room="tea", event="said", data=2, trace=f"{TRACE[:-2]}00")
        assert "error" in await client.answer(await client.begin("emit", event="refuse", trace=TRACE))
        [said, failed] = (await asked(server, f"trace?id={TRACE[3:35]}"))["trails"]
        assert (said["room"], said["event"], said["failed"]) == ("tea", "said", 0)
        assert [stage for stage, _ in stages(said)] == ["read", "fan-out", "write"]
        assert (failed["event"], failed["failed"]) == ("refuse", 1)
        shown = await command(server, "trace", "URL", "--id", TRACE)
        assert "said in 'tea' by session" in shown.output
        assert "to 1 listeners" in shown.output
        assert "failed" in shown.output
        none = await command(server, "trace", "URL", "--id", "0" * 31 + "1")
        assert none.exit_code == 1


async def test_who_waits_for_nothing_is_told_so_and_asks_within_bounds() -> None:
    async with serving(application(), api_keys=KEY) as server:
        none = await command(server, "trace", "URL", "--event", "never", "--wait", "1")
        assert none.exit_code == 1
        assert "no 'never' came within 1 s" in none.output
        for query in ("event=a&times=0", "event=a&wait=99999", "event=a&times=x", "event=a&id=b", "what=1"):
            status, _, _ = await server.get(
                f"/rt/api/trace?{query}", headers=f"Authorization: Bearer {KEY}\r\n"
            )
            assert status == 400, query
