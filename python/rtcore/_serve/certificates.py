"""The certificate, read again when its files change or at SIGHUP: without a restart, and nobody is lost.

Connections that are open keep what they were secured with. A new certificate that cannot be used (half
written, of another key) is told of in the log, and the old one stays.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import trio

from rtcore._ground.numbers import FIXED
from rtcore.errors import ConfigError

from .tls import tls_context

_BETWEEN: Final = FIXED["CERTIFICATE_LOOK_S"]

log = logging.getLogger("rtcore.serve")

Stamp = tuple[tuple[int, int, int] | None, ...]


class Certificates:
    """What new connections are secured with."""

    def __init__(self, certificate: str, key: str | None) -> None:
        """Read it, from PEM files: the chain, and its key if that is not in the same one.

        Raises:
            ConfigError: the certificate or its key cannot be used.

        """
        self._files = certificate, key
        self._stamp = self._look()
        self.context = tls_context(*self._files)

    def read_again(self) -> bool:
        """Take the certificate as the files have it now; false: they cannot be used, the old one stays."""
        stamp = self._look()
        try:
            context = tls_context(*self._files)
        except ConfigError as error:
            log.error("%s; the certificate of before stays in use", error)  # noqa: TRY400 - a sentence says it
            self._stamp = stamp  # told once, until they change again
            return False
        self.context, self._stamp = context, stamp
        log.info("the certificate was read again: new connections are secured with it")
        return True

    async def watch(self) -> None:
        """Look at the files every few seconds, until cancelled."""
        while True:
            await trio.sleep(_BETWEEN)
            if self._look() != self._stamp:
                self.read_again()

    def _look(self) -> Stamp:
        """By what one sees that the files have changed: also where a name was given to another file."""
        return tuple(map(_stamp_of, filter(None, self._files)))


def _stamp_of(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:  # it is being replaced
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
