"""Crash runs find a fault that is planted below a real server: a judge that goes blind fails here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trio

from .disk import LIE_SYNC, can
from .place import Nest
from .world import WAYS, Run, Ways

pytestmark = pytest.mark.skipif(not can(), reason="needs Linux and a C compiler")

FIRST = 7000
RUNS = 5
"""Within so many runs it is found. (Each of ten that were tried found it.)"""
JOURNAL = 1


@pytest.fixture
def ways() -> Iterator[Ways]:
    """A disk that forgets at each kill what was not synced."""
    ways = WAYS["forgets"]()
    assert ways.disk is not None
    yield ways
    ways.disk.close()


def played(seed: int, ways: Ways) -> list[str]:
    """One run; what the judge says of it."""
    assert ways.disk is not None
    nest = Nest(ways.disk.preload)
    try:
        run = Run(seed, nest, ways)
        wrong = trio.run(run.run)
        run.clear()
        return wrong
    finally:
        nest.close()


def test_a_store_whose_sync_of_the_journal_does_nothing_is_found(ways: Ways) -> None:
    assert ways.disk is not None
    ways.disk.wish(LIE_SYNC, JOURNAL)
    lost: list[str] = []
    for seed in range(FIRST, FIRST + RUNS):
        wrong = played(seed, ways)
        lost += [told for told in wrong if "was acknowledged as" in told and "is kept at None" in told]
        if lost:
            return
    pytest.fail(f"{RUNS} runs without the sync, and no acknowledged entry was found to be lost")


def test_the_same_runs_find_nothing_where_it_is_synced(ways: Ways) -> None:
    assert played(FIRST, ways) == []
