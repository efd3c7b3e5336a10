"""A proxy between keeps clients from WebSockets, or cuts them."""

from __future__ import annotations

from rtcore._watch.findings import Finding, Severity, over
from rtcore._watch.view import View

FEW = 20
"""Of so few nothing is said."""


def rule(view: View, raised: bool) -> Finding | None:
    """More than a third of the links are polls and event streams, while others have WebSockets."""
    links = view.measured.get("links", {})
    sockets, plain = links.get("websocket", 0), links.get("events", 0) + links.get("poll", 0)
    part = plain / max(1, plain + sockets)
    if plain + sockets < FEW or not sockets or not over(part, 0.34, 0.25, raised=raised):
        return None
    return Finding(
        Severity.WARNING,
        f"{plain} of {plain + sockets} clients have no WebSocket, {100 * part:.0f} %: something between "
        "refuses, buffers or cuts them",
        "let the proxy pass `Upgrade`, switch its buffering off for /rt/, and give it an idle time-out above "
        "ping_ms; `rtcore doctor URL` at such a client says which it is",
        dict(links),
    )
