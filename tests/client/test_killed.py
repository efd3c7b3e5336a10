"""The process of a client is killed at random moments: each message is done once, or told as maybe."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import trio

import rtcore
from tests.client.conftest import make_app
from tests.patience import PATIENCE

ROUNDS = int(os.environ.get("RTCORE_KILLS", "3"))
SEED = int(os.environ.get("RTCORE_KILLS_SEED", "7"))
ROOT = Path(__file__).resolve().parents[2]


class Window:
    """Who has a session at the server; `over` waits until nobody has."""

    def __init__(self, app: rtcore.App) -> None:
        self.count, self._bell = 0, trio.Event()
        app.on_connect(self._came)
        app.on_disconnect(self._gone)

    async def _came(self, session: rtcore.Session) -> None:
        self.count += 1

    async def _gone(self, session: rtcore.Session) -> None:
        self.count -= 1
        self._bell.set()
        self._bell = trio.Event()

    async def over(self) -> None:
        with trio.fail_after(PATIENCE):
            while self.count:
                await self._bell.wait()


@pytest.mark.parametrize("passed", [False, True], ids=["within the window", "the window passed"])
@pytest.mark.parametrize("user", ["ann", None], ids=["a user", "nobody"])
async def test_what_was_kept_is_done_once_though_the_process_is_killed(
    user, passed, nursery, tmp_path
) -> None:
    """`kill -9`: nothing is done twice, and what is lost is told as maybe done.

    With the window passed the session is gone: what carries a key of a user goes again and is done once, and
    what was said by nobody may have been done.
    """
    app, dice = make_app(), random.Random(SEED)
    window = Window(app)
    limits = {"ping_ms": 200, "silence_ms": 300, "resume_ms": 500} if passed else {}
    addresses = await nursery.start(partial(rtcore.serve, app, port=0, limits=limits))
    url = f"http://127.0.0.1:{addresses[0].port}/rt"
    kept: set[int] = set()
    maybe = 0
    for number in range(ROUNDS + 1):
        last = number == ROUNDS
        count = 0 if last else 100_000
        arguments = [
            url,
            str(tmp_path / "outbox.db"),
            str(number * 1_000_000),
            str(count),
            *([user] if user else []),
        ]
        command = [sys.executable, "-m", "tests.client.pusher", *arguments]
        process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, cwd=ROOT)
        assert process.stdout is not None
        lines = bytearray()
        enough = dice.randint(50, 3000)  # bytes of what it says until it is killed
        async for data in process.stdout:
            lines += data
            if not last and len(lines) > enough:
                process.kill()
        await process.wait()
        if passed:
            await window.over()
        for line in lines.decode().splitlines():
            what, _, about = line.partition(" ")
            if what == "kept" and about.isdecimal():
                kept.add(int(about))
            maybe += what == "maybe"
            assert what != "failed", line
    assert len(set(app.done)) == len(app.done), "something was done twice"
    lost = kept - set(app.done)
    print(
        f"{ROUNDS} kills: {len(kept)} kept, {len(app.done)} done, {maybe} told as maybe, {len(lost)} not done"
    )
    assert len(lost) <= maybe, f"lost without a word: {lost}"
    assert kept
