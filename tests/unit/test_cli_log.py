"""`rtcore log`, `rtcore backup`, `rtcore restore`: what people do with what is kept on disk."""

from __future__ import annotations

import json
import select
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rtcore._engine import SQLITE
from rtcore.cli import main

LINES = [
    {"room": "orders:7", "event": "bought", "data": {"x": 1}, "time": 1_764_200_000_000, "session": "s1"}
    | {"user": "ann"},
    {"room": "orders:8", "event": "bought", "data": {"tea": "Refund"}, "time": 1_764_200_000_001},
    {"room": "notes", "event": "said", "data": "\x1b[31mred", "time": 1_764_200_000_002, "exclude": "s2"},
]  # fmt: skip


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def done(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log with three entries."""
    lines = tmp_path / "lines.jsonl"
    lines.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    made = tmp_path / "data"
    assert "3 entries" in done("log", made, "import", lines)
    return made


def test_entries_are_shown_as_they_were_said(folder: Path) -> None:
    shown = objects(done("log", folder, "show", "--json"))
    assert [each.pop("seq") for each in shown] == [1, 2, 3]
    assert shown == LINES
    assert [each["room"] for each in objects(done("log", folder, "show", "orders:8", "--json"))] == [
        "orders:8"
    ]
    assert [each["seq"] for each in objects(done("log", folder, "show", "--last", 2, "--json"))] == [2, 3]
    assert [each["seq"] for each in objects(done("log", folder, "show", "--after", 1, "--json"))] == [2, 3]


def test_a_terminal_does_not_obey_what_was_said(folder: Path) -> None:
    text = done("log", folder, "show")
    assert "\x1b" not in text
    assert "ann  bought" in text


def test_a_search_knows_no_case_and_keeps_to_its_rooms(folder: Path) -> None:
    assert "orders:8" in done("log", folder, "search", "refund")
    assert done("log", folder, "search", "refund", "--room", "notes*") == ""
    assert "orders:7" in done("log", folder, "search", "ANN", "--room", "orders:7")


def test_what_is_exported_can_be_imported(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    done("log", folder, "export", "-o", file)
    done("log", tmp_path / "again", "import", file)
    again = objects(done("log", tmp_path / "again", "show", "--json"))
    assert [{name: each[name] for name in ("room", "data", "time")} for each in again] == [
        {name: line[name] for name in ("room", "data", "time")} for line in LINES
    ]
    assert [each["was"]["seq"] for each in again] == [1, 2, 3]


def test_a_bad_line_is_named_and_what_came_before_is_kept(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(json.dumps(LINES[0]) + '\n{"room":1}\n')
    result = run("log", folder, "import", file)
    assert result.exit_code == 2
    assert "line 2" in result.output
    assert len(objects(done("log", folder, "show", "--json"))) == 4


def test_stats_and_verify_say_what_is_there(folder: Path) -> None:
    stats = json.loads(done("log", folder, "stats", "--json"))
    assert {room["room"]: room["count"] for room in stats["rooms"]} == {
        "orders:7": 1,
        "orders:8": 1,
        "notes": 1,
    }
    assert "orders:7" in done("log", folder, "stats")
    assert "3 entries are whole, 0 damaged" in done("log", folder, "verify")


def test_a_flipped_bit_is_found(folder: Path) -> None:
    file = folder / "log.db"
    data = file.read_bytes()
    assert data.count(b"Refund") == 1
    file.write_bytes(data.replace(b"Refund", b"Refumd"))
    result = run("log", folder, "verify", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["damaged"] == 1
    assert {"seq": 2, "damaged": True} in objects(done("log", folder, "show", "--json"))


@pytest.mark.parametrize(
    "words", [("stats",), ("show",), ("search", "x"), ("export",), ("verify",), ("follow",)]
)
def test_a_damaged_page_is_said_in_one_line_wherever_it_shows(folder: Path, words: tuple[str, ...]) -> None:
    file = folder / "log.db"
    with sqlite3.connect(file) as log:
        (root,) = log.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'entry'").fetchone()
    log.close()
    data = bytearray(file.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = bytes(4096)
    file.write_bytes(data)
    result = run("log", folder, *words)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), "no traceback"
    assert "malformed" in result.stderr
    assert "`rtcore log FOLDER salvage FILE`" in result.stderr


def test_a_room_of_which_nothing_is_kept_is_said_beside_what_programs_read(folder: Path) -> None:
    result = run("log", folder, "show", "orders:*", "--json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing is kept of the room orders:*" in result.stderr


def test_who_follows_hears_on_when_a_copy_was_put_back(folder: Path, tmp_path: Path) -> None:
    copy, lines = tmp_path / "monday.db", tmp_path / "lines.jsonl"
    done("backup", folder, copy)
    command = [sys.executable, "-m", "rtcore", "log", str(folder), "follow", "--interval", "0.01", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        try:
            before = 0
            while not select.select([follower.stdout], [], [], 0.2)[0]:  # until it has begun
                before += 3
                done("log", folder, "import", lines)
            done("restore", copy, folder)
            for _ in range(2 + before // 3):  # so that its numbers pass those that were heard
                done("log", folder, "import", lines)
            highest = max(each["seq"] for each in objects(done("log", folder, "show", "--json")))
            assert highest > before + 3
            while json.loads(follower.stdout.readline())["seq"] != highest:
                pass
        finally:
            follower.kill()


def test_the_reference_says_the_version_of_the_form_that_is_made(folder: Path) -> None:
    version = json.loads(done("log", folder, "stats", "--json"))["version"]
    reference = (Path(__file__).parents[2] / "docs/reference/store.md").read_text()
    assert f"`user_version` the version of this form: {version}." in " ".join(reference.split())


def test_a_copy_goes_back_and_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "monday.db"
    done("backup", folder, copy)
    assert run("backup", folder, copy).exit_code == 1, "it is there already"
    done("log", copy, "verify")
    done("log", folder, "import", tmp_path / "lines.jsonl")
    said = done("restore", copy, folder)
    assert len(objects(done("log", folder, "show", "--json"))) == 3
    aside = Path(said.rpartition(" ")[2].strip())
    assert len(objects(done("log", aside, "show", "--json"))) == 6


def test_what_can_be_read_of_a_file_is_saved_under_new_numbers(folder: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert "3 entries saved, now 1 to 3" in done("log", new, "salvage", folder / "log.db")
    assert [each["was"]["seq"] for each in objects(done("log", new, "show", "--json"))] == [1, 2, 3]


def test_compacting_says_how_much_it_won(folder: Path) -> None:
    assert "bytes before" in done("log", folder, "compact")
    assert "3 entries are whole" in done("log", folder, "verify")


@pytest.mark.parametrize("words", [("stats",), ("show",), ("verify",), ("export",), ("compact",)])
def test_a_folder_without_a_log_is_said_in_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = run("log", tmp_path / "nothing", *words)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "there is no log" in result.output
    assert "--data" in result.output, "what is wanted instead"
    assert not (tmp_path / "nothing").exists(), "to look at it makes none"


def test_each_command_teaches() -> None:
    for words in (("log",), ("backup",), ("restore",)):
        assert "Examples:" in done(*words, "--help")


def test_the_version_says_all_parts_when_it_is_asked() -> None:
    assert "SQLite" not in done("--version")
    said = subprocess.run(
        [sys.executable, "-m", "rtcore", "--version", "-v"], capture_output=True, text=True, check=True
    )
    assert f"SQLite {SQLITE} (built in)" in said.stdout
    assert tuple(map(int, SQLITE.split("."))) >= (3, 51, 3), "older ones lose a journal that was reset"
