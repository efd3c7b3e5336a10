"""What a newcomer writes wrongly, told by `rtcore routes` with its file, its line, and what to write instead.

The rows are in `wrong_uses.txt`: a name, the lines of a module behind its usual beginning, `# HERE` at the
line that must be named, and the words that must be said. A row without words is right, and is taken. What was
taken once, to do nothing or to fail at each peer, is a row there.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from click.testing import CliRunner

from rtcore.cli import main

BEFORE: Final = "import msgspec\nfrom typing import *\nimport rtcore\napp = rtcore.App()\n"
POSTPONED: Final = "from __future__ import annotations\n"


class Row(NamedTuple):
    """One thing that somebody writes."""

    name: str
    module: str
    says: str


def read(text: str) -> Row:
    name, _, rest = text.partition("\n")
    lines, _, says = rest.rpartition("--- " if "--- " in rest else "---")
    postponed = POSTPONED if "FUTURE" in name else ""
    return Row(name, postponed + BEFORE + lines, says.strip())


ROWS: Final = [
    read(text)
    for text in Path(__file__).with_name("wrong_uses.txt").read_text().removeprefix("=== ").split("\n=== ")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_is_told_where_it_is_written(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wrong.py").write_text(row.module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "wrong", raising=False)
    importlib.invalidate_caches()
    done = CliRunner().invoke(main, ["routes", "wrong:app"])
    monkeypatch.delitem(sys.modules, "wrong", raising=False)
    if not row.says:
        assert done.exit_code == 0, done.output
        return
    assert done.exit_code == 2, done.output
    here = {n for n, line in enumerate(row.module.splitlines(), 1) if line.endswith("# HERE")}
    told = done.output.splitlines()[-1]
    assert any(told.startswith(f"Error: wrong.py:{n}: ") for n in here), told
    assert row.says in told
