"""The description of the publish API (OpenAPI 3.1), made from the types that read requests and write answers.

What a request may hold is nowhere written a second time, so the description cannot say something else than
the server does.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any, Final

import msgspec

from rtcore._engine import VERSION
from rtcore._ground.numbers import API

from . import messages as say
from .operations import OPERATIONS

_TEMPLATE: Final = "#/components/schemas/{name}"
_KINDS: Final = (
    say.Publish, say.Published, say.Failed, say.Send, say.History, say.Past, say.Presence, say.Members,
    say.Disconnect, say.Disconnected, say.Problem,
)  # fmt: skip
# Each with the headers that it always has.
_FAULTS: Final = {
    400: "INVALID_MESSAGE: the body is not as it should be; `details` name each fault and its place",
    401: "UNAUTHORIZED: no API key, or an unknown one",
    403: "FORBIDDEN: this API key may not, or a name that is rtcore's own",
    404: "NOT_FOUND: no settings name this room, there is no such session, or no API key is configured",
    408: "TIMEOUT: the body did not come in time",
    409: "KEY_CONFLICT: the idempotency key was used with another event or other data",
    413: "TOO_LARGE: the body is over the limit `max_message`",
    429: "OVERLOADED: over the API key's rate; `Retry-After` says when",
    500: "INTERNAL: the server's fault",
    503: "OVERLOADED: a limit of the server is reached, or it is going down; `Retry-After` says when",
    504: "TIMEOUT: it had to wait for a slow member or session, and was not said",
}
_HEADERS: Final = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}


# What the types cannot say: which fields exclude each other.
_NONE: Final = {"type": "null"}
_TEXT: Final = {"type": "string"}
_OFF: Final = {"const": False}
_EXCLUSIVE: Final[dict[str, list[dict[str, Any]]]] = {
    "Send": [
        {"required": ["user"], "properties": {"user": _TEXT, "session": _NONE, "all": _OFF}},
        {
            "required": ["session"],
            "properties": {
                "session": _TEXT, "user": _NONE, "all": _OFF, "key": _NONE, "volatile": _OFF, "trace": _NONE,
            },
        },
        {"required": ["all"], "properties": {"all": {"const": True}, "user": _NONE, "session": _NONE}},
    ],
    "Disconnect": [
        {"required": ["user"], "properties": {"user": _TEXT, "session": _NONE}},
        {"required": ["session"], "properties": {"session": _TEXT, "user": _NONE}},
    ],
}  # fmt: skip


@cache
def description() -> dict[str, Any]:
    """The document."""
    _, components = msgspec.json.schema_components(_KINDS, ref_template=_TEMPLATE)
    for schema in components.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    for name, ways in _EXCLUSIVE.items():
        components[name]["oneOf"] = ways
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rtcore publish API",
            "version": VERSION,
            "description": "For backends: say events, read the past, see who is there, end sessions.",
        },
        "paths": {f"{API}{name}": {"post": _operation(name)} for name in OPERATIONS},
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def _operation(name: str) -> dict[str, Any]:
    operation = OPERATIONS[name]
    reads: dict[str, Any]
    answers: dict[str, Any]
    if name == "batch":
        reads = {"type": "array", "items": _ref(say.Publish), "maxItems": say.BATCH}
        answers = {"type": "array", "items": {"anyOf": [_ref(say.Published), _ref(say.Failed)]}}
    else:
        reads, answers = _ref(operation.reads), _ref(operation.answers)
    done = {"description": "Done.", "content": {"application/json": {"schema": answers}}}
    return {
        "operationId": name,
        "summary": (inspect.getdoc(operation.done) or name).splitlines()[0],
        "requestBody": {"required": True, "content": {"application/json": {"schema": reads}}},
        "responses": {"200": done, **{str(status): _fault(status) for status in _FAULTS}},
    }


def _fault(status: int) -> dict[str, Any]:
    schema = {"schema": _ref(say.Problem)}
    told: dict[str, Any] = {"description": _FAULTS[status], "content": {"application/json": schema}}
    if status in _HEADERS:
        told["headers"] = {_HEADERS[status]: {"required": True, "schema": {"type": "string"}}}
    return told


def _ref(kind: Any) -> dict[str, str]:
    return {"$ref": _TEMPLATE.format(name=kind.__name__)}
