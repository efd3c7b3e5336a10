"""What the ways to serve are given: an application, its settings, and what is mounted."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import FunctionType, MethodType
from typing import Any

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
    if (fault := no_asgi(mount)) is not None:
        raise UsageError(f"what is mounted is an ASGI application, and {mount!r} {fault}")
    given: object = config
    if config is None:
        return Config.of(**settings)
    if settings:
        raise UsageError(f"give the settings in `config` or by name, not both: {', '.join(settings)}")
    if not isinstance(given, Config):
        raise UsageError(f"`config` is a Config, and not {given!r}")
    return config


def no_asgi(mount: Any) -> str | None:
    """Why something cannot be mounted; None: it may be.

    Functions and methods alone are looked into. What an object, a class or a partial makes of its arguments
    is its own.
    """
    if mount is None:
        return None
    if isinstance(mount, App):
        return "is an rtcore.App: serve that, and mount another application beside it"
    if not callable(mount):
        return "cannot be called"
    if not isinstance(mount, (FunctionType, MethodType)):
        return None
    try:
        # What is called is what counts, and not what `functools.wraps` says that it wraps.
        inspect.signature(mount, follow_wrapped=False).bind({}, None, None)
    except TypeError:
        name = "method" if isinstance(mount, MethodType) else "function"
        return f"is a {name} that does not take (scope, receive, send)"
    return None
