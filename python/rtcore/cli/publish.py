"""`rtcore publish`: say something in a room, once."""

from __future__ import annotations

from typing import Any

import click
import trio

from rtcore.client import ClientError, connect
from rtcore.errors import RtcoreError

from .words import Seconds, value_of
from .wrong import Failed

_EPILOG = """\b
Examples:
  rtcore publish http://127.0.0.1:8000 tea say '"hello"'
  rtcore publish https://chat.example.org/rt tea say '{"text":"hello"}' --token "$TOKEN" --key order-17
"""


def data_of(text: str | None) -> Any:
    """JSON, or else the text itself."""
    return None if text is None else value_of(text)


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

    async def say() -> int | None:
        async with connect(url, token=token, timeout=timeout, connect_timeout=timeout) as client:
            joined = await client.join(room, timeout=timeout)
            return await joined.publish(event, data_of(data), key=key)

    try:
        number = trio.run(say)
    except RtcoreError as error:
        maybe = (
            " (it may have been said)"
            if isinstance(error, ClientError) and getattr(error, "maybe_done", False)
            else ""
        )
        raise Failed(f"{error}{maybe}") from None
    click.echo("" if number is None else str(number))
