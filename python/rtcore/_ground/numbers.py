"""The numbers of the core, for whoever keeps one.

Each stands once, in `rust/core/src/limits.rs` and `limits/`, with its unit and its reason.
"""

from __future__ import annotations

from typing import Final

from rtcore import _core

LIMITS: Final = _core.LIMITS
"""Name, default and description of each limit that may be set."""
USUAL: Final[dict[str, int]] = {name: default for name, default, _ in LIMITS}
"""Their defaults."""
LIMIT_RANGES: Final = {name: (least, most) for name, least, most in _core.LIMIT_RANGES}
"""What each may be set to."""
FIXED_ABOUT: Final = _core.FIXED
"""Name, value and description of each limit that nobody sets."""
FIXED: Final[dict[str, int]] = {name: value for name, value, _ in FIXED_ABOUT}
"""Limits that nobody sets, by name (`rust/core/src/limits/fixed.rs`, `shell.rs`)."""
PREFIX: Final = _core.PREFIX
"""What the paths of rtcore's own requests begin with."""
API: Final = _core.API
"""What those of the publish API begin with."""
SCRIPT: Final = _core.SCRIPT
"""Where the browser's client is."""
HEALTH: Final = _core.HEALTH
"""Where a load balancer asks."""
PROBES: Final = _core.PROBES
"""Where probes ask, it included."""
CONSOLE: Final = _core.CONSOLE
"""Where the page of operators is."""
LIVE: Final = f"{CONSOLE}/live"
"""Where what it looks at is said: an rtcore of its own."""
