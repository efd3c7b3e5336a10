"""Who edits one text by y-websocket, and whom each of them is shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import trio

from rtcore._app.texts import SharedText
from rtcore._data.yjs import GONE, NOTHING, STEP_2, UPDATE, Presence, awareness, sync
from rtcore._ground.numbers import FIXED
from rtcore.errors import Overloaded
from rtcore.raw import RawSocket

UNSENT: Final = FIXED["YJS_UNSENT"]
EDITORS: Final = FIXED["YJS_EDITORS"]


class Peer:
    """A socket, and what waits for it. What is behind is told the whole text when it reads on: so a slow one
    costs no more than `YJS_UNSENT`.
    """

    __slots__ = ("_behind", "_bytes", "_waiting", "_wake", "socket", "text")

    def __init__(self, socket: RawSocket, text: SharedText) -> None:
        self.socket = socket
        self.text = text
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._behind = False
        self._wake = trio.Event()

    def say(self, message: bytes) -> None:
        """Say it when it is its turn."""
        if not self._behind:
            self._waiting.append(message)
            self._bytes += len(message)
            if self._bytes > UNSENT:
                self.miss()
        self._wake.set()

    def miss(self) -> None:
        """Something was not said: all of the text is, when this socket reads on."""
        self._waiting.clear()
        self._bytes = 0
        self._behind = True
        self._wake.set()

    def say_missing(self, vector: bytes | None = None) -> None:
        """Say what it lacks: by its state vector, or all. Raises what `SharedText.updates` does."""
        updates = self.text.updates(vector) or [NOTHING]
        self._behind = False
        messages = [sync(STEP_2, updates[0]), *(sync(UPDATE, update) for update in updates[1:])]
        self._waiting += messages
        self._bytes += sum(map(len, messages))
        self._wake.set()

    async def write(self) -> None:
        """Send what waits, for as long as it lives."""
        while True:
            if self._waiting:
                message = self._waiting.popleft()
                self._bytes -= len(message)
                await self.socket.send(message)
            elif self._behind:
                self.say_missing()
            else:
                self._wake = trio.Event()
                await self._wake.wait()


class Editors:
    """The sockets of one text, and the presence that each has said."""

    __slots__ = ("_known", "peers")

    def __init__(self) -> None:
        self.peers: set[Peer] = set()
        self._known: dict[int, tuple[Presence, Peer]] = {}

    def came(self, peer: Peer) -> None:
        """One more. It is shown who is there."""
        self.peers.add(peer)
        self.show(peer)

    def show(self, peer: Peer) -> None:
        """Say to one who is there."""
        if self._known:
            peer.say(awareness(known for known, _ in self._known.values()))

    def heard(self, peer: Peer, said: Iterable[Presence]) -> list[Presence]:
        """Somebody says who is there. What is new of it is told the others, and given.

        Raises:
            Overloaded: more editors than are kept.

        """
        new = [one for one in said if self._is_new(one)]
        for one in new:
            if one.state == GONE:
                self._known.pop(one.client, None)
                continue
            if one.client not in self._known and len(self._known) >= EDITORS:
                raise Overloaded(f"{EDITORS} editors are in this text, and no more are kept")
            self._known[one.client] = one, peer
        self._tell(new, peer)
        return new

    def _is_new(self, one: Presence) -> bool:
        known = self._known.get(one.client)
        if known is None:
            return one.state != GONE
        clock = known[0].clock
        return one.clock > clock or (one.clock == clock and one.state == GONE)

    def went(self, peer: Peer) -> list[Presence]:
        """One less: whom it has told of is gone, and the others are told so."""
        self.peers.discard(peer)
        mine = [known for known, by in self._known.values() if by is peer]
        # By its own clock, as y-websocket's server does: what it says when it is back is above that.
        gone = [Presence(one.client, one.clock, GONE) for one in mine]
        for one in gone:
            del self._known[one.client]
        self._tell(gone, peer)
        return gone

    def _tell(self, said: list[Presence], by: Peer) -> None:
        if said:
            message = awareness(said)
            for peer in self.peers:
                if peer is not by:
                    peer.say(message)

    def changed(self, updates: list[bytes]) -> None:
        """Updates are in the text. All are told, their author too, who knows by that that they are kept."""
        for message in [sync(UPDATE, update) for update in updates]:
            for peer in self.peers:
                peer.say(message)
