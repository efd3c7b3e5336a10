"""`rtcore top`: a server on one screen of a terminal."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, Final

import click

from .asking import Server, key_option
from .words import Seconds, ago, duration, shown

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
@key_option
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
        stats, diagnosis = server.ask("stats", "stages"), server.ask("diagnose", "issues")
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


def screen(stats: dict[str, Any], diagnosis: dict[str, Any], before: dict[str, Any] | None) -> Iterator[str]:
    """The lines: what is wrong, the figures, each stage of the last minute, the slowest."""
    status = diagnosis["status"]
    up = f"up {ago(stats['uptime'])}"
    yield f"rtcore {stats['version']}  {click.style(status.upper(), fg=_COLOURS[status], bold=True)}  {up}"
    yield ""
    sizes, process = stats["sizes"], stats["process"]
    seconds = stats["uptime"] - before["uptime"] if before else 0

    def rate(name: str) -> str:
        if not before or seconds <= 0:
            # The first look at it, or it began anew: what the last ten seconds had.
            return f"{stats['counters'][name]['10s'] / max(1, min(10, stats['uptime'])):,.0f}/s"
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
        since = ago(stats["time"] - issue["since"] / 1000)
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
            f"{row['stage']:10} {shown(row['of'])[:24]:24} {spread['count']:>9,} "
            f"{duration(spread['mean']):>9} {duration(spread['p95']):>9} {duration(spread['max']):>9}"
        )
    rooms = stats["slowest_rooms"][:5]
    if rooms:
        yield ""
        yield click.style("rooms whose listeners fall behind", dim=True)
        for room in rooms:
            yield f"{shown(room['room'])[:34]:35} {room['behind']:>9,} times   {room['members']:,} members"


def _mib(size: int | None) -> str:
    return "-" if size is None else f"{size / 2**20:,.0f} MiB"
