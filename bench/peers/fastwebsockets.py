"""fastwebsockets: the fast one in Rust, on Tokio with one thread. See rust/src/bin/fastwebsockets.rs.

Echo is its documented example. The fan-out has a bounded queue and a writing task for each connection, and
leaves what has gathered in one write. It knows no compression.
"""

from __future__ import annotations

from ._native import RustPeer

PEER = RustPeer(name="fastwebsockets", title="fastwebsockets")
