"""A full disk below a real server: what needs it is refused, and all else goes on as if nothing were."""

from __future__ import annotations

import pytest

from tests.contract.peer import Peer
from tests.contract.polling import Polling
from tests.contract.websocket import WebSocket

from .disk import FULL, can
from .yard import Yard, outcome, past

pytestmark = pytest.mark.skipif(not can(), reason="needs Linux and a C compiler")


async def code(peer: Peer, kind: str, **fields: object) -> str | None:
    """The code of the error that answers this; none: it was done."""
    ack = await peer.ack(await peer.ask(kind, **fields))
    return str(ack["error"]["code"]) if "error" in ack else None


async def test_on_a_full_disk_only_what_is_kept_is_refused(yard: Yard) -> None:
    ann = await yard.come("ann", "full:a", "live:a", "said:a")
    bob = await yard.come("bob", "full:a", "live:a")
    assert await outcome(ann, "before") == "done"
    yard.disk.wish(FULL, -1)
    purchase = {"token": "b1", "room": "said:a", "slow": 0}
    assert await outcome(ann, "full") != "done"
    assert await code(ann, "emit", event="buy", data=purchase) == "UNAVAILABLE"
    assert await code(ann, "join", room="full:b") == "UNAVAILABLE"
    # Requests that need no disk, of the same session and of others, and who comes anew.
    assert await code(ann, "emit", event="live", data="l1") is None
    assert await code(ann, "publish", room="live:a", event="say", data="l2") is None
    await bob.expect("event", data="l2")
    assert await code(ann, "join", room="live:b") is None
    assert await code(ann, "publish", room="live:b", event="say", data="l3") is None
    assert await code(ann, "emit", event="live", data="l4", key="k") is None
    assert await past(bob) == ["before"]
    cid = await yard.come("cid", "live:a")
    assert await code(cid, "publish", room="live:a", event="say", data="l5") is None
    await bob.expect("event", data="l5")
    assert yard.place is not None
    dan = Peer(yard.place, Polling)
    yard.peers.append(dan)
    await dan.hello(token="dan")
    assert await code(dan, "emit", event="live", data="l6") is None
    bob.drop()
    await bob.come_back(WebSocket, token="bob")
    assert bob.welcome["resumed"] is True
    assert (await yard.health())[0] == "degraded"
    yard.disk.wish(FULL, 0)
    notes = (yard.folder / "notes").read_text(encoding="ascii").split("\n")
    assert [line for line in notes if line.startswith("live ")] == ["live l1", "live l4", "live l6"]
    assert not [line for line in notes if line.startswith("buy ")], "what was refused did not run"


async def test_an_ack_says_that_what_its_handler_said_without_waiting_is_not_kept(yard: Yard) -> None:
    """It said that all was well."""
    ann = await yard.come("ann", "said:a")
    assert await code(ann, "emit", event="tell", data="before") is None
    yard.disk.wish(FULL, -1)
    assert await code(ann, "emit", event="tell", data="lost") == "OUTCOME_UNKNOWN"
    assert "what was published without waiting is not kept" in yard.log
    yard.disk.wish(FULL, 0)
    await yard.again()
    reader = await yard.come("reader", "said:a")
    page = await reader.ok("history", room="said:a", after=reader.at(0), limit=500)
    assert [entry["data"] for entry in page["history"]] == ["before"]
