"""Old clients come."""

from __future__ import annotations

import re

from rtcore._watch.findings import Finding, Severity, over
from rtcore._watch.view import View

_OURS = re.compile(r"rtcore[a-z-]*/(\d+)\.(\d+)")


def rule(view: View, raised: bool) -> Finding | None:
    """Clients of rtcore come whose version is older than the server's, by more than a small step."""
    here = re.match(r"(\d+)\.(\d+)", view.version)
    if here is None:
        return None
    server = (int(here[1]), int(here[2]))
    old = {}
    for each in view.measured.get("clients", ()):
        found = _OURS.match(each["client"])
        if found is not None and (int(found[1]), int(found[2])) < server:
            old[each["client"]] = each["came"]
    came = sum(old.values())
    if not over(came, 9, 4, raised=raised):
        return None
    return Finding(
        Severity.WARNING,
        f"{came} clients that came lately are older than this server ({view.version}): {', '.join(old)}",
        "they work; what is new here they do not do. Pages that were loaded long ago need a reload",
        {"clients": old},
    )
