"""The catalogue of peers, and those of them that need nothing beyond what the tests have."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bench import peers
from bench.peers import PEERS, WORKS, Peer
from bench.peers._check import check
from bench.peers.peer import ROOT

FOLDER = Path(peers.__file__).parent
# Installed for the tests of interoperation already.
HERE = ("websockets", "aiohttp", "trio-websocket")
named = pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)


def test_every_file_is_a_peer_and_no_name_comes_twice() -> None:
    files = {one.stem for one in FOLDER.glob("*.py") if not one.name.startswith("_")} - {"peer"}
    assert {peer.name.replace("-", "_") for peer in PEERS} == files
    assert len({peer.title for peer in PEERS}) == len(PEERS)


@named
def test_a_peer_says_what_it_is_and_why_it_is_missing(peer: Peer) -> None:
    assert peer.works
    assert peer.works <= set(WORKS)
    reason = peer.missing()
    if reason is None:
        assert peer.version()
    else:
        assert "Remedy:" in reason
    for work in peer.works:
        assert "--path" in peer.load(work)


@pytest.mark.parametrize("name", HERE)
def test_a_peer_does_its_work(name: str) -> None:
    peer = next(one for one in PEERS if one.name == name)
    out = io.StringIO()
    assert check(peer, out), out.getvalue()


def test_a_server_that_does_not_do_the_work_is_found_out() -> None:
    """The echo of `websockets` is no fan-out: nobody hears the others."""
    honest = next(one for one in PEERS if one.name == "websockets")

    class Liar(type(honest)):  # type: ignore[misc]
        def command(self, work: str) -> list[str]:
            return [word if word != "fanout" else "echo" for word in super().command(work)]

    liar = Liar(name="liar", title="liar", module=honest.module, packages=honest.packages)
    out = io.StringIO()
    assert not check(liar, out), out.getvalue()


def test_natives_have_lock_files() -> None:
    for lock in ("rust/Cargo.lock", "go/go.sum", "node/package-lock.json"):
        assert (FOLDER / lock).exists()
    assert (ROOT / "requirements" / "peers.txt").read_text().count("--hash=sha256:") > 20
