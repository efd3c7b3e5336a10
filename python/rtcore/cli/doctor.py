"""`rtcore doctor`: what the network between does to a connection, and what to do about it."""

from __future__ import annotations

import json

import click
import trio

from rtcore.client import WrongURL
from rtcore.client.doctor import Doctor, Finding, Verdict
from rtcore.client.links.target import target_of

from .words import Seconds, shown
from .wrong import Wrong

_EPILOG = """\b
Examples:
  rtcore doctor https://chat.example.org/rt
  rtcore doctor https://chat.example.org/rt --token "$TOKEN" --idle 120
  rtcore doctor http://127.0.0.1:8000 --json

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
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
def doctor(url: str, token: str | None, idle: float, proxy: str | None, as_json: bool) -> None:
    """Find out what the network between here and the server at URL does to each transport."""
    try:
        target = target_of(url, proxy=proxy)
        bad = trio.run(_look, Doctor(target, token=token, idle=idle), as_json)
    except WrongURL as error:
        raise Wrong(str(error)) from None
    if bad:
        raise click.exceptions.Exit(1)


async def _look(doctor: Doctor, as_json: bool) -> bool:
    """Say what is found as it is found; whether something is wrong."""
    wrong = False
    async for finding in doctor.findings():
        wrong = wrong or finding.verdict is Verdict.BAD
        click.echo(_line(finding, as_json))
    return wrong


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
