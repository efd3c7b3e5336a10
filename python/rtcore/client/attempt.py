"""One attempt to have a connection: its token, when its `welcome` must be here, and what told its end."""

from __future__ import annotations

import math
from typing import Final

from .coming import ABNORMAL
from .effects import Effect, Welcomed, Write
from .errors import ConnectError, HelloTooLarge, TokenRefused
from .words import Said, encode

WELCOME: Final = 15.0
"""Seconds within which `welcome` must come."""


class Attempt:
    """The newest attempt, and the token that the server refused before it."""

    def __init__(self) -> None:
        self.refused: str | None = None
        """The token that the server refused; the token function is asked for another."""
        self.welcome_by = math.inf
        self._token: str | None = None
        self._no_other: ConnectError | None = None  # what is raised if no other token is given
        self._told: tuple[int, str, float | None] | None = None
        self._size = 0  # bytes of its hello

    def opened(self, token: str | None, now: float) -> ConnectError | None:
        """Hello is said with this token. An error: it is the one that was refused, and there is no other."""
        if self.refused is not None and token == self.refused:
            return self._no_other or TokenRefused("the server does not accept the token", 4501)
        self._token, self._told = token, None
        self.welcome_by = now + WELCOME
        return None

    def says(self, hello: bytes) -> bytes:
        """What opens it. How much of that a server takes, it says in no message: only by 1009 afterwards."""
        self._size = len(hello)
        return hello

    def too_large(self, reason: str) -> HelloTooLarge:
        """The server closed with 1009 before its welcome: what it was told, and what to do."""
        token = len((self._token or "").encode())
        most = f"its token has {token} of them: give a shorter one"
        if 2 * token < self._size:
            most = "most of them are streams that go on: have fewer open"
        text = f"the server takes no hello of {self._size} bytes ({reason or 'it says no limit'}); {most}"
        return HelloTooLarge(f"{text}, or raise max_first_message at the server", 1009)

    def welcomed(self) -> None:
        """It has its welcome, and its token is good."""
        self.welcome_by, self.refused = math.inf, None

    def over(self) -> None:
        """It waits for nothing more."""
        self.welcome_by = math.inf

    def bye(self, said: Said) -> None:
        """Its end is told before the connection ends."""
        self._told = (said.get("code", ABNORMAL), said.get("reason") or "", said.get("after"))

    def end(self, code: int, reason: str, after: float | None) -> tuple[int, str, float | None]:
        """How it ended: as it was told, or else as the connection says."""
        told, self._told = self._told, None
        return told or (code, reason, after)

    def wants_other(self, error: ConnectError | None) -> bool:
        """Its token was refused, as one that was kept too long is: the token function is asked once more."""
        if self.refused is not None:
            return False
        self.refused, self._no_other = self._token or "", error
        return True


def parting(gen: int, messages: list[Said], ours: str | None) -> list[Effect]:
    """What is to be done about messages of a connection that was given up: where a fresh session comes too
    late, it is ended, since nobody will ever speak in it.
    """
    found: list[Effect] = []
    for said in messages:
        session = said.get("session")
        if said["type"] == "welcome" and said.get("resumed") is False and session not in (None, ours):
            found.append(Welcomed(gen, str(session), str(said.get("key") or ""), None))
            found.append(Write(gen, (encode({"type": "bye"}),)))
    return found
