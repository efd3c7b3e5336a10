"""How long a test waits for what must come: one number, for all of them."""

from __future__ import annotations

from typing import Final

PATIENCE: Final = 60.0
"""A minute (s): longer than anything takes on a machine with other work to do. It is never a figure: what has
come is looked at, and how long it took is not. Where something must *not* be waited for, it takes longer than
this, so that a test that waits for it fails.
"""
