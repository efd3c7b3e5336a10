"""The commands, each imported when it is meant: a server that starts does not wait for what clients need."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from importlib import import_module
from typing import Any, Final, cast

import click

from rtcore._ground import near

from .wrong import Failed, Wrong

COMMANDS: Final = {
    "backup": "backup:backup",
    "config": "show:config",
    "connect": "connect:connect_command",
    "data": "data:data",
    "demo": "start:demo",
    "doctor": "doctor:doctor",
    "log": "log:log",
    "new": "new:new",
    "publish": "publish:publish",
    "restore": "backup:restore",
    "routes": "routes:routes",
    "serve": "start:serve",
    "token": "token:token",
    "top": "top:top",
    "trace": "trace:trace",
    "types": "types:types",
}
"""Where each stands: its module, and its name there."""
_UNWRITTEN: Final = (errno.ENOSPC, errno.EBADF, errno.EIO, errno.EDQUOT)


class Commands(click.Group):
    """The group of all of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's way
        """Their names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's way
        """One of them; None: there is none of that name."""
        if (where := COMMANDS.get(cmd_name)) is None:
            return None
        module, name = where.split(":")
        return cast("click.Command", getattr(import_module(f"rtcore.cli.{module}"), name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The one that is meant. One that is misspelt is told in a line with the near one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            there = f"; there are {', '.join(COMMANDS)}"
            raise Wrong(f"there is no command {args[0]!r}{near.hint(args[0], COMMANDS, there)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Do it. Where a disk is full or the output is closed, that is said; a pipe that ends is click's."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno not in _UNWRITTEN or error.filename is not None:
                raise
            _let_go_of_output()
            raise Failed(f"what was to be shown could not be written: {error.strerror}") from None


def _let_go_of_output() -> None:
    """What is still to be written goes nowhere: Python would try it once more at its end, and tell again."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, sys.stdout.fileno())
        finally:
            os.close(nowhere)
