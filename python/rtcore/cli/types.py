"""`rtcore types`: the contract of an application, for TypeScript, or as AsyncAPI."""

from __future__ import annotations

import difflib
from pathlib import Path

import click
import msgspec

from rtcore._app.registry import registered

from .application import application
from .contract.asyncapi import asyncapi
from .contract.collect import collect
from .contract.typescript import typescript

_EPILOG = """\b
Examples:
  rtcore types myapp:app > src/app.ts
  rtcore types myapp:app --check src/app.ts      in CI: status 1, and what differs
  rtcore types myapp:app --asyncapi > asyncapi.json
"""


@click.command(epilog=_EPILOG)
@click.argument("app", metavar="MODULE:APP")
@click.option("--asyncapi", "as_asyncapi", is_flag=True, help="An AsyncAPI 3 document, in JSON.")
@click.option(
    "--check",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Write nothing: say what differs from this file, and end with status 1 if anything does.",
)
def types(app: str, as_asyncapi: bool, check: Path | None) -> None:
    """Write the types of an application's events, streams and rooms, from its annotations."""
    contract = collect(registered(application(app)))
    if as_asyncapi:
        document = asyncapi(contract, app)
        text = msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2).decode() + "\n"
    else:
        text = typescript(contract)
    if check is None:
        click.echo(text, nl=False)
        return
    before = check.read_text(encoding="utf-8")
    if before == text:
        click.echo(f"{check} is what {app} says")
        return
    found = difflib.unified_diff(before.splitlines(), text.splitlines(), str(check), app, lineterm="", n=0)
    click.echo("\n".join(found))
    raise click.ClickException(f"{check} is not what {app} says any more: make it again with rtcore types")
