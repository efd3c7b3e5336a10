"""The laws of design section 12, client and server together, over the network in a box."""

from __future__ import annotations

import os

import pytest

from tests.sim.world import play

RUNS = int(os.environ.get("RTCORE_SIM_RUNS", "10"))
FIRST = int(os.environ.get("RTCORE_SIM_FIRST", "0"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_what_must_hold_holds_in_whatever_weather(seed: int) -> None:
    play(seed).check()


def test_the_same_seed_gives_the_same_log() -> None:
    play(3, clients=2, seconds=1)  # the first run of a process differs, always in the same way
    first, second = play(3, clients=2, seconds=60), play(3, clients=2, seconds=60)
    assert first.network.log == second.network.log
    assert first.heard == second.heard
