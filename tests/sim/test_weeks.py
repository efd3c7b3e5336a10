"""The laws of design section 12, client and server together, over the network in a box."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.world import brief, play

ROOT = Path(__file__).resolve().parents[2]
RUNS = int(os.environ.get("RTCORE_SIM_RUNS", "100"))
FIRST = int(os.environ.get("RTCORE_SIM_FIRST", "0"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_what_must_hold_holds_in_whatever_weather(seed: int) -> None:
    play(seed, **brief(seed)).check()


def test_the_first_run_of_a_process_is_as_the_later_ones() -> None:
    """The server's self-test, once a process, took draws of the dice that order Trio's tasks."""
    program = (
        "from tests.sim.world import play\n"
        "first, second = (play(3, clients=2, seconds=20) for _ in range(2))\n"
        "assert first.network.log == second.network.log\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=120)


def test_the_same_seed_gives_the_same_log() -> None:
    first, second = play(3, clients=2, seconds=60), play(3, clients=2, seconds=60)
    assert first.network.log == second.network.log
    assert first.heard == second.heard
