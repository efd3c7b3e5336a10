"""`rtcore doctor`: what the network between does to a connection, and what to do about it."""

from __future__ import annotations

import json
import time

import click
import trio

from rtcore.client import WrongURL
from rtcore.client.doctor import Doctor, Finding, Verdict
from rtcore.client.links.target import target_of

from .asking import Server, key_option
from .words import Seconds, ago, shown
from .wrong import Failed, Wrong

_EPILOG = """\b
Examples:
  rtcore doctor https://chat.example.org/rt
  rtcore doctor https://chat.example.org/rt --token "$TOKEN" --idle 120
  rtcore doctor http://127.0.0.1:8000 --json
  rtcore doctor https://chat.example.org/rt --server --key "$KEY"

With --server the server itself is asked, too: what its rules say is wrong with it. KEY is an API key that may
watch, or an operator's token. It may stand in RTCORE_KEY.

The exit status is 1 where something is wrong.
"""
_MARKS = {Verdict.GOOD: "ok  ", Verdict.POOR: "poor", Verdict.BAD: "BAD "}


@click.command(epilog=_EPILOG)
@click.argument("url")
@click.option("--token", metavar="TOKEN", help="Who says hello.")
@click.option(
    "--idle",
    type=Seconds(),
    default=0.0,
    metavar="SECONDS",
    help="Also wait so long in silence, and see whether the connection is cut.",
)
@click.option(
    "--proxy", metavar="URL", help="http://HOST:PORT or socks5://HOST:PORT; default: the environment's."
)
@click.option("--server", "asks_server", is_flag=True, help="Also ask the server what is wrong with it.")
@key_option
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
def doctor(
    url: str,
    token: str | None,
    idle: float,
    proxy: str | None,
    asks_server: bool,
    key: str,
    as_json: bool,
) -> None:
    """Find out what the network between here and the server at URL does to each transport."""
    server = Server(url, key) if asks_server else None
    try:
        target = target_of(url, proxy=proxy)
        bad = trio.run(_look, Doctor(target, token=token, idle=idle), as_json)
    except WrongURL as error:
        raise Wrong(str(error)) from None
    for finding in [] if server is None else _of_server(server):
        bad = bad or finding.verdict is Verdict.BAD
        click.echo(_line(finding, as_json))
    if bad:
        raise click.exceptions.Exit(1)


async def _look(doctor: Doctor, as_json: bool) -> bool:
    """Say what is found as it is found; whether something is wrong."""
    wrong = False
    async for finding in doctor.findings():
        wrong = wrong or finding.verdict is Verdict.BAD
        click.echo(_line(finding, as_json))
    return wrong


def _of_server(server: Server) -> list[Finding]:
    """What the rules of the server say."""
    try:
        said = server.ask("diagnose", "issues")
    except Failed as error:
        return [Finding("server", Verdict.BAD, error.format_message(), _WHO)]
    found = [
        Finding(
            str(issue["type"]),
            Verdict.BAD if issue["severity"] == "critical" else Verdict.POOR,
            f"{issue['message']} (for {ago(time.time() - issue['since'] / 1000)})",
            str(issue["suggestion"]),
        )
        for issue in said["issues"]
    ]
    return found or [Finding("server", Verdict.GOOD, "it knows of nothing that is wrong with it")]


_WHO = "give an API key that may `watch`, or an operator's token: --key"


def _line(finding: Finding, as_json: bool) -> str:
    if as_json:
        return json.dumps(
            {
                "check": finding.check,
                "verdict": finding.verdict,
                "found": finding.found,
                "advice": finding.advice,
            }
        )
    advice = f"\n{'':17}-> {finding.advice}" if finding.advice else ""
    return f"{_MARKS[finding.verdict]} {finding.check:11} {shown(finding.found)}{advice}"
