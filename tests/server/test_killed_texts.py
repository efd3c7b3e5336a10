"""Texts on disk over `kill -9`: what was acknowledged is there, and is there once."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from pycrdt import Doc, Text

import rtcore
from rtcore.client import Client, Collection
from tests.patience import PATIENCE

APP = """
import msgspec
import rtcore

class Page(msgspec.Struct):
    body: rtcore.Text = msgspec.field(default_factory=rtcore.Text)

app = rtcore.App()
app.collection("pages:*", Page, durable=True)

@app.on("begin")
async def begin(session):
    pages = await app.collection("pages:all").loaded()
    if pages.get("p1") is None:
        pages.put("p1", {})

@app.on("write")
def write(session, update: bytes):
    app.collection("pages:all").text("p1", "body").add(update)
"""
KILLS = int(os.environ.get("TEXT_KILLS", "5"))
MOST = 130
"""Words between two kills, besides 60: in five lives more than may lie apart, and some are merged."""


class Page(msgspec.Struct):
    """As the application has it."""

    body: rtcore.Text = msgspec.field(default_factory=rtcore.Text)


@contextmanager
def killed(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server whose data is in this folder, and its address. It ends by `kill -9`."""
    command = [
        sys.executable,
        "-m",
        "rtcore",
        "serve",
        "kept:app",
        "--port",
        "0",
        "--data",
        str(folder / "data"),
    ]
    with (
        (folder / "log").open("a") as log,
        subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ) as process,
    ):  # fmt: skip
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    yield process, f"{found[0]}/rt"
                    break
            else:
                pytest.fail(f"the server did not start: {(folder / 'log').read_text()}")
        finally:
            process.kill()


async def held(client: Client) -> Collection[Page]:
    """The collection, with all that the server has of it."""
    await client.emit("begin")
    pages = await client.collection("pages:all", Page)
    await pages.ready()
    return pages


def read(pages: Collection[Page]) -> tuple[Doc[Any], Text]:
    doc: Doc[Any] = Doc()
    text = doc.get("t", type=Text)
    for update in pages["p1"].body.updates:
        doc.apply_update(update)
    return doc, text


async def write(
    client: Client, name: str, by_collection: bool, wrote: Callable[[str], None], acked: Callable[[str], None]
) -> None:
    """Write a word after the other, each when the one before was acknowledged."""
    pages = await held(client)
    doc, text = read(pages)
    for n in range(10_000):
        before = doc.get_state()
        text += f"{name}{n} "
        update = doc.get_update(before)
        wrote(f"{name}{n}")
        if by_collection:
            change = await pages.patch("p1", body=rtcore.crdt.add(update))
            await change.applied
        else:
            await client.emit("write", update)
        acked(f"{name}{n}")


async def test_a_text_that_was_acknowledged_is_there_after_each_kill(tmp_path: Path) -> None:
    (tmp_path / "kept.py").write_text(APP)
    chance = random.Random(int(os.environ.get("TEXT_SEED", "1")))
    wrote: set[str] = set()
    acked: set[str] = set()
    with trio.fail_after(PATIENCE * (KILLS + 1)):
        for life in range(KILLS + 1):
            with killed(tmp_path) as (process, url):
                async with rtcore.connect(url) as client:
                    words = Counter(str(read(await held(client))[1]).split())
                assert not acked - set(words), "acknowledged, and gone"
                assert not set(words) - wrote, "nobody wrote it"
                assert set(words.values()) <= {1}, "twice"
                if life == KILLS:
                    break
                due = len(acked) + chance.randrange(1, MOST) + 60
                enough = trio.Event()

                def told(word: str, due: int = due, enough: trio.Event = enough) -> None:
                    acked.add(word)
                    if len(acked) >= due:
                        enough.set()

                async with (
                    rtcore.connect(url) as ann,
                    rtcore.connect(url) as bob,
                    trio.open_nursery() as nursery,
                ):
                    nursery.start_soon(write, ann, f"a{life}.", True, wrote.add, told)
                    nursery.start_soon(write, bob, f"b{life}.", False, wrote.add, told)
                    await enough.wait()
                    process.kill()  # both are in the middle of a word
                    nursery.cancel_scope.cancel()
    assert len(acked) >= 60 * KILLS
