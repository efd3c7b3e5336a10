"""`rtcore new` and `rtcore routes`: what they make runs, and what they show stands there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from rtcore.cli import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def _run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_is_made_is_tested_typed_and_linted(here: Path) -> None:
    made = CliRunner().invoke(main, ["new", "shop"])
    assert made.exit_code == 0, made.output
    shop = here / "shop"
    assert {path.name for path in shop.iterdir()} == {
        "shop.py", "page", "tests", "pyproject.toml", "Containerfile", "README.md",
    }  # fmt: skip
    for path in shop.rglob("*"):
        assert "NAME" not in path.name
        if path.is_file():
            assert "NAME" not in path.read_text().replace("FILE_NAME", "")
    assert "2 passed" in _run(shop, "pytest", "-q", "-p", "no:cacheprovider")
    _run(shop, "ruff", "check", "--no-cache", ".")
    _run(shop, "mypy", "--cache-dir", os.devnull, "shop.py")


def test_its_routes_are_shown_with_their_places(here: Path) -> None:
    CliRunner().invoke(main, ["new", "shop_two", "--in", "."])
    shown = CliRunner().invoke(main, ["routes", "shop_two:app"])
    assert shown.exit_code == 0, shown.output
    said = (here / "shop_two.py").read_text().splitlines()
    line = said.index('@app.on("say")') + 1
    row = next(row for row in shown.output.splitlines() if row.startswith("event"))
    assert row.split() == ["event", "say", "Message", "->", "str", f"shop_two.py:{line}"]
    found = json.loads(CliRunner().invoke(main, ["routes", "shop_two:app", "--json"]).output)
    kinds = {(one["kind"], one["name"], one["takes"], one["gives"]) for one in found}
    assert ("event", "say", "Message", "str") in kinds
    assert any(kind == "rooms" and name == "tea" for kind, name, *_ in kinds)


def test_nothing_is_written_over(here: Path) -> None:
    (here / "shop").mkdir()
    (here / "shop" / "shop.py").write_text("mine")
    refused = CliRunner().invoke(main, ["new", "shop"])
    assert refused.exit_code == 2
    assert "is not written over" in refused.output
    assert (here / "shop" / "shop.py").read_text() == "mine"
    assert not (here / "shop" / "README.md").exists()


@pytest.mark.parametrize("name", ["my-shop", "class", "Shop", "1shop", "../shop", ""])
def test_a_name_that_is_no_module(here: Path, name: str) -> None:
    refused = CliRunner().invoke(main, ["new", "--", name])
    assert refused.exit_code == 2
    assert list(here.iterdir()) == []


def test_a_folder_that_cannot_be_written(here: Path) -> None:
    (here / "file").write_text("")
    refused = CliRunner().invoke(main, ["new", "shop", "--in", "file/shop"])
    assert refused.exit_code == 1
    assert "cannot be written" in refused.output


def test_an_application_without_anything(here: Path) -> None:
    (here / "bare.py").write_text("import rtcore\napp = rtcore.App()\n")
    shown = CliRunner().invoke(main, ["routes", "bare:app"])
    assert shown.output == "nothing is registered: no events, no rooms, no streams, no raw paths\n"
