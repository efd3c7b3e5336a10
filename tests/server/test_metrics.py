"""What /metrics says: each figure with what it means, and turns as they are."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import trio
import trustme

import rtcore
from rtcore.testing import WireClient, connect_tcp

from .conftest import serving


def application() -> rtcore.App:
    app = rtcore.App()

    @app.on("echo")
    def echo(_: rtcore.Session, data: int) -> int:
        return data

    @app.on("metrics")
    def metrics(session: rtcore.Session) -> str:
        return session._engine.core.metrics().decode()

    @app.on("later")
    async def later(_: rtcore.Session, data: int) -> int:
        await trio.lowlevel.checkpoint()
        return data

    return app


def value(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found is not None, name
    return float(found[1])


async def test_each_figure_says_what_it_means_once_and_before_it_is_told() -> None:
    async with serving(application()) as server:
        _, _, text = await server.get("/metrics")
    told: dict[str, list[str]] = {}
    for line in text.splitlines():
        word, kind, name = [*line.split(), "", ""][:3]
        if word == "#":
            told.setdefault(name, []).append(kind)
            if kind == "HELP":
                assert line.endswith((".", "). ", ").")), line
        else:
            base = re.sub(r"\{.*", "", word)
            base = base if base in told else re.sub(r"_(bucket|sum|count)$", "", base)
            assert told.get(base) == ["HELP", "TYPE"], line
    assert all(name.startswith("rtcore_") for name in told)
    assert {"rtcore_current_sessions", "rtcore_current_head", "rtcore_start_time_seconds"} <= set(told)


async def test_every_turn_is_counted_and_not_the_long_ones_alone() -> None:
    async with serving(application()) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello()
        before = (await server.get("/metrics"))[2]
        for number in range(20):  # each waits for its ack, so each is a turn of its own at least
            assert await client.ask("emit", event="echo", data=number) == number
            assert await client.ask("emit", event="later", data=number) == number
        after = (await server.get("/metrics"))[2]
    counts = [value(text, "rtcore_turn_seconds_count") for text in (before, after)]
    assert counts[1] - counts[0] >= 40
    sums = [value(text, "rtcore_turn_seconds_sum") for text in (before, after)]
    assert sums[1] >= sums[0]
    buckets = [float(count) for count in re.findall(r"rtcore_turn_seconds_bucket\{.*\} (\d+)", after)]
    assert buckets == sorted(buckets)
    assert buckets[-1] == counts[1]


async def test_turns_over_tls_are_counted_too(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = tmp_path / "server.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with serving(application(), certificate=str(certificate)) as server:
        tcp = await trio.open_tcp_stream("127.0.0.1", server.port)
        client = WireClient(trio.SSLStream(tcp, context, server_hostname="localhost", https_compatible=True))
        await client.open()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.read)
            await client.hello()
            counts = []
            for _ in range(2):
                text = await client.ask("emit", event="metrics")
                counts.append(value(text, "rtcore_turn_seconds_count"))
                for number in range(20):
                    assert await client.ask("emit", event="echo", data=number) == number
            assert counts[1] - counts[0] >= 20
            await client.cut()
            nursery.cancel_scope.cancel()


async def test_open_metrics_is_told_to_who_asks_for_it() -> None:
    async with serving(application()) as server:
        for accept, opened in (
            ("application/openmetrics-text;version=1.0.0;q=0.6,text/plain;q=0.3", True),
            ("text/plain", False),
            ("application/openmetrics-text;q=0, */*", False),
            ("*/*", False),
        ):
            _, head, text = await server.get("/metrics", headers=f"Accept: {accept}\r\n")
            assert text.endswith("# EOF\n") == opened, accept
            assert ("application/openmetrics-text; version=1.0.0" in head) == opened, accept
