"""Notes that stay the same on all of your devices, offline included: a small prompt over a collection.

python examples/notes.py http://localhost:8000/rt notes.db ann

The server's part is:

    app = rtcore.App()
    app.collection("notes:*", Note)
"""

import sys

import msgspec
import trio

import rtcore
from rtcore.client import Collection, DocumentChange


class Note(msgspec.Struct):
    """A document of `notes:…`."""

    title: str
    done: bool = False


async def follow(notes: Collection[Note]) -> None:
    """Say what others do."""
    async for change in notes.changes():
        if not change.own:
            print(told(change))


def told(change: DocumentChange[Note]) -> str:
    """A line about a change."""
    if change.now is None:
        return f"- {change.key}"
    return f"{'x' if change.now.done else '+'} {change.key}: {change.now.title}"


async def do(notes: Collection[Note], line: str) -> None:
    """`add KEY TITLE`, `done KEY`, `delete KEY`, or nothing: show what is there."""
    what, _, rest = line.strip().partition(" ")
    key, _, title = rest.partition(" ")
    if what == "add":
        await notes.put(key, Note(title))
    elif what == "done" and key in notes:
        await notes.patch(key, done=True)
    elif what == "delete" and key in notes:
        await notes.delete(key)
    for key, note in notes.items():
        print(f"[{'x' if note.done else ' '}] {key}: {note.title}")
    for conflict in notes.conflicts:
        print(f"! {conflict.key}: mine {conflict.mine}, theirs {conflict.theirs}, before {conflict.base}")
    for refusal in notes.refused:
        print(f"! {refusal.key}: {refusal.message}")
    print(f"{len(notes.pending)} changes wait for the server")


async def main(url: str, file: str, user: str) -> None:
    async with rtcore.connect(url, outbox=rtcore.Outbox(file), token=user) as client:
        notes = await client.collection(f"notes:{user}", Note)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow, notes)
            while line := await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
                await do(notes, line)
            nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:4])
