"""`rtcore connect`: a client in the terminal."""

from __future__ import annotations

import contextlib
import inspect
import json
import shlex
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

import click
import trio

from rtcore.client import Client, ConnectError, Event, Gap, Room, connect
from rtcore.errors import RtcoreError, UsageError

from .complete import Words
from .ending import ends_in_words
from .publish import data_of
from .words import shown

_EPILOG = """\b
Examples:
  rtcore connect http://127.0.0.1:8000 --room tea --last 20
  rtcore connect https://chat.example.org/rt --token "$TOKEN"
  rtcore connect http://127.0.0.1:8000 --room tea --json < /dev/null | jq .data

\b
Commands, one a line; DATA is JSON, or text as it is:
  join ROOM [LAST]          leave ROOM            who ROOM
  say ROOM EVENT [DATA]     emit EVENT [DATA]     history ROOM [COUNT]
  stream NAME [DATA]        status                reconnect              quit
"""
_COMMANDS: Final = (
    "join", "leave", "who", "say", "emit", "history", "stream", "status", "reconnect", "quit",
)  # fmt: skip


class Terminal:
    """What was joined, and how things are shown."""

    def __init__(self, client: Client, nursery: trio.Nursery, *, as_json: bool) -> None:
        self._client, self._nursery, self._as_json = client, nursery, as_json
        self._rooms: dict[str, Room] = {}
        self.words = Words(_COMMANDS, lambda: self._rooms)
        self._does: dict[str, Callable[..., Awaitable[None]]] = {
            "join": self.join,
            "leave": self._leave,
            "who": self._who,
            "say": self._say,
            "emit": self._emit,
            "history": self._history,
            "stream": self._stream,
            "status": self._status,
            "reconnect": self._reconnect,
        }

    async def do(self, line: str) -> bool:
        """Carry out one line; False: it was the last."""
        try:
            command, *given = shlex.split(line, posix=False)
        except ValueError as error:
            click.echo(f"! {shown(str(error))}", err=True)
            return True
        if command in ("quit", "exit"):
            return False
        does = self._does.get(command)
        if does is None:
            click.echo(f"! there is no command {command!r}: {', '.join(_COMMANDS)}", err=True)
            return True
        words = _joined(command, given)
        try:
            inspect.signature(does).bind(*words)
        except TypeError:
            click.echo(f"! {command} takes other arguments; see rtcore connect --help", err=True)
            return True
        try:
            await does(*words)
        except ConnectError:
            raise
        except (RtcoreError, ValueError) as error:
            click.echo(f"! {shown(str(error))}", err=True)
        return True

    # -- the commands

    async def join(self, room: str, last: str = "0") -> None:
        """Join a room, and show what is said there."""
        joined = await self._client.join(room, last=_count(last) or None)
        self._rooms[room] = joined
        self._nursery.start_soon(self._watch, joined)

    async def _leave(self, room: str) -> None:
        if (joined := self._rooms.pop(room, None)) is not None:
            await joined.leave()

    async def _who(self, room: str) -> None:
        joined = self._rooms.get(room)
        self._show({"members": joined.members if joined else [], "count": joined.count if joined else None})

    async def _say(self, room: str, event: str, data: str | None = None) -> None:
        joined = self._rooms.get(room) or await self._client.join(room)
        self._rooms.setdefault(room, joined)
        self.words.heard(event)
        self._show({"seq": await joined.publish(event, data_of(data))})

    async def _emit(self, event: str, data: str | None = None) -> None:
        self.words.heard(event)
        self._show({"answer": await self._client.emit(event, data_of(data))})

    async def _history(self, room: str, count: str = "20") -> None:
        joined = self._rooms.get(room) or await self._client.join(room)
        found, _ = await joined.history(limit=_count(count))
        for item in found:
            self.tell(item)

    async def _stream(self, name: str, data: str | None = None) -> None:
        async for item in self._client.stream(name, data_of(data)):
            self._show({"item": item})

    async def _status(self) -> None:
        status = self._client.status
        self._show(
            {
                "state": status.state,
                "transport": status.transport,
                "user": status.user,
                "session": self._client.session,
                "position": self._client.position,
                "latency": self._client.latency,
                "queued": status.queued,
                "unanswered": status.unanswered,
            }
        )

    async def _reconnect(self) -> None:
        self._client.reconnect()

    # -- showing

    async def _watch(self, room: Room) -> None:
        try:
            async for item in room:
                self.tell(item)
        except RtcoreError as error:
            click.echo(f"! {shown(str(error))}", err=True)

    def tell(self, item: Event | Gap) -> None:
        """Show an event, or a gap."""
        if isinstance(item, Event):
            self.words.heard(item.name)
        if isinstance(item, Gap):
            fields: dict[str, Any] = {
                "gap": [item.first, item.last],
                "reason": item.reason,
                "room": item.room,
            }
            text = f"-- {item.room or 'session'}: {item.first} to {item.last} are missing ({item.reason})"
        else:
            fields = {
                "event": item.name,
                "data": item.data,
                "room": item.room,
                "seq": item.seq,
                "user": item.user,
                "time": item.time,
            }
            text = f"{item.room or '-'} {item.seq or '-'} {item.user or '-'} {item.name}: {_text(item.data)}"
        click.echo(_text(fields) if self._as_json else shown(text))

    def _show(self, fields: dict[str, Any]) -> None:
        lines = (
            [_text(fields)]
            if self._as_json
            else [f"{name}: {_text(value)}" for name, value in fields.items()]
        )
        for line in lines:
            click.echo(line)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise UsageError(f"how many entries is a whole number, 0 or more; not {text!r:.40}")
    return int(text)


def _joined(command: str, given: list[str]) -> list[str]:
    """The data of a command is the rest of its line."""
    fixed = {"say": 2, "emit": 1, "stream": 1}.get(command)
    if fixed is None or len(given) <= fixed:
        return given
    return [*given[:fixed], " ".join(given[fixed:])]


def _text(value: Any) -> str:
    text = json.dumps(value, default=lambda other: f"<{len(other)} bytes>", ensure_ascii=False)
    # JSON escapes little of what a terminal obeys.
    return text if text.isprintable() else json.dumps(json.loads(text))


@click.command("connect", epilog=_EPILOG)
@click.argument("url")
@click.option("--token", metavar="TOKEN", help="Who this is.")
@click.option("--room", "rooms", metavar="NAME", multiple=True, help="Join it. May be given more than once.")
@click.option(
    "--last", default=0, type=click.IntRange(0), metavar="COUNT", help="So many of its newest entries first."
)
@click.option("--transport", default="hybrid", show_default=True, help="websocket, sse, polling or hybrid.")
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
def connect_command(
    url: str, token: str | None, rooms: tuple[str, ...], last: int, transport: str, as_json: bool
) -> None:
    """Connect to URL, show what is heard, and do what is typed. At the end of the input it goes on
    listening if
    it was given a room, and else ends.
    """

    async def run() -> None:
        async with connect(url, token=token, transport=transport) as client, trio.open_nursery() as nursery:
            terminal = Terminal(client, nursery, as_json=as_json)
            client.on()(terminal.tell)
            for room in rooms:
                await terminal.join(room, str(last))
            nursery.start_soon(_notice, client, terminal)
            await _type(terminal, listen=bool(rooms))
            nursery.cancel_scope.cancel()

    with contextlib.suppress(KeyboardInterrupt), ends_in_words():
        trio.run(run)


async def _notice(client: Client, _: Terminal) -> None:
    """Say when the connection goes and comes."""
    last = None
    async for status in client.changes():
        if status.state != last:
            last = status.state
            click.echo(f"[{status.state}, {status.transport}]", err=True)


async def _type(terminal: Terminal, *, listen: bool) -> None:
    """Lines of the terminal, until there are no more."""
    interactive = sys.stdin.isatty()
    if interactive:
        _complete(terminal)
    while True:
        try:
            line = await trio.to_thread.run_sync(_line, interactive, abandon_on_cancel=True)
        except EOFError:
            if listen:
                await trio.sleep_forever()
            return
        if line.strip() and not await terminal.do(line):
            return


def _line(interactive: bool) -> str:
    if interactive:
        return input("> ")
    if not (line := sys.stdin.readline()):
        raise EOFError
    return line


def _complete(terminal: Terminal) -> None:
    """Tab completes commands, rooms and events, each in its place, where there is readline."""
    try:
        import readline
    except ImportError:
        return

    def complete(_: str, number: int) -> str | None:
        found = terminal.words.after(readline.get_line_buffer()[: readline.get_endidx()])
        return f"{found[number]} " if number < len(found) else None

    readline.set_completer(complete)
    # Names of rooms and events hold what usually ends a word.
    readline.set_completer_delims(" ")
    readline.parse_and_bind("tab: complete")
