"""`rtcore doctor` names what the network does, in each of the ways in which networks fail."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

from rtcore._engine import SQLITE
from rtcore.client.doctor import Doctor, Finding, Verdict
from rtcore.client.links.http import HttpPeer
from rtcore.client.links.target import target_of
from rtcore.testing import Network, Weather, network_in_a_box
from tests.client.conftest import make_app


async def findings(
    network: Network, *, url: str = "http://localhost/rt", **options: Any
) -> dict[str, Finding]:
    doctor = Doctor(target_of(url), dial=lambda _: network.dial("doctor"), **options)
    return {finding.check: finding async for finding in doctor.findings()}


def bad(found: dict[str, Finding]) -> set[str]:
    return {name for name, finding in found.items() if finding.verdict is Verdict.BAD}


async def test_where_nothing_is_wrong_it_says_so(autojump_clock) -> None:
    async with network_in_a_box(make_app()) as network:
        found = await findings(network)
        assert bad(found) <= {"clock"}  # the box has a time of its own
        assert {"connection", "websocket", "sse", "polling", "latency", "limits", "compression"} <= set(found)
        assert "1,048,576 bytes" in found["limits"].found


async def test_it_says_how_the_server_and_the_disk_below_it_do(
    autojump_clock, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with network_in_a_box(make_app()) as network:
        found = (await findings(network))["health"]
        assert (found.verdict, found.found) == (Verdict.GOOD, "it serves, and keeps nothing on disk")
    async with network_in_a_box(make_app(), data=str(tmp_path)) as network:
        found = (await findings(network))["health"]
        assert found.verdict is Verdict.GOOD
        assert f"SQLite {SQLITE}" in found.found
    answer = b"degraded\nstore: it takes nothing new: no room\n"

    async def degraded(*_: object, **__: object) -> tuple[int, dict[bytes, bytes], bytes]:
        return 200, {}, answer

    monkeypatch.setattr(HttpPeer, "ask", degraded)
    found = await Doctor(target_of("http://localhost/rt"))._health()
    assert (found.verdict, "no room" in found.found) == (Verdict.BAD, True)


@pytest.mark.parametrize(
    ("weather", "named", "advice"),
    [
        (Weather(strips_upgrade=True), {"websocket"}, "Upgrade"),
        (Weather(gathers=True), {"sse"}, "buffering"),
        (Weather(refuses=True), {"connection"}, "firewall"),
        (Weather(half_open=True), {"server"}, "for one that is away"),
    ],
    ids=["upgrade", "gathers", "refuses", "half open"],
)
async def test_it_names_the_fault_and_says_what_to_do(weather, named, advice, autojump_clock) -> None:
    async with network_in_a_box(make_app()) as network:
        network.weather = weather
        found = await findings(network)
        assert bad(found) - {"clock"} == named
        assert any(advice in finding.advice for name, finding in found.items() if name in named)


NO_RTCORE = b"HTTP/1.1 %b\r\nContent-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<p/>"


@pytest.mark.parametrize("status", [b"404 Not Found", b"200 OK"])
async def test_what_is_no_rtcore_is_told_first_and_no_proxy_is_blamed(
    status: bytes, autojump_clock, nursery
) -> None:
    async def answer(stream: trio.abc.Stream) -> None:
        async with stream:
            if await stream.receive_some():  # nothing: it was only tried whether it opens
                await stream.send_all(NO_RTCORE % status)

    async def dial(_: object) -> trio.abc.Stream:
        ours, theirs = trio.testing.memory_stream_pair()
        nursery.start_soon(answer, theirs)
        return ours

    found = [finding async for finding in Doctor(target_of("http://localhost/rt"), dial=dial).findings()]
    assert [finding.check for finding in found] == ["connection", "server"]
    assert found[1].verdict is Verdict.BAD
    assert status[:3].decode() in found[1].found
    assert "is that the address of an rtcore server" in found[1].advice


async def test_it_finds_out_that_idle_connections_are_cut(autojump_clock) -> None:
    app = make_app()
    async with network_in_a_box(
        app, limits={"ping_ms": "300 s", "silence_ms": "600 s", "resume_ms": "1000 s"}
    ) as network:
        network.weather = Weather(idle=20)
        assert "idle websocket" in bad(await findings(network, idle=60))
        network.weather = Weather()
        assert "idle websocket" not in bad(await findings(network, idle=60))


async def test_a_token_that_is_refused_and_a_host_that_is_not_allowed_are_told(autojump_clock) -> None:
    async with network_in_a_box(make_app()) as network:
        found = await findings(network, token="1234")
        assert "refuses the token" in found["websocket"].found
        found = await findings(network, url="http://elsewhere.example/rt")
        assert "allow" in found["websocket"].advice


def test_the_command_says_it_in_lines_or_json_and_by_its_exit_status() -> None:
    from click.testing import CliRunner

    from rtcore.cli import main

    done = CliRunner().invoke(main, ["doctor", "http://127.0.0.1:9", "--json"])
    assert done.exit_code == 1
    assert '"verdict": "bad"' in done.output
    done = CliRunner().invoke(main, ["doctor", "127.0.0.1"])
    assert done.exit_code == 2
    assert "is no address" in done.output


async def test_a_terminal_joins_says_and_hears(autojump_clock, capsys) -> None:
    from rtcore.cli.connect import Terminal

    async with (
        network_in_a_box(make_app()) as network,
        network.client("ann") as client,
        trio.open_nursery() as nursery,
    ):
        terminal = Terminal(client, nursery, as_json=False)
        for line in (
            "join tea 5",
            'say tea say {"text": "hello there"}',
            'emit count {"n": 1}',
            "emit no",
            "status",
            "who tea",
            'stream answer {"count": 2}',
            "history tea",
            "dance",
            "leave",
            "leave tea",
        ):
            assert await terminal.do(line)
            await trio.testing.wait_all_tasks_blocked()
        assert not await terminal.do("quit")
        nursery.cancel_scope.cancel()
    shown = capsys.readouterr()
    assert 'tea 1 - say: {"text": "hello there"}' in shown.out
    assert "answer: 1" in shown.out
    assert 'state: "live"' in shown.out
    assert "item: 1" in shown.out
    assert "! not this" in shown.err
    assert "no command 'dance'" in shown.err
    assert "leave takes other arguments" in shown.err
