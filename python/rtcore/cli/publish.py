"""`rtcore publish`: say something in a room, once."""

from __future__ import annotations

import json
from typing import Any

import click
import trio

from rtcore.client import connect
from rtcore.errors import UsageError

from .ending import ends_in_words
from .words import Seconds, value_of

_EPILOG = """\b
Examples:
  rtcore publish http://127.0.0.1:8000 tea say '"hello"'
  rtcore publish https://chat.example.org/rt tea say '{"text":"hello"}' --token "$TOKEN" --key order-17
"""


def data_of(text: str | None) -> Any:
    """JSON, or else the text itself.

    Raises:
        UsageError: it begins as JSON does, and is none.

    """
    if text is None:
        return None
    value = value_of(text)
    if value == text and text.lstrip()[:1] in {"{", "[", '"'}:
        text = json.dumps(text, ensure_ascii=False)
        raise UsageError(f"DATA begins as JSON does, and is none; as a text it is said as {text}")
    return value


@click.command(epilog=_EPILOG)
@click.argument("url")
@click.argument("room")
@click.argument("event")
@click.argument("data", required=False)
@click.option("--token", metavar="TOKEN", help="Who says it.")
@click.option("--key", metavar="KEY", help="The same key and content again is said once.")
@click.option(
    "--timeout", type=Seconds(), default=10.0, show_default=True, metavar="SECONDS", help="For all of it."
)
def publish(
    url: str, room: str, event: str, data: str | None, token: str | None, key: str | None, timeout: float
) -> None:
    """Join ROOM at URL, say EVENT with DATA (JSON, or text as it is) and print the entry's number."""
    with ends_in_words():
        value = data_of(data)

    async def say() -> int | None:
        async with connect(url, token=token, timeout=timeout, connect_timeout=timeout) as client:
            joined = await client.join(room, timeout=timeout)
            return await joined.publish(event, value, key=key)

    with ends_in_words():
        number = trio.run(say)
    click.echo("" if number is None else str(number))
