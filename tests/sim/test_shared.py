"""Collections of several programs over the network in a box: what must hold at the end, whatever happened."""

from __future__ import annotations

import os

import pytest

from tests.sim.shared_world import play

RUNS = int(os.environ.get("RTCORE_SHARED_RUNS", "24"))
FIRST = int(os.environ.get("RTCORE_SHARED_FIRST", "0"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_all_views_end_equal_and_each_change_is_done_once_or_told(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strategies and numbers of programs by the seed."""
    strategy = ("merge", "latest", "custom", "merge")[seed % 4]
    play(seed, monkeypatch, strategy=strategy, clients=2 + seed % 5).check()
