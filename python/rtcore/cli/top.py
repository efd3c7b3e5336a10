"""`rtcore top`: a server on one screen of a terminal."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import click

from .words import Seconds, shown
from .wrong import Failed, Wrong

_EPILOG = """\b
Examples:
  rtcore top http://127.0.0.1:8000 --key "$KEY"
  rtcore top https://chat.example.org/rt --once
  rtcore top http://127.0.0.1:8000 --json | jq .diagnosis.issues

KEY is an API key that may watch, or an operator's token. It may stand in RTCORE_KEY.
"""
_COLOURS: Final = {"healthy": "green", "degraded": "yellow", "critical": "red", "warning": "yellow"}
_HOME: Final = "\x1b[H"
_REST: Final = "\x1b[J"
_LINE: Final = "\x1b[K"
_ROWS: Final = 12


@click.command(epilog=_EPILOG)
@click.argument("url")
@click.option("--key", envvar="RTCORE_KEY", default="", metavar="KEY", help="Who looks.")
@click.option("--every", type=Seconds(), default=2.0, show_default=True, metavar="SECONDS", help="How often.")
@click.option("--once", is_flag=True, help="One look, and the end.")
@click.option("--json", "as_json", is_flag=True, help="One object a look.")
def top(url: str, key: str, every: float, once: bool, as_json: bool) -> None:
    """Show what the server at URL does, what is wrong with it and what to try."""
    server = Server(url, key)
    before: dict[str, Any] | None = None
    if not (once or as_json):
        click.clear()
    while True:
        stats, diagnosis = server.ask("stats"), server.ask("diagnose")
        if as_json:
            click.echo(json.dumps({"stats": stats, "diagnosis": diagnosis}))
        else:
            lines = list(screen(stats, diagnosis, before))
            ends = "" if once else _LINE
            click.echo(("" if once else _HOME) + "".join(f"{line}{ends}\n" for line in lines), nl=False)
            click.echo("" if once else _REST, nl=False)
        before = stats
        if once:
            return
        time.sleep(max(every, 0.2))


class Server:
    """Where it is asked."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Wrong(f"{url!r} is no address of a server, such as http://127.0.0.1:8000")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._path = parts.path.rstrip("/").removesuffix("/rt")
        self._key = key

    def ask(self, name: str) -> dict[str, Any]:
        """What the server says.

        Raises:
            Failed: it does not answer, or refuses.

        """
        try:
            status, body = self._get(f"{self._path}/rt/api/{name}")
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"the server does not answer: {error}") from None
        try:
            said = json.loads(body)
        except ValueError:
            raise Failed(f"what answers is no rtcore server: {status}") from None
        if status != http.HTTPStatus.OK:
            raise Failed(f"{status}: {shown(str(said.get('message', '')))}")
        return dict(said)

    def _get(self, path: str) -> tuple[int, bytes]:
        connection: http.client.HTTPConnection
        if self._secure:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=10, context=context)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=10)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self._key}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def screen(stats: dict[str, Any], diagnosis: dict[str, Any], before: dict[str, Any] | None) -> Iterator[str]:
    """The lines: what is wrong, the figures, each stage of the last minute, the slowest."""
    status = diagnosis["status"]
    up = f"up {_ago(stats['uptime'])}"
    yield f"rtcore {stats['version']}  {click.style(status.upper(), fg=_COLOURS[status], bold=True)}  {up}"
    yield ""
    sizes, process = stats["sizes"], stats["process"]
    seconds = stats["time"] - before["time"] if before else 0

    def rate(name: str) -> str:
        if not before or seconds <= 0:
            return "-"
        return f"{(stats['counters'][name]['all'] - before['counters'][name]['all']) / seconds:,.0f}/s"

    yield (
        f"sessions {sizes['sessions']:,}   connections {sizes['connections']:,}   rooms {sizes['rooms']:,}   "
        f"streams {sizes['open_streams']:,}"
    )
    yield (
        f"in {rate('messages_in')}   published {rate('published')}   delivered {rate('delivered')}   "
        f"faults {rate('faults')}   memory {_mib(process['resident'])}   rings {_mib(sizes['ring_bytes'])}"
    )
    yield ""
    for issue in diagnosis["issues"]:
        mark = click.style(f"{issue['severity']:8}", fg=_COLOURS.get(issue["severity"], "red"), bold=True)
        since = _ago(stats["time"] - issue["since"] / 1000)
        yield f"{mark} {shown(issue['message'])} (for {since})"
        yield f"{'':8} -> {shown(issue['suggestion'])}"
    if diagnosis["issues"]:
        yield ""
    yield click.style(f"{'stage':10} {'of':24} {'count':>9} {'mean':>9} {'p95':>9} {'longest':>9}", dim=True)
    rows = [
        *stats["stages"],
        *({**each, "stage": "trip", "of": each["transport"]} for each in stats["latency"]),
    ]
    rows = [row for row in rows if row["1m"]["count"]]
    for row in sorted(rows, key=lambda row: -row["1m"]["mean"])[:_ROWS]:
        spread = row["1m"]
        yield (
            f"{row['stage']:10} {shown(row['of'])[:24]:24} {spread['count']:>9,} {_ms(spread['mean']):>9} "
            f"{_ms(spread['p95']):>9} {_ms(spread['max']):>9}"
        )
    rooms = stats["slowest_rooms"][:5]
    if rooms:
        yield ""
        yield click.style("rooms whose listeners fall behind", dim=True)
        for room in rooms:
            yield f"{shown(room['room'])[:34]:35} {room['behind']:>9,} times   {room['members']:,} members"


def _ms(ms: float | None) -> str:
    if ms is None:
        return "-"
    if ms >= 1000:
        return f"{ms / 1000:.1f} s"
    return f"{ms:.1f} ms" if ms >= 1 else f"{ms * 1000:.0f} us"


def _mib(size: int | None) -> str:
    return "-" if size is None else f"{size / 2**20:,.0f} MiB"


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
