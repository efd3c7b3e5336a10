"""Why the core does not take a setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def fault_of(setting: Callable[[Any], None], given: object) -> str:
    """Why the core cannot use what is given; empty if it can."""
    try:
        setting(given)
    except ValueError as error:
        return str(error)
    return ""
