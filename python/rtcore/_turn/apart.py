"""Updates of texts that lie apart are merged: in a thread, one text after the other, by whoever knows Yjs.

Nothing waits for it, and no key stroke is on its way: what comes meanwhile lies behind the merge. It works on
bytes; there is no document of Yjs here.
"""

from __future__ import annotations

import logging
from typing import Final

import trio

from rtcore._engine import CoreEvent, Engine
from rtcore._ground.numbers import FIXED
from rtcore.errors import Denied

log = logging.getLogger("rtcore.app")

LONGEST: Final = FIXED["YJS_MERGE_S"]


class Apart:
    """The texts that are to be merged."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: dict[tuple[str, str, str], None] = {}
        self._runs = False
        self._told = False
        self._thread = trio.CapacityLimiter(1)

    def heard(self, event: CoreEvent) -> None:
        """APART: a text of so many updates that they should be one."""
        self._waiting[event[1:]] = None
        if not self._runs and self._engine.nursery is not None:
            self._runs = True
            self._engine.nursery.start_soon(self._run, name="merging texts")

    async def _run(self) -> None:
        try:
            while self._waiting:
                place = next(iter(self._waiting))
                del self._waiting[place]
                await self._merge(*place)
        finally:
            self._runs = False

    async def _merge(self, collection: str, key: str, field: str) -> None:
        try:
            from pycrdt import merge_updates
        except ImportError:
            if not self._told:
                self._told = True
                log.warning(
                    "the updates of a text in %r lie apart, and nothing here can merge them: "
                    "`pip install rtcore[text]`",
                    collection,
                )
            return
        core = self._engine.core
        try:
            updates = self._engine.call(core.text_updates, collection, key, field)
        except Denied:  # it is gone, or on disk alone: it is merged when it is used again
            return
        with trio.move_on_after(LONGEST):
            try:
                merged = await trio.to_thread.run_sync(
                    lambda: merge_updates(*updates), limiter=self._thread, abandon_on_cancel=True
                )
            except BaseException as error:
                if isinstance(error, trio.Cancelled | KeyboardInterrupt | SystemExit):
                    raise
                log.warning(
                    "the text %r of %r in %r cannot be merged", field, key, collection, exc_info=error
                )
                return
            size = sum(map(len, updates))
            self._engine.call(core.merge_text, collection, key, field, len(updates), size, merged)
