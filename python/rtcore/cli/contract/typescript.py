"""A contract as TypeScript."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .collect import Contract, Part, Schema

_HEAD = "// Made by `rtcore types`. What is changed here is lost when it is made again.\n"
_SIMPLE = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_GROUPS = (("events", "event"), ("streams", "stream"), ("uploads", "upload"), ("rooms", "rooms"))


def typescript(contract: Contract) -> str:
    """The interface `App`, for `connect<App>()`, and one interface for each type with a name."""
    lines = [_HEAD]
    for name, schema in contract.named.items():
        lines.append(f"export type {_identifier(name)} = {_type(schema, '')};\n")
    lines.append("export interface App {")
    for group, kind in _GROUPS:
        lines.append(f"  {group}: {{")
        lines.extend(_entry(part) for part in contract.parts if part.kind == kind)
        lines.append("  };")
    return "\n".join([*lines, "}", ""])


def _entry(part: Part) -> str:
    fields = {"data": part.data, "item": part.item, "result": part.result}
    if part.kind == "rooms":
        name = "`" + _template(part.name) + "`" if "*" in part.name else json.dumps(part.name)
        key = f"[name: {name}]" if "*" in part.name else name
        return f"    {key}: {{ state: {_or(part.result, 'undefined')}{_events(part.events)} }};"
    wanted = {"event": ("data", "result"), "stream": ("data", "item"), "upload": ("data", "item", "result")}
    said = "; ".join(f"{field}: {_or(fields[field], 'null')}" for field in wanted[part.kind])
    return f"    {json.dumps(part.name)}: {{ {said} }};"


def _events(events: dict[str, Schema] | None) -> str:
    if events is None:
        return ""
    said = "; ".join(f"{json.dumps(name)}: {_type(schema, '    ')}" for name, schema in events.items())
    return f"; events: {{ {said} }}" if said else "; events: {}"


def _template(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")
    return escaped.replace("*", "${string}")


def _or(schema: Schema | None, none: str) -> str:
    return none if schema is None else _type(schema, "    ")


def _identifier(name: str) -> str:
    made = "".join(letter if letter.isalnum() or letter in "_$" else "_" for letter in name)
    return f"_{made}" if made[:1].isdigit() or made == "App" else made


def _type(schema: Schema, indent: str) -> str:
    """One schema. What it cannot say exactly (bounds, formats) is left to the server."""
    if "$ref" in schema:
        return _identifier(schema["$ref"].rsplit("/", 1)[1])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " | ".join(dict.fromkeys(_type(each, indent) for each in schema[word]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_type({**schema, "type": each}, indent) for each in kind)
    if kind == "array":
        return _array(schema, indent)
    if kind == "object":
        return _object(schema, indent)
    if schema.get("contentEncoding") == "base64":
        return "Uint8Array"
    return _SIMPLE.get(str(kind), "unknown")


def _array(schema: Schema, indent: str) -> str:
    items = schema.get("items")
    if "prefixItems" in schema:
        return "[" + ", ".join(_type(each, indent) for each in schema["prefixItems"]) + "]"
    inner = _type(items, indent) if isinstance(items, dict) else "unknown"
    return f"({inner})[]" if "|" in inner else f"{inner}[]"


def _object(schema: Schema, indent: str) -> str:
    properties = schema.get("properties")
    if properties is None:
        more = schema.get("additionalProperties")
        return f"Record<string, {_type(more, indent) if isinstance(more, dict) else 'unknown'}>"
    return "{ " + "; ".join(_fields(schema, properties, indent)) + " }" if properties else "{}"


def _fields(schema: Schema, properties: dict[str, Schema], indent: str) -> Iterator[str]:
    required = set(schema.get("required", ()))
    for name, inner in properties.items():
        key = name if name.isidentifier() else json.dumps(name)
        yield f"{key}{'' if name in required else '?'}: {_type(inner, indent)}"
