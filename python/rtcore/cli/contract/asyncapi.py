"""A contract as an AsyncAPI 3 document."""

from __future__ import annotations

from typing import Any

from .collect import Contract, Part


def asyncapi(contract: Contract, title: str) -> dict[str, Any]:
    """The document, as what JSON can say. The application receives; its answers are replies."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for part in contract.parts:
        place = f"{part.kind}.{_word(part.name)}"
        messages = _messages(part)
        channels[place] = {"address": part.name, "title": part.name, "messages": messages}
        if part.kind == "rooms":
            continue
        asked = ("data", "item") if part.kind == "upload" else ("data",)
        ways = [(name, {"$ref": f"#/channels/{place}/messages/{name}"}) for name in messages]
        operations[place] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{place}"},
            "messages": [way for name, way in ways if name in asked],
            "reply": {
                "channel": {"$ref": f"#/channels/{place}"},
                "messages": [way for name, way in ways if name not in asked],
            },
        }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": "1"},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"schemas": contract.named},
    }


def _messages(part: Part) -> dict[str, Any]:
    last = "state" if part.kind == "rooms" else "result"
    fields = {"data": part.data, "item": part.item, last: part.result}
    there = {name: schema for name, schema in fields.items() if schema is not None}
    found = {name: {"name": name, "payload": schema} for name, schema in there.items()}
    for name, schema in (part.events or {}).items():
        found[f"event.{_word(name)}"] = {"name": name, "payload": schema}
    return found


def _word(name: str) -> str:
    """As the name of a channel: letters, digits, `-` and `_`; each other one by its number."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else f"_{ord(c):x}_" for c in name)
