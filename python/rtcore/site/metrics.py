"""In which format metrics are wanted: what `Accept` says, RFC 9110 §12.5.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from email.message import Message

_FAMILIES: Final = "proto=io.prometheus.client.MetricFamily; encoding=delimited"
KINDS: Final = {
    "text": "text/plain; version=0.0.4",
    "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "protobuf": f"application/vnd.google.protobuf; {_FAMILIES}",
}
"""The formats, and what each is called in an answer."""
_NAMES: Final = {
    "text/plain": "text",
    "text/*": "text",
    "*/*": "text",
    "application/openmetrics-text": "openmetrics",
    "application/vnd.google.protobuf": "protobuf",
}
_MESSAGES: Final = {"proto": "io.prometheus.client.metricfamily", "encoding": "delimited"}


def wanted(accept: str) -> str:
    """The format that is wanted most, of those that there are; else the text."""
    from email.message import Message  # the start does without it

    best, most = "text", 0.0
    for part in accept.split(","):
        said = Message()
        said["content-type"] = part
        form = _NAMES.get(said.get_content_type() if "/" in part else "")
        if form is None or (form == "protobuf" and not _families(said)):
            continue
        weight = _weight(str(said.get_param("q", "1")))
        if weight > most:
            best, most = form, weight
    return best


def _families(said: Message) -> bool:
    """Whether these are Prometheus' messages, each after its length: protocol buffers may be anything."""
    return all(str(said.get_param(name, "")).lower() == value for name, value in _MESSAGES.items())


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0
