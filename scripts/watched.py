"""What is measured, for `docs/reference`: the page of all metrics and rules, and a dashboard for Grafana."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

from rtcore import App
from rtcore._turn.dispatch import Runtime
from rtcore._watch.rules import RULES

_HEAD: Final = """\
# Metrics and rules

<!-- Written by `make docs` from what a server says, and from the rules. Do not edit. -->

What `/metrics` says, in Prometheus' text format. Times are in seconds, sizes in bytes. `/rt/api/stats` has
the same figures as JSON, with times in milliseconds and for the last 10 seconds, minute and hour.
[Watching](../guide/watching.md) says how to use them.

Labels have as many values as the application registered events and settings of rooms, of each at most 32;
what is beyond is `(others)`. Nothing that a peer can invent becomes a label.

| metric | kind | labels | |
|---|---|---|---|
"""
_RULES_HEAD: Final = """
## Rules

Each looks at the last minute, unless it says otherwise, and is told at `/rt/api/diagnose` and in the log. Of
two that are as bad what stands first is told first.

| type | |
|---|---|
"""
_LABELS: Final = {
    "read": "transport", "write": "transport", "latency": "transport", "links": "transport",
    "wait": "event", "handler": "event", "answered": "event", "answers_failed": "event",
    "commit": "rooms", "fan_out": "rooms", "rooms_published": "rooms", "rooms_delivered": "rooms",
    "rooms_behind": "rooms", "closed": "code", "faults_by_code": "code", "refused_by_code": "code",
    "encoded_by_encoding": "encoding",
}  # fmt: skip


def metrics() -> dict[str, tuple[str, str]]:
    """Kind and meaning of each metric, by name, as a server says them."""
    text = Runtime(App(), manual=True).metrics().decode()
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
    kinds = dict(re.findall(r"^# TYPE (\S+) (.*)$", text, re.MULTILINE))
    return {name: (kinds[name], meaning) for name, meaning in helps.items()}


def label_of(name: str) -> str:
    """The label that a metric has; nothing: none."""
    return _LABELS.get(re.sub(r"^rtcore_|_(total|seconds)$", "", re.sub(r"_(total|seconds)$", "", name)), "")


def page() -> str:
    """The page, as it should be."""
    rows = [
        f"| `{name}` | {kind} | {label_of(name) and f'`{label_of(name)}`'} | {meaning} |\n"
        for name, (kind, meaning) in metrics().items()
    ]
    rules = [f"| `{name}` | {_about(rule)} |\n" for name, rule in RULES.items()]
    return _HEAD + "".join(rows) + _RULES_HEAD + "".join(rules)


def _about(rule: Any) -> str:
    module = inspect.getmodule(rule)
    texts = [inspect.getdoc(module) or "", inspect.getdoc(rule) or ""]
    return " ".join(" ".join(text.split()) for text in texts).replace("|", "\\|")


_P95: Final = "histogram_quantile(0.95, sum by (le, {label}) (rate({name}_bucket[$__rate_interval])))"
_PART: Final = "rate({part}[$__rate_interval]) / rate({of}[$__rate_interval])"
_PANELS: Final[list[tuple[str, str, list[tuple[str, str]]]]] = [
    ("Messages a second", "ops", [
        ("rate(rtcore_messages_in_total[$__rate_interval])", "in"),
        ("rate(rtcore_published_total[$__rate_interval])", "published"),
        ("rate(rtcore_delivered_total[$__rate_interval])", "delivered"),
    ]),
    ("Who is here", "short", [
        ("rtcore_current_sessions", "sessions"),
        ("rtcore_links", "{{transport}}"),
    ]),
    ("Handlers, p95", "s", [(_P95.format(label="event", name="rtcore_handler_seconds"), "{{event}}")]),
    ("Waiting for one, p95", "s", [(_P95.format(label="event", name="rtcore_wait_seconds"), "{{event}}")]),
    ("Round trips, p95", "s", [
        (_P95.format(label="transport", name="rtcore_latency_seconds"), "{{transport}}"),
    ]),
    ("Reading and writing, p95", "s", [
        (_P95.format(label="transport", name="rtcore_read_seconds"), "read {{transport}}"),
        (_P95.format(label="transport", name="rtcore_write_seconds"), "write {{transport}}"),
    ]),
    ("To the disk and to listeners, p95", "s", [
        (_P95.format(label="rooms", name="rtcore_commit_seconds"), "commit {{rooms}}"),
        (_P95.format(label="rooms", name="rtcore_fan_out_seconds"), "fan-out {{rooms}}"),
    ]),
    ("Turns, mean", "s", [
        (_PART.format(part="rtcore_turn_seconds_sum", of="rtcore_turn_seconds_count"), "turn"),
    ]),
    ("Requests that fail, part of all", "percentunit", [
        (_PART.format(part="rtcore_answers_failed_total", of="rtcore_answered_total"), "{{event}}"),
    ]),
    ("Refused, and faults", "ops", [
        ("rate(rtcore_refused_by_code_total[$__rate_interval])", "refused {{code}}"),
        ("rate(rtcore_faults_by_code_total[$__rate_interval])", "fault {{code}}"),
    ]),
    ("Closed, by code", "ops", [("rate(rtcore_closed_total[$__rate_interval])", "{{code}}")]),
    ("Who falls behind, and gaps", "ops", [
        ("rate(rtcore_rooms_behind_total[$__rate_interval])", "behind {{rooms}}"),
        ("rate(rtcore_gaps_total[$__rate_interval])", "gaps"),
    ]),
    ("Bytes", "Bps", [
        ("rate(rtcore_bytes_in_total[$__rate_interval])", "in"),
        ("rate(rtcore_bytes_out_total[$__rate_interval])", "out"),
    ]),
    ("Memory of rings and outboxes", "bytes", [
        ("rtcore_current_ring_bytes", "rings"),
        ("rtcore_current_outbox_memory", "outboxes"),
        ("rtcore_current_key_bytes", "keys"),
    ]),
]  # fmt: skip


def dashboard() -> dict[str, Any]:
    """The dashboard, as Grafana imports it."""
    source = {"type": "prometheus", "uid": "${source}"}
    panels = [
        {
            "id": number,
            "title": title,
            "type": "timeseries",
            "datasource": source,
            "gridPos": {"h": 8, "w": 12, "x": 12 * ((number - 1) % 2), "y": 8 * ((number - 1) // 2)},
            "fieldConfig": {
                "defaults": {"unit": unit, "min": 0, "custom": {"fillOpacity": 8}},
                "overrides": [],
            },
            "options": {"tooltip": {"mode": "multi", "sort": "desc"}, "legend": {"displayMode": "list"}},
            "targets": [
                {
                    "refId": chr(ord("A") + place),
                    "datasource": source,
                    "expr": _only(expression),
                    "legendFormat": legend,
                }
                for place, (expression, legend) in enumerate(lines)
            ],
        }
        for number, (title, unit, lines) in enumerate(_PANELS, 1)
    ]
    variables = [
        {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"},
        {
            "name": "instance",
            "label": "Server",
            "type": "query",
            "datasource": source,
            "query": "label_values(rtcore_start_time_seconds, instance)",
            "refresh": 2,
            "multi": True,
            "includeAll": True,
        },
    ]
    return {
        "title": "rtcore",
        "uid": "rtcore",
        "tags": ["rtcore"],
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": variables},
        "panels": panels,
    }


def _only(expression: str) -> str:
    """The same of the servers that were chosen."""
    return re.sub(r"\b(rtcore_\w+)", r'\1{instance=~"$instance"}', expression)
