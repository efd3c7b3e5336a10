"""From the rows of a file to the state of a client, when a new process goes on where the old one ended."""

from __future__ import annotations

import msgspec

from .collections.writer import Writer
from .errors import MaybeDone
from .machine import Machine
from .request import Request
from .store import Kept, Row
from .words import Said


def restore(machine: Machine, kept: Kept) -> list[Request]:
    """Give the machine what was kept, before it starts; gives the requests, in their order.

    What a copied file had written is not sent again: it ends as *may have been done*.
    """
    who, hearing = machine.who, machine.hearing
    who.session, who.key, who.user, who.life = kept.session, kept.key, kept.user, kept.life
    who.program = kept.programs
    machine.sending.owner = (kept.known, kept.user)
    if kept.position is not None:
        epoch, _, number = kept.position.partition(".")
        hearing.begin(epoch, int(number))
    hearing.stored_marks = dict(kept.marks)
    machine.table.me = Writer(kept.client, kept.incarnation, kept.nonce)
    machine.table.time.restored(*kept.clock)
    found: list[Request] = []
    for row in kept.rows:
        request = _request(row, machine.clock.now(), machine.clock.wall())
        found.append(request)
        if row.copied:
            request.stored = False
            text = f"{row.kind} may have been done: this outbox is a copy, and the other one had sent it"
            request.ended, request.error = True, MaybeDone(text)
        else:
            machine.sending.restored(request)
    return found


def _request(row: Row, now: float, wall: int) -> Request:
    fields: Said = {name: _raw(name, value) for name, value in msgspec.json.decode(row.fields).items()}
    request = Request(row.name, row.kind, fields, size=len(row.fields) + 40)
    request.key, request.automatic = row.key, row.automatic
    request.owned, request.user, request.hold = row.owned, row.user, row.hold
    request.stored, request.committed = True, True
    request.dies_wall = row.dies
    request.id, request.session, request.life = row.id, row.session, row.life
    if row.written is not None:
        request.written_wall = row.written
        # By the clock that only goes forward: as long ago as the wall's says.
        request.written = now - max(0.0, (wall - row.written) / 1000)
    return request


def _raw(name: str, value: object) -> object:
    return msgspec.Raw(msgspec.json.encode(value)) if name == "data" else value
