"""`rtcore config`: the settings in effect, and where each is from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from .options import effective, settings

_CONFIG = """\b
Examples:
  rtcore config                        every setting, its value, where it is from, what it means
  rtcore config --set-only             those that are not at their defaults
  rtcore config --json                 for programs
  RTCORE_PORT=9000 rtcore config       what the environment makes of it
"""


@click.command(epilog=_CONFIG)
@click.option("--set-only", is_flag=True, help="Leave out what is at its default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: name to value and source.")
@settings
def config(set_only: bool, as_json: bool, file: Path | None, **flags: Any) -> None:
    """Print the configuration in effect.

    Flags come before the environment (RTCORE_PORT, RTCORE_LIMITS_PING_MS), the environment before the file,
    the file before the defaults.
    """
    loaded = effective(file, flags)
    rows = [row for row in loaded.rows() if not set_only or row[2] != "default"]
    if as_json:
        table = {name: {"value": value, "source": source} for name, value, source, _ in rows}
        click.echo(msgspec.json.format(msgspec.json.encode(table), indent=2).decode())
        return
    for name, value, source, about in rows:
        click.echo(f"{name} = {msgspec.json.encode(value).decode()}  {click.style(f'# {source}', dim=True)}")
        click.echo(click.style(f"    {about}", dim=True))
    for variable in loaded.links:
        text = f"# {variable} is not read: Kubernetes or Docker set it, for something of that name"
        click.echo(click.style(text, dim=True))
