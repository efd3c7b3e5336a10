"""Limits are met often."""

from __future__ import annotations

from rtcore._watch.findings import Finding, over, worst
from rtcore._watch.view import View

_MET = {
    ("refused_by_code", "OVERLOADED"): "connections or requests were refused: a limit of the process, an "
    "address or a user (`connections*`, `sessions*`, `http_connections`)",
    ("faults_by_code", "OVERLOADED"): "messages were not taken: too much waits (`waiting_requests`, "
    "`unsent_replies`, `questions`)",
    ("faults_by_code", "TOO_LARGE"): "messages were too large (`max_message`)",
    ("refused_by_code", "TOO_LARGE"): "requests were too large (`max_message`, `max_head`)",
    ("closed", "4003"): "connections were closed for a limit (`connections_per_user` and its like)",
    ("closed", "4004"): "sessions sent more than they may (`messages_per_second`)",
    ("closed", "1009"): "messages were too large (`max_message`)",
}
HIGH, LOW, VERY = 20, 10, 1_000
"""In a minute."""


def rule(view: View, raised: bool) -> Finding | None:
    """Some limit was met more than 20 times in a minute."""
    met = {key: view.rise(key[1], group=key[0]) for key in _MET}
    key = max(met, key=lambda each: met[each])
    if not over(met[key], HIGH, LOW, raised=raised):
        return None
    return Finding(
        worst(met[key], VERY),
        f"{met[key]} times in a minute {_MET[key]}",
        "if these clients are yours, raise the limit; else something asks too much: the log at level `info` "
        "names addresses and reasons",
        {f"{group}.{code}": times for (group, code), times in met.items() if times},
    )
