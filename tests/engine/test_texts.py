"""Texts: updates of Yjs in collections, merged in the background, and over a restart."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from pycrdt import Doc
from pycrdt import Text as YText

import rtcore
from rtcore.errors import Denied, NotFound
from rtcore.testing import memory_server
from tests.patience import PATIENCE


class Page(msgspec.Struct):
    """A title, and a text that several edit."""

    title: str
    body: rtcore.Text = msgspec.field(default_factory=rtcore.Text)


def application(*, durable: bool = False) -> rtcore.App:
    app = rtcore.App()
    app.collection("texts:*", rtcore.Text, durable=durable)
    app.collection("pages:*", Page, durable=durable)
    return app


def typed(words: Sequence[str]) -> list[bytes]:
    """An update for each of these that is written, by one who writes them one after the other."""
    doc: Doc[Any] = Doc()
    text = doc.get("t", type=YText)
    updates = []
    for word in words:
        before = doc.get_state()
        text += word
        updates.append(doc.get_update(before))
    return updates


def read(updates: Sequence[bytes]) -> str:
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    return str(doc.get("t", type=YText))


WORDS = [f"{n} " for n in range(620)]


async def test_many_updates_are_merged_in_the_background_and_nothing_of_them_is_lost() -> None:
    """A text of six hundred updates costs each who opens it six hundred: they are one, a little later."""
    app = application()
    with trio.fail_after(PATIENCE):
        async with memory_server(app):
            pages = app.collection("pages:home")
            pages.put("p1", {"title": "tea"})
            for text in (app.collection("texts:all").text("t"), pages.text("p1", "body")):
                before = text.vector()
                for update in typed(WORDS):
                    text.add(update)
                while len(text.updates()) > 200:  # noqa: ASYNC110 - nobody is told of a merge
                    await trio.sleep(0.01)
                assert read(text.updates()) == "".join(WORDS)
                assert text.updates(text.vector()) == []
                assert text.vector() != before


async def test_without_pycrdt_they_stay_apart_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "pycrdt", None)
    app = application()
    with caplog.at_level(logging.WARNING), trio.fail_after(PATIENCE):
        async with memory_server(app):
            for name in "ab":
                text = app.collection("texts:all").text(name)
                for update in typed(WORDS):
                    text.add(update)
                await trio.testing.wait_all_tasks_blocked()
                assert len(text.updates()) == len(WORDS)
    assert len([line for line in caplog.records if "rtcore[text]" in line.getMessage()]) == 1


async def test_what_is_no_update_or_no_text_is_refused_and_what_brings_nothing_changes_nothing() -> None:
    app = application()
    async with memory_server(app):
        text = app.collection("texts:all").text("t")
        [update] = typed(["tea"])
        seq = text.add(update)
        assert text.add(update) == text.add(b"\x00\x00") == seq
        for bad in (b"garbage", b"\x01", update + b"\x00", update[:-1]):
            with pytest.raises(Denied, match="no update of Yjs"):
                text.add(update, bad)
        with pytest.raises(Denied):
            text.updates(b"garbage")
        assert text.updates() == [update]
        with pytest.raises(Denied, match="no text by its type"):
            app.collection("pages:home").text("p1", "title").updates()
        for missing in (app.collection("pages:home").text("none", "body"), app.collection("none").text("t")):
            with pytest.raises(NotFound):
                missing.updates()
            with pytest.raises(NotFound):
                missing.add(update)


async def test_a_text_is_there_after_a_restart(tmp_path: Path) -> None:
    """What was added and stored is on disk, merged or not, and goes on from there."""
    first, second = typed(["tea", " and milk"])
    for words in (["tea"], ["tea", " and milk"]):
        app = application(durable=True)
        async with memory_server(app, data=tmp_path):
            texts = await app.collection("texts:all").loaded()
            text = texts.text("t")
            if len(words) > 1:
                assert text.updates() == [first]
            text.add(first if len(words) == 1 else second)
            await texts.stored()
            assert read(text.updates()) == "".join(words)
