"""gws: the fast one in Go, with GOMAXPROCS=1; the runtime's own threads stay. The program is go/main.go.

Its Broadcaster does the fan-out, over a queue for each connection that drops nothing. It does not check that
text is UTF-8 unless it is told to; here it is not.
"""

from __future__ import annotations

from ._native import GoPeer

PEER = GoPeer(name="gws", title="gws", needs="github.com/lxzan/gws", deflate=True)
