"""What can be wrong with a server, and what to do about it: a file for each rule.

A rule looks at a `View` and gives a `Finding`, or None. `raised`: it said so the last time; then a lower
threshold holds, so that it does not come and go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rtcore._watch.findings import Finding
from rtcore._watch.view import View

from . import (
    apart,
    clients,
    clock,
    compression,
    descriptors,
    disk,
    failures,
    gaps,
    handlers,
    held,
    keys,
    latency,
    limits,
    memory,
    network,
    presence,
    proxies,
    readers,
    reported,
    store,
    storm,
)  # fmt: skip

Rule = Callable[[View, bool], Finding | None]

RULES: Final[dict[str, Rule]] = {
    "held_turn": held.rule,
    "slow_handlers": handlers.rule,
    "latency": latency.rule,
    "network": network.rule,
    "failures": failures.rule,
    "slow_readers": readers.rule,
    "gaps": gaps.rule,
    "reconnect_storm": storm.rule,
    "proxies": proxies.rule,
    "client_reports": reported.rule,
    "memory": memory.rule,
    "descriptors": descriptors.rule,
    "store": store.rule,
    "disk": disk.rule,
    "clock": clock.rule,
    "client_clocks": apart.rule,
    "compression": compression.rule,
    "limits": limits.rule,
    "presence": presence.rule,
    "keys": keys.rule,
    "old_clients": clients.rule,
}
"""By name. Of two that are as bad, what stands first is told first: a cause before what follows from it."""

FOLLOWS: Final[dict[str, tuple[str, ...]]] = {
    "latency": ("held_turn", "slow_handlers", "slow_readers", "store"),
    "slow_handlers": ("held_turn", "store"),
    "failures": ("store", "keys", "limits"),
    "network": ("held_turn",),
    "gaps": ("slow_readers", "memory"),
    "client_reports": ("network", "proxies", "held_turn"),
}
"""What may follow from what. A cause is told before what follows from it, however bad each is by itself."""
