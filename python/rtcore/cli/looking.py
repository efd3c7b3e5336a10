"""The commands that look into a log on disk: what cannot be read is said in one line, whenever that shows."""

from __future__ import annotations

from typing import Any

import click

from rtcore._engine import logs

from .wrong import Failed


class Looking(click.Group):
    """A group of them. A log may be opened well and be damaged further on, in the middle of what is shown."""

    def invoke(self, ctx: click.Context) -> Any:
        """Do it."""
        try:
            return super().invoke(ctx)
        except logs.Unusable as error:
            raise Failed(str(error)) from None
