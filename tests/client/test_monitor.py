"""`client.monitor`: figures by window, what is wrong and what to do about it, reports."""

from __future__ import annotations

import json
import logging
import time

import pytest
import trio

import rtcore
from rtcore.client import Found, Rejected, RequestError, Severity
from rtcore.client.monitor import Spread
from rtcore.testing import network_in_a_box
from tests.client.conftest import make_app
from tests.client.model import Rig

ISSUE = {"severity", "type", "message", "suggestion", "since", "evidence"}


@pytest.fixture
async def net(net):
    """The server in memory has the machine's clock: here the clients have it too."""
    net.wall = lambda: int(time.time() * 1000) + net.wall_offset
    return net


def types(client) -> list[str]:
    return [issue["type"] for issue in client.monitor.diagnose()["issues"]]


async def test_it_counts_what_was_sent_received_and_failed_and_bytes(net, autojump_clock) -> None:
    async with net.client() as client:
        tea = await client.join("tea")
        before = client.monitor.total
        for number in range(5):
            await tea.publish("say", number)
        with pytest.raises(Rejected):
            await client.emit("no")
        total = client.monitor.total
        assert (total.sent, total.received, total.applied, total.failed) == (7, 5, 6, 1)
        assert total.bytes_out > before.bytes_out > 0
        assert total.bytes_in > before.bytes_in > 0
        assert total.reconnects == 0
        assert total.answers.count == 5, "those before the first look at the monitor are not measured"


async def test_a_window_forgets_what_lies_before_it(net, autojump_clock) -> None:
    async with net.client() as client:
        assert client.monitor.window(60).sent == 0
        await client.emit("count", 1)
        assert client.monitor.window(10).sent == 1
        await trio.sleep(45)
        assert client.monitor.window(10).sent == 0
        assert client.monitor.window(60).sent == 1
        await trio.sleep(45)
        assert client.monitor.window(60).sent == 0
        assert client.monitor.window(3600).sent == 1
        await trio.sleep(3700)
        assert client.monitor.window(3600).sent == 0
        assert client.monitor.total.sent == 1
        with pytest.raises(rtcore.UsageError, match="1 to 3600 seconds"):
            client.monitor.window(0)


def test_a_spread_has_the_last_the_mean_and_the_slowest_of_a_hundred() -> None:
    spread = Spread.of([float(number) for number in range(100, 0, -1)])
    assert spread == Spread(100, 1.0, 50.5, 95.0, 99.0)
    assert Spread.of([2.0]) == Spread(1, 2.0, 2.0, 2.0, 2.0)
    assert Spread.of([]) == Spread()


async def test_in_calm_nothing_is_wrong(net, autojump_clock) -> None:
    async with net.client() as client:
        assert client.monitor.diagnose()["status"] == "healthy"
        for _ in range(100):
            await client.emit("count", 1)
            await trio.sleep(1)
        diagnosis = client.monitor.diagnose()
        assert diagnosis["status"] == "healthy"
        assert diagnosis["issues"] == diagnosis["recommendations"] == []
        assert diagnosis["metrics"]["windows"]["60"]["latency"]["count"] >= 5
        json.dumps(diagnosis)


async def test_an_issue_says_what_since_when_by_which_figures_and_what_to_do(net, autojump_clock) -> None:
    async with net.client() as client:
        assert types(client) == []
        for _ in range(10):
            with pytest.raises(Rejected):
                await client.emit("no")
        since = net.wall()
        diagnosis = client.monitor.diagnose()
        assert diagnosis["status"] == "critical"
        (issue,) = diagnosis["issues"]
        assert set(issue) == ISSUE
        assert issue["type"] == "failures"
        assert issue["message"] == "10 of 10 requests failed in the last minute"
        assert since <= issue["since"] <= net.wall()
        since = issue["since"]
        assert issue["evidence"]["failed"] == 10
        assert diagnosis["recommendations"] == [issue["suggestion"]]
        await trio.sleep(20)
        (again,) = client.monitor.diagnose()["issues"]
        assert again["since"] == since, "it is the same one"
        await trio.sleep(120)
        assert types(client) == []


async def test_being_away_is_told_and_becomes_critical(net, autojump_clock) -> None:
    async with net.client() as client:
        assert types(client) == []
        net.down = True
        await net.cut()
        await trio.sleep(5)
        assert "away" not in types(client), "a short absence is no issue"
        await trio.sleep(15)
        assert types(client) == ["away"]
        assert client.monitor.diagnose()["status"] == "degraded"
        await trio.sleep(60)
        assert client.monitor.diagnose()["status"] == "critical"
        net.down = False
        await client.ready(60)
        assert "away" not in types(client)


async def test_reconnects_that_come_in_a_row_are_told(net, autojump_clock) -> None:
    async with net.client() as client:
        assert types(client) == []
        for _ in range(4):
            await net.cut()
            await trio.sleep(3)
            await client.ready(60)
        (issue,) = [i for i in client.monitor.diagnose()["issues"] if i["type"] == "reconnects"]
        assert issue["severity"] == "critical"
        assert issue["evidence"]["minute"] == 4
        assert client.monitor.window(60).reconnects == 4


async def test_a_long_way_is_told_from_slow_handlers(autojump_clock) -> None:
    app = make_app()

    @app.on("doze")
    async def doze(session: rtcore.Session) -> None:
        await trio.sleep(3)

    async with (
        network_in_a_box(app, seed=1) as network,
        network.client("far") as far,
        network.client("asks") as asks,
    ):
        for each in (far, asks):
            each.monitor.rule("clock_skew", None)  # the box has a time of its own
        assert types(far) == types(asks) == []
        network.turn("far", delay=0.4)
        for _ in range(6):
            await asks.emit("doze", timeout=10)
            await trio.sleep(6)
        assert types(far) == ["latency"]
        assert types(asks) == ["slow_answers"]
        network.clear_up()
        await trio.sleep(120)
        assert types(far) == types(asks) == []


async def test_a_worse_transport_than_wanted_is_told(autojump_clock) -> None:
    async with network_in_a_box(make_app(), seed=1) as network:
        network.turn("a", strips_upgrade=True)
        async with network.client("a", connect_timeout=60) as client:
            client.monitor.rule("clock_skew", None)
            (issue,) = client.monitor.diagnose()["issues"]
            assert issue["type"] == "worse_transport"
            assert issue["evidence"] == {"transport": client.transport, "failed": ["websocket"]}


async def test_a_full_outbox_a_slow_loop_and_a_wrong_clock_are_told(net, autojump_clock) -> None:
    net.wall_offset = -100_000
    async with net.client() as other, net.client(queue=10) as client:
        hers = await other.join("tea")
        await client.join("tea")
        assert types(client) == ["clock_skew"]
        client.send("slow")  # something is owed, so it reads on, whoever is behind
        for number in range(1500):
            await hers.publish("say", number)
        assert sorted(types(client)) == ["clock_skew", "slow_consumer"]
        net.down = True
        await net.cut()
        await trio.sleep(0.1)
        for number in range(8):
            client.send("count", number)
        assert sorted(types(client)) == ["clock_skew", "queue_full", "slow_consumer"]


async def test_handlers_that_raise_are_counted(net, autojump_clock, caplog) -> None:
    async with net.client() as client:
        tea = await client.join("tea")
        tea.on("say")(lambda event: 1 / 0)
        assert types(client) == []
        await tea.publish("say", 1)
        await trio.sleep(1)
        assert types(client) == ["handler_failures"]
    caplog.clear()


async def test_the_program_adds_rules_of_its_own_and_one_that_fails_harms_nothing(
    net, autojump_clock, caplog
) -> None:
    async with net.client() as client:
        client.monitor.rule("mine", lambda view, raised: Found(Severity.WARNING, "so", "do this", {"a": 1}))
        client.monitor.rule("broken", lambda view, raised: 1 / 0)
        assert types(client) == ["mine"]
        client.monitor.rule("mine", None)
        assert types(client) == []
    assert "the rule 'broken' failed" in caplog.text
    caplog.clear()


async def test_a_report_comes_each_minute_to_a_function_or_the_log(net, autojump_clock, caplog) -> None:
    told: list[dict] = []
    async with net.client() as client:
        client.monitor.report(told.append)
        await trio.sleep(185)
        assert [each["status"] for each in told] == ["healthy"] * 3

        async def slowly(diagnosis: dict) -> None:
            await trio.sleep(1)
            told.append(diagnosis)

        client.monitor.report(slowly, every=10)
        await trio.sleep(35)
        assert len(told) == 6
        with caplog.at_level(logging.INFO, "rtcore.client.monitor"):
            client.monitor.report()
            await trio.sleep(61)
        assert "healthy by websocket" in caplog.text
        client.monitor.report(every=None)
        with pytest.raises(rtcore.UsageError):
            client.monitor.report(every=0)


def test_a_server_that_asks_is_told_what_was_measured() -> None:
    """`welcome.limits.report` gives the seconds between two; without it nothing is said."""
    rig = Rig(1, "ann")
    said: list[dict] = []
    hear = rig.server.hear
    rig.server.hear = lambda one: (
        (said.append(one), hear(one))[1] if one["type"] != "report" else said.append(one) or []
    )
    rig.settle()
    rig.pass_time(100)
    rig.settle()
    assert not [each for each in said if each["type"] == "report"]
    welcome = rig.server._hello
    rig.server._hello = lambda one: [{**welcome(one)[0], "limits": {"report": 30}}, *welcome(one)[1:]]
    rig.machine.reconnect()
    rig.cut()
    rig.settle()
    rig.pass_time(31)
    rig.settle()
    first = next(each for each in said if each["type"] == "report")
    assert (first["transport"], first["loss"], first["reconnects"]) == ("websocket", 0, 1)


async def test_requests_that_fail_while_away_count_once(net, autojump_clock) -> None:
    async with net.client() as client:
        assert client.monitor.total.failed == 0
        net.down = True
        await net.cut()
        with pytest.raises(RequestError):
            await client.emit("count", 1, timeout=1)
        assert client.monitor.total.failed == 1


async def test_what_clients_report_is_part_of_what_the_server_knows(autojump_clock) -> None:
    async with network_in_a_box(make_app(), limits={"report_ms": "10 s", "ping_ms": "5 s"}) as network:
        network.wall = lambda _: int((time.time() + 3600) * 1000)
        async with network.client("ann") as client:
            await client.ready()
            core = network.server.runtime.core
            with trio.fail_after(600):
                await trio.sleep(30)
                told = json.loads(core.measured())
    [row] = told["reports"]
    assert row["transport"] == "websocket"
    assert row["reports"]["all"] >= 1
    clocks = told["clocks"]
    assert clocks["told"]["all"] >= 1
    assert clocks["ahead"]["all"] == clocks["told"]["all"], "an hour, as the pings say"


async def test_a_servers_advice_is_kept_and_what_can_wait_waits(net, autojump_clock) -> None:
    rig = Rig(1, "ann")
    rig.settle()
    reports = rig.machine.reports
    reports.begin(5, rig.machine.clock.now())
    due = reports.due
    rig.machine.heard(rig.machine.gen, [{"type": "advise", "why": "memory", "transport": "sse", "hold": 60}])
    assert reports.advice is not None
    assert (reports.advice.why, reports.advice.transport) == ("memory", "sse")
    assert reports.due > due
    for hold in ("long", -1, 1e9, True, None):
        reports.advised({"type": "advise", "why": 7, "hold": hold}, 0.0)
        assert (reports.advice.why, reports.advice.until) == ("", 0.0)
