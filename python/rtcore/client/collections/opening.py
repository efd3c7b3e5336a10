"""How a program opens a collection, and how it signs out."""

from __future__ import annotations

from typing import Any

from rtcore.client.errors import ClientError, UnsentChanges
from rtcore.client.machine import Machine
from rtcore.client.runner import Runner

from .collection import Collection


async def open_collection(
    machine: Machine,
    runner: Runner,
    name: str,
    kind: Any,
    *,
    schema: int | None,
    data: Any,
    wait: bool,
    timeout: float | None,
) -> Collection[Any]:
    """Open it with what is kept of it; with `wait`, until it is whole."""
    table = machine.table
    if (held := table.get(name)) is None:
        stored = await runner.load(name)
        if table.over is not None:
            raise table.over
        if (held := table.get(name)) is None:
            held = table.open(name, number=stored.number, rows=stored.rows, copied=stored.copied, data=data)
            held.replica.set_schema(schema)
            runner.pump()
    made: Collection[Any] = Collection(held, table, runner, kind, schema)
    if wait:
        await made.ready(timeout)
    return made


async def check_out(machine: Machine, runner: Runner) -> None:
    """Raises `UnsentChanges` if signing out would lose anything."""
    user = machine.sending.owner[1]
    pending, conflicts, refused = machine.table.counts()
    changes, messages = await runner.unsent(user)
    messages = max(messages, sum(not each.ours for each in machine.sending.box.all()))
    pending = max(pending, changes - conflicts - refused)
    if pending or conflicts or refused or messages:
        raise UnsentChanges(pending, conflicts, refused, messages)


async def sign_out(machine: Machine, runner: Runner) -> None:
    """Let go of all that this user has here."""
    table = machine.table
    for held in table:
        table.close(held, ClientError("signed out"))
    machine.sending.end_all("signed out")
    machine.sending.keep("sign_out", machine.sending.owner[1])
    await runner.flush_store()
