"""`vectors/`: what the wire fixes, as data, holds in Python as in the core (`rust/core/tests/vectors.rs`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rtcore import _engine, errors
from rtcore._ground.patterns import ByPattern, matches
from rtcore.http_api import faults

VECTORS = Path(__file__).resolve().parents[2] / "vectors"


def rows(name: str, table: str) -> list[dict[str, Any]]:
    """The rows of one table of a file; there is at least one."""
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text(encoding="utf-8"))[table]
    assert found
    return found


def test_close_codes_are_the_cores() -> None:
    assert {row["name"]: row["code"] for row in rows("codes.json", "close")} == _engine.CLOSE_CODES


def test_error_codes_have_the_cores_status() -> None:
    """The publish API answers with the status of the table, and adds one code of HTTP's own."""
    table = {row["word"]: row["status"] for row in rows("codes.json", "errors")}
    assert table == _engine.ERROR_STATUS
    assert table.items() <= faults.STATUS.items()
    assert set(faults.STATUS) - set(table) == {"METHOD_NOT_ALLOWED"}


def test_errors_of_the_package_have_codes_of_the_table() -> None:
    words = {row["word"] for row in rows("codes.json", "errors")}
    assert set(errors.Denied.by_code) <= words


@pytest.mark.parametrize("row", rows("patterns.json", "matches"), ids=str)
def test_patterns_match(row: dict[str, Any]) -> None:
    assert matches(row["pattern"], row["name"]) is row["matches"]


@pytest.mark.parametrize("row", rows("patterns.json", "chooses"), ids=str)
def test_patterns_are_chosen(row: dict[str, Any]) -> None:
    known: ByPattern[str] = ByPattern()
    for pattern in row["patterns"]:
        assert known.add(pattern, pattern)
    assert known.find(row["name"]) == row["chosen"]


@pytest.mark.parametrize(
    "row",
    rows("envelopes.json", "client") + rows("envelopes.json", "server"),
    ids=lambda row: str(row["name"]),
)
def test_both_forms_of_a_message_are_one(row: dict[str, Any]) -> None:
    """Read by a library that nobody here wrote."""
    packed = msgspec.msgpack.decode(bytes.fromhex(row["msgpack"]))
    said = msgspec.json.decode(row["json"])
    if row["name"] == "publish, bytes":
        packed["data"]["b"] = {"$bin": msgspec.to_builtins(packed["data"]["b"])}
    assert packed == said
    assert said["type"] == row["type"]
