"""Shared data of the core, as client programs use it: collections at a client, and CRDTs; no engine."""

from __future__ import annotations

from rtcore import _core

Crdt = _core.Crdt
Refused = _core.Refused
Replica = _core.Replica
Row = tuple[int, str | None, int, bytes | None]
"""What is kept of a collection: kind, key, number, and JSON (None: it is kept no longer)."""
