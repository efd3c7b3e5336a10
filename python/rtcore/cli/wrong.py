"""How a command ends that was asked for what cannot be: one line that says so, and the status 2."""

from __future__ import annotations

import click


class Wrong(click.ClickException):
    """What was asked is wrong, whoever asks again: a flag, a variable, a file, a name. One line, whatever it
    quotes.
    """

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__("".join(map(_shown, message)))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    # Lone surrogates, of what was not UTF-8, cannot be written; a line break would begin another line.
    return character.encode("unicode_escape").decode()
