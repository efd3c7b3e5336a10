"""`rtcore data`: what people do with collections on disk."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import rtcore
from rtcore.cli import main
from rtcore.testing import memory_server

TAGS = {"$crdt": "or-set", "e": {"a": [["w1", 1]]}, "c": {"w1": 1}}
DOCUMENTS: list[dict[str, Any]] = [
    {"collection": "notes:ann", "key": "a", "value": {"title": "tea", "tags": TAGS}},
    {"collection": "notes:ann", "key": "b", "value": [1, None, "\x1b[31mred"]},
    {"collection": "notes:bob", "key": "c", "value": 5},
]


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["data", *(str(word) for word in words)])


def done(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def imported(folder: Path, documents: list[dict[str, Any]]) -> None:
    lines = folder.parent / "lines.jsonl"
    lines.write_text("".join(json.dumps(each) + "\n" for each in documents))
    done(folder, "import", lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two collections."""
    made = tmp_path / "data"
    imported(made, DOCUMENTS)
    return made


def test_what_is_exported_is_what_was_imported_crdts_with_their_states(folder: Path) -> None:
    assert objects(done(folder, "export")) == DOCUMENTS
    assert [each["collection"] for each in objects(done(folder, "export", "*:bob"))] == ["notes:bob"]
    assert [each["documents"] for each in objects(done(folder, "list", "--json"))] == [2, 1]
    assert json.loads(done(folder, "show", "notes:ann", "a")) == DOCUMENTS[0]["value"]
    assert "\x1b" not in done(folder, "show", "notes:ann"), "a terminal does not obey what was said"


def test_a_document_takes_the_place_of_what_is_at_its_key(folder: Path) -> None:
    imported(folder, [{"collection": "notes:bob", "key": "c", "value": 6}])
    assert objects(done(folder, "show", "notes:bob", "--json"))[0]["value"] == 6
    assert len(objects(done(folder, "export"))) == 3


def test_what_cannot_be_had_is_said_in_a_line(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"collection": "notes:new", "key": "x", "value": 1}\n{"key": 5}\n')
    result = run(folder, "import", bad)
    assert (result.exit_code, "line 2" in result.output) == (2, True)
    assert "notes:new" not in done(folder, "list"), "nothing was imported"
    assert run(folder, "show", "notes:none").exit_code == 1
    assert run(folder, "show", "notes:ann", "zzz").exit_code == 1
    assert run(tmp_path / "nothing", "list").exit_code == 1


def test_damage_is_found(folder: Path) -> None:
    assert "2 documents are whole" in done(folder, "verify")
    with sqlite3.connect(folder / "log.db") as file:
        file.execute("UPDATE shared SET name = 'z' WHERE name = 'c'")
    result = run(folder, "verify")
    assert (result.exit_code, "is damaged" in result.stdout) == (1, True)
    assert "notes:ann: 2 documents are whole" in result.stdout


def test_what_can_be_read_of_a_damaged_file_is_saved(folder: Path, tmp_path: Path) -> None:
    """One row stands elsewhere, one has other bytes: these are lost, and none beside them."""
    damaged, into = folder / "log.db", tmp_path / "new"
    with sqlite3.connect(damaged) as file:
        file.execute("UPDATE shared SET value = x'00' WHERE name = 'c'")
        file.execute("UPDATE shared SET name = 'z' WHERE name = 'b'")
    result = run(into, "salvage", damaged)
    assert result.exit_code == 1
    assert "1 documents of notes:ann saved; 1 rows or parts are damaged" in result.stdout
    assert objects(done(into, "export")) == DOCUMENTS[:1], "a CRDT with its state"
    assert "notes:ann: 1 documents are whole" in done(into, "verify")


def test_a_page_of_rubbish_costs_the_documents_in_it(tmp_path: Path) -> None:
    folder, into = tmp_path / "data", tmp_path / "new"
    many = [
        {"collection": "notes:ann", "key": f"k{n:05}", "value": f"text {n:05} " * 30} for n in range(2000)
    ]
    imported(folder, many)
    with sqlite3.connect(folder / "log.db") as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    log = folder / "log.db"
    content = bytearray(log.read_bytes())
    at = content.index(b"text 01000 ") // 4096 * 4096
    content[at : at + 4096] = b"\xa5" * 4096
    log.write_bytes(content)
    assert run(folder, "verify").exit_code == 1
    assert run(into, "salvage", log).exit_code == 1
    saved = objects(done(into, "export"))
    assert 1950 < len(saved) < 2000
    assert all(each in many for each in saved)


async def test_a_server_that_begins_with_it_has_what_was_imported(folder: Path, autojump_clock: Any) -> None:
    app = rtcore.App()
    app.collection("notes:*", Any, durable=True)
    async with memory_server(app, data=str(folder)) as server:
        notes = await app.collection("notes:bob").loaded()
        assert notes.get("c") == 5
        notes.put("c", 7)
        await notes.stored()
        ann = await server.welcomed()
        sync = {"client": "a" * 32, "incarnation": 1, "nonce": "n"}
        await ann.ask("join", room="$sync/notes:bob", sync=sync)
        page = await ann.ask("pull", collection="notes:bob")
        assert [(doc["key"], doc["value"]) for doc in page["docs"]] == [("c", 7)]
    assert json.loads(done(folder, "show", "notes:bob", "c")) == 7
