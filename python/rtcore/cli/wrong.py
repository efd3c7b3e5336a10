"""How a command ends that was asked for what cannot be, or could not do it: one line that says so."""

from __future__ import annotations

import click

from .words import shown


class Failed(click.ClickException):
    """It could not be done; the status is 1. One line, whatever it quotes."""

    def __init__(self, message: str) -> None:
        super().__init__(shown(message))


class Wrong(Failed):
    """What was asked is wrong, whoever asks again: a flag, a variable, a file, a name; the status is 2."""

    exit_code = 2
