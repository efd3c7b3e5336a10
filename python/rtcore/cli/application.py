"""The application that a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .find import find
from .wrong import Wrong

if TYPE_CHECKING:
    from rtcore.app import App


def application(name: str) -> App:
    """The `rtcore.App` that `module:name` names; anything else ends the command with a sentence."""
    from rtcore.app import App

    app = find(name, "an application")
    if not isinstance(app, App):
        raise Wrong(
            f"{name} is no rtcore.App but {type(app).__name__}; an ASGI application is given with --mount"
        )
    return app
