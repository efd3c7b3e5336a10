"""The servers that a user would otherwise pick, each doing the same work as rtcore.

One module a peer; README.md says how to add one. Nothing here needs a package beyond the standard library,
so that any Python can list them: what a server needs is imported where it is served.
"""

from __future__ import annotations

import importlib
import pkgutil

from .peer import BUILT, ROOT, WORKS, Peer, Work


def _gather() -> tuple[Peer, ...]:
    """The `PEER` of every module here. Names that begin with an underscore, and `peer`, are the machinery."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names if not name.startswith("_")]
    peers = [module.PEER for module in modules if module.__name__ != Peer.__module__]
    return tuple(sorted(peers, key=lambda peer: (_ORDER.index(peer.language), peer.name)))


# Nearest to rtcore first: that is how tables list them.
_ORDER = ("Python", "JavaScript", "Go", "Rust", "C++")
PEERS: tuple[Peer, ...] = _gather()

__all__ = ["BUILT", "PEERS", "ROOT", "WORKS", "Peer", "Work"]
