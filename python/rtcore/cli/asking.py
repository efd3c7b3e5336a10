"""A server that is asked what it measured, as an operator: for `top`, `trace` and `doctor --server`."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlencode, urlsplit

import click

from .words import shown
from .wrong import Failed, Wrong

PATIENCE = 10.0
"""Seconds for an answer that waits for nothing."""

key_option = click.option(
    "--key",
    envvar="RTCORE_KEY",
    default="",
    metavar="KEY",
    help="Who looks: an API key, or an operator's token.",
)


class Server:
    """Where it is asked."""

    def __init__(self, url: str, key: str) -> None:
        """Raises Wrong: `url` is no address of a server."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise Wrong(f"{url!r} is no address of a server: {error}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise Wrong(f"{url!r} is no address of a server, such as http://127.0.0.1:8000")
        self._secure, self._host, self._port = parts.scheme == "https", host, port
        self._path = parts.path.rstrip("/").removesuffix("/rt")
        self._key = key

    def ask(self, name: str, has: str, *, patience: float = PATIENCE, **query: str | float) -> dict[str, Any]:
        """What the server says, within `patience` seconds. `has`: a field that it always has.

        Raises:
            Failed: it does not answer, or refuses.

        """
        path = f"{self._path}/rt/api/{name}" + (f"?{urlencode(query)}" if query else "")
        try:
            status, body = self._get(path, patience)
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"the server does not answer: {error}") from None
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            said = None
        known = isinstance(said, dict)
        if not known or (status == http.HTTPStatus.OK and has not in said):
            raise Failed(f"what answers is no rtcore server: {status}, and not what one says of `{name}`")
        if status != http.HTTPStatus.OK:
            raise Failed(f"{status}: {shown(str(said.get('message', '')))}")
        return dict(said)

    def _get(self, path: str, patience: float) -> tuple[int, bytes]:
        connection: http.client.HTTPConnection
        if self._secure:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=patience, context=context
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=patience)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self._key}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
