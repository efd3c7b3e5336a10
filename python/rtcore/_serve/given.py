"""What the ways to serve are given: an application, its settings, and what is mounted."""

from __future__ import annotations

from collections.abc import Mapping

from rtcore.app import App
from rtcore.config import Config
from rtcore.errors import UsageError


def settled(app: object, config: Config | None, mount: object, settings: Mapping[str, object]) -> Config:
    """The settings to serve with, after a look at the rest.

    Raises:
        UsageError: what is served is no `App`, what is mounted is no ASGI application, or the settings are
            given twice.
        ConfigError: a setting is unknown or wrong.

    """
    if not isinstance(app, App):
        raise UsageError(f"an rtcore.App is served, and not {app!r}; another application is given as `mount`")
    if isinstance(mount, App) or not (mount is None or callable(mount)):
        raise UsageError(f"what is mounted is an ASGI application, and not {mount!r}")
    given: object = config
    if config is None:
        return Config.of(**settings)
    if settings:
        raise UsageError(f"give the settings in `config` or by name, not both: {', '.join(settings)}")
    if not isinstance(given, Config):
        raise UsageError(f"`config` is a Config, and not {given!r}")
    return config
