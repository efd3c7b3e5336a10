"""`rtcore doctor` against the fault proxy, in each of its modes, over real sockets: it names the fault."""

from __future__ import annotations

from functools import partial

import pytest
import trio

import rtcore
from rtcore.client.doctor import Doctor, Finding, Verdict
from rtcore.client.links.target import target_of
from tests import proxy
from tests.client.conftest import make_app
from tests.patience import PATIENCE


@pytest.fixture
async def port(nursery):
    addresses = await nursery.start(partial(rtcore.serve, make_app(), port=0))
    return addresses[0].port


async def examined(port: int, fault: proxy.Fault, *transports: str, idle: float = 0.0) -> dict[str, Finding]:
    """What the doctor finds of these transports."""
    with trio.fail_after(PATIENCE):
        async with proxy.Proxy(("127.0.0.1", port), fault) as between:
            doctor = Doctor(target_of(f"http://127.0.0.1:{between.address[1]}/rt"), idle=idle)
            found: dict[str, Finding] = {}
            for transport in transports:
                async for finding in doctor._transport(transport):
                    found[finding.check] = finding
            return found


async def test_nothing_between(port) -> None:
    found = await examined(port, proxy.Fault(), "websocket")
    assert all(finding.verdict is Verdict.GOOD for finding in found.values()), found
    assert "permessage-deflate and zstd" in found["compression"].found


async def test_it_strips_upgrade(port) -> None:
    found = await examined(port, proxy.NoUpgrade(), "websocket")
    assert found["websocket"].verdict is Verdict.BAD
    assert "Upgrade" in found["websocket"].advice


async def test_it_gathers_event_streams(port) -> None:
    found = await examined(port, proxy.Buffering(), "sse")
    assert found["sse"].verdict is Verdict.BAD
    assert "proxy_buffering off" in found["sse"].advice


async def test_it_cuts_what_is_idle(port) -> None:
    found = await examined(port, proxy.Idle(1.0), "websocket", idle=PATIENCE)
    assert found["websocket"].verdict is Verdict.GOOD
    assert found["idle websocket"].verdict is Verdict.BAD
    assert "ping_ms" in found["idle websocket"].advice


async def test_it_takes_the_extensions_out(port) -> None:
    found = await examined(port, proxy.Rewrites("Sec-WebSocket-Extensions"), "websocket")
    assert found["websocket"].verdict is Verdict.GOOD
    assert found["compression"].verdict is Verdict.POOR
    assert "header" in found["compression"].advice
    assert "zstd" in found["compression"].found


async def test_it_takes_the_key_of_the_handshake_out(port) -> None:
    found = await examined(port, proxy.Rewrites("Sec-WebSocket-Accept"), "websocket")
    assert found["websocket"].verdict is Verdict.BAD


async def test_it_answers_with_a_page_of_its_own(port) -> None:
    found = await examined(port, proxy.Refuses(), "websocket", "polling")
    assert found["websocket"].verdict is Verdict.BAD
    assert found["polling"].verdict is Verdict.BAD
    assert "502" in found["websocket"].found


async def test_it_resets_connections(port) -> None:
    found = await examined(port, proxy.Reset(after=50, times=1000), "websocket")
    assert found["websocket"].verdict is Verdict.BAD


async def test_it_is_slow(port) -> None:
    found = await examined(port, proxy.Delay(0.3), "websocket")
    assert found["websocket"].verdict is Verdict.GOOD
    assert found["latency"].verdict is Verdict.POOR


async def test_it_cuts_into_crumbs_and_nothing_is_wrong(port) -> None:
    found = await examined(port, proxy.Crumbs(), "websocket")
    assert found["websocket"].verdict is Verdict.GOOD
