"""Texts for y-websocket's own client, and its like: what a raw socket says is put into a collection, and what
is heard of that is said to all sockets of the text.
"""

from __future__ import annotations

from typing import Any, Final

import trio

from rtcore._app.registry import SYNC
from rtcore._app.shared import SharedData
from rtcore._app.texts import SharedText
from rtcore._data import yjs
from rtcore._engine import Engine
from rtcore._ground.numbers import FIXED
from rtcore.entry import Heard
from rtcore.errors import Denied, Forbidden, OutcomeUnknown, Overloaded, Unavailable
from rtcore.raw import RawSocket
from rtcore.room import Room

from .editors import EDITORS, Editors, Peer
from .listening import Listening

PRESENCE: Final = FIXED["YJS_PRESENCE"]
UNREADABLE: Final = 1007
TOO_BIG: Final = 1009
LATER: Final = 1013
UNKNOWN: Final = 4404
FORBIDDEN: Final = 4403


class Hub:
    """The sockets of one collection, and the one place where it is listened to for them."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name
        self._texts: dict[str, dict[str, Editors]] = {}
        self._unstored = trio.Event()

    def editors(self, text: SharedText) -> Editors:
        """Those of a text."""
        return self._texts.setdefault(text.key, {}).setdefault(text.field, Editors())

    def forget(self, text: SharedText) -> None:
        """Nobody is left at a text."""
        fields = self._texts.get(text.key, {})
        fields.pop(text.field, None)
        if not fields:
            self._texts.pop(text.key, None)

    @property
    def is_idle(self) -> bool:
        """Whether nobody is left at all."""
        return not self._texts

    def changed(self) -> None:
        """Somebody has changed a text: it is to be on disk, or its authors begin anew."""
        self._unstored.set()

    async def listen(self, heard: Listening) -> None:
        """Say to sockets what is heard, for as long as it lives."""
        async for one in heard:
            if isinstance(one, Heard):
                self._heard(one.data)
            else:
                for peer in self._peers():
                    peer.miss()

    async def keep(self) -> None:
        """See to it that what was changed is on disk; for as long as it lives."""
        while True:
            await self._unstored.wait()
            self._unstored = trio.Event()
            try:
                await SharedData(self._engine, self.name).stored()
            except (Unavailable, OutcomeUnknown):
                # Some of it is lost, and whoever has it is to say it again: so all of them do.
                for peer in self._peers():
                    peer.socket.close_nowait(LATER, "what was changed could not be stored")

    def _peers(self) -> list[Peer]:
        return [
            peer for fields in self._texts.values() for editors in fields.values() for peer in editors.peers
        ]

    def _heard(self, change: dict[str, Any]) -> None:
        for field, editors in list(self._texts.get(change["key"], {}).items()):
            if change["op"] == "delete":
                for peer in editors.peers:
                    peer.socket.close_nowait(UNKNOWN, "the text was deleted")
                continue
            value = change.get("value") or {}
            said = value.get(field) if field else value
            if isinstance(said, dict) and (updates := said.get("u")):
                editors.changed(updates)


def hubs_of(engine: Engine) -> Hubs:
    """Those of a run: all paths share them, so that who edits one text by two of them sees the other."""
    if engine.texts is None:
        engine.texts = Hubs(engine)
    hubs: Hubs = engine.texts
    return hubs


class Hubs:
    """All hubs of a run."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._hubs: dict[str, tuple[Hub, trio.CancelScope]] = {}

    async def serve(self, socket: RawSocket, text: SharedText) -> None:
        """Speak with a socket about a text, until it is closed."""
        shared = text.collection
        try:
            await shared.loaded()
            text.updates(b"\x00")  # refused where it is none
        except Denied as error:
            await refuse(socket, error)
            return
        hub = self._hub(shared.name)
        editors = hub.editors(text)
        peer = Peer(socket, text)
        try:
            editors.came(peer)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(peer.write)
                if text.writable:
                    peer.say(yjs.sync(yjs.STEP_1, text.vector()))
                async for message in socket:
                    try:
                        _take(hub, editors, peer, message)
                    except (ValueError, Denied) as error:
                        await refuse(socket, error)
                        break
                nursery.cancel_scope.cancel()
        finally:
            editors.went(peer)
            if not editors.peers:
                hub.forget(text)
            if hub.is_idle:
                self._hubs.pop(shared.name)[1].cancel()

    def _hub(self, name: str) -> Hub:
        known = self._hubs.get(name)
        if known is None:
            known = self._hubs[name] = Hub(self._engine, name), trio.CancelScope()
            if self._engine.nursery is not None:
                heard = Room(self._engine, SYNC + name).listen()
                self._engine.nursery.start_soon(self._run, *known, heard, name=f"texts of {name}")
        return known[0]

    async def _run(self, hub: Hub, scope: trio.CancelScope, heard: Listening) -> None:
        with scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(hub.keep)
                nursery.start_soon(hub.listen, heard)


def _take(hub: Hub, editors: Editors, peer: Peer, message: str | bytes) -> None:
    """What a socket says. Raises `ValueError` for what is no message, `Denied` for what may not be."""
    if isinstance(message, str):
        raise ValueError("messages of y-websocket are binary")  # noqa: TRY004 - of what a peer says
    reader = yjs.Reader(message)
    kind = reader.number()
    if kind == yjs.SYNC:
        step = reader.number()
        what = reader.bytes()
        if step == yjs.STEP_1:
            peer.say_missing(what)
        elif step in (yjs.STEP_2, yjs.UPDATE):
            _update(hub, peer, what)
    elif kind == yjs.AWARENESS:
        editors.heard(peer, yjs.editors(reader.bytes(), EDITORS, PRESENCE))
    elif kind == yjs.ASK:
        editors.show(peer)


def _update(hub: Hub, peer: Peer, update: bytes) -> None:
    if update == yjs.NOTHING:
        return
    if not peer.text.writable:
        raise Forbidden("this text may be read here, and not changed")
    peer.text.add(update)
    hub.changed()


async def refuse(socket: RawSocket, error: Exception) -> None:
    """Close a socket with what is wrong. Before it goes, y-websocket is told in its own words."""
    code = UNREADABLE
    if isinstance(error, Denied):
        known = {"NOT_FOUND": UNKNOWN, "FORBIDDEN": FORBIDDEN, "TOO_LARGE": TOO_BIG}
        code = LATER if isinstance(error, (Unavailable, Overloaded)) else known.get(error.code, UNREADABLE)
    socket.send_nowait(yjs.denied(str(error)))
    await socket.close(code, str(error)[:100])
