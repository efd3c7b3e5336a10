"""What is registered wrongly is told by the commands with its file, its line, and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from rtcore.cli import main

BEFORE = "import rtcore\n\napp = rtcore.App()\n\n\n"


@pytest.mark.parametrize(
    ("lines", "at", "says"),
    [
        (
            "@app.on\ndef say(session): ...\n",
            6,
            '`@app.on` stands without parentheses above say: write `@app.on("event")`',
        ),
        (
            '@app.on("a")\ndef a(data: dict, session: rtcore.Session): ...\n',
            6,
            "has its parameters the other way",
        ),
        (
            '@app.on("a")\ndef a(session, data: "Nope"): ...\n',
            6,
            "the type 'Nope' of 'data' of a cannot be found",
        ),
        ("@app.background\ndef b(app): ...\n", 6, "a background task is a coroutine function"),
        ('app.rooms("q", policy="latests")\n', 6, "one of skip, latest, disconnect, block; not 'latests'"),
        (
            "r = rtcore.Router()\napp.include(r)\napp.include(r)\n",
            8,
            "make a second router for a second place",
        ),
        ('app.rooms("q", polcy="latest")\n', 6, "`app.rooms` has no option 'polcy'; did you mean 'policy'?"),
        ('@app.on("a", durble=True)\ndef a(session): ...\n', 6, "did you mean 'durable'?"),
        (
            'r = rtcore.Router(prefx="a:")\n',
            6,
            "`rtcore.Router` has no option 'prefx'; did you mean 'prefix'?",
        ),
        ("app.include(rtcore.App())\n", 6, "`include` is given an rtcore.Router"),
        (
            '@app.on("a")\ndef a(session): ...\n\n\n@app.on("a")\ndef b(session): ...\n',
            10,
            "there is a handler of 'a' already",
        ),
    ],
)
def test_the_command_names_file_and_line(
    lines: str, at: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"wrong_{abs(hash(lines))}"
    (tmp_path / f"{name}.py").write_text(BEFORE + lines)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["routes", f"{name}:app"])
    assert done.exit_code == 2
    assert f"{name}.py:{at}: " in done.output
    assert says in done.output.replace("\n", " ")
