"""Play a scene: a server on core 0, the load on core 1, the floor in between, and what came of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable
from typing import Any

from .judge import Result, judged
from .scene import Scene
from .servers import LOAD_CORE, LOG, PROGRAMS, floor, ours, pinned, running

Figures = dict[str, Any]
# How much longer than its scene a load may take, in seconds: connecting, and waiting for what is on its way.
PATIENCE = 120


class LoadError(RuntimeError):
    """A run that gives no figures: the server refused, stalled, or did not deliver what it was given."""


def undelivered(figures: Figures) -> str | None:
    """What is wrong with what was heard, if anything: speed without delivery is no speed."""
    if missing := figures.get("missing"):
        return f"{missing} of {figures['owed']} deliveries are missing"
    if figures["disordered"]:
        return f"{figures['disordered']} deliveries were repeated or out of order"
    if figures["closed"]:
        return f"{figures['closed']} connections were closed"
    return None


def play(load: tuple[str, ...], pid: int, port: int, seconds: int) -> Figures:
    """Run the load once. Its figures.

    Raises:
        LoadError: it failed, or not everything was delivered to everyone, in order.

    """
    command = [str(PROGRAMS / "load"), *load, "--port", str(port), "--pid", str(pid)]
    if "--seconds" not in load:
        command += ["--seconds", str(seconds)]
    try:
        done = subprocess.run(
            pinned(LOAD_CORE, command),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + PATIENCE,
        )
    except subprocess.TimeoutExpired as late:
        raise LoadError(f"no end after {late.timeout:.0f} s") from late
    if done.returncode:
        raise LoadError(f"{done.stderr.strip()[-400:]}\n{LOG.read_text(errors='replace')[-1000:]}")
    figures: Figures = json.loads(done.stdout)
    if wrong := undelivered(figures):
        raise LoadError(wrong)
    return figures


def measure(scene: Scene, *, seconds: int | None, repeats: int | None, step: Callable[[], None]) -> Result:
    """Play a scene as often as it says, floor and server in turn. `step` is called after each run."""
    times = repeats or scene.repeats
    length = seconds or scene.seconds
    mine: list[Figures] = []
    least: list[Figures] = []
    with contextlib.ExitStack() as stack:
        # Memory, connects and returns are those of a fresh server; else one server serves all repeats.
        kept = None if scene.fresh else stack.enter_context(running(ours()))
        beside = kept
        if scene.floor != "websocket":
            beside = stack.enter_context(floor(scene.floor)) if scene.floor else None
        if kept:
            play(scene.load, *kept, 1)  # warm: the first second compiles, imports and grows tables

        def play_floor() -> None:
            if beside:
                least.append(play(scene.floor_load, *beside, length))
                step()

        def play_ours() -> None:
            if kept:
                mine.append(play(scene.load, *kept, length))
            else:
                with running(ours()) as (pid, port):
                    mine.append(play(scene.load, pid, port, length))
            step()

        for number in range(times):
            # One server for both: what a run leaves behind, sessions that are still to end, costs the next.
            turns = [play_floor, play_ours]
            for play_one in reversed(turns) if number % 2 and scene.floor == "websocket" else turns:
                play_one()
    return judged(scene, mine, least)
