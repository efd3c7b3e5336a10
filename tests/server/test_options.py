"""A wrong option, wherever it may be written: the answer names it, what was found, what may be, what to do.

One row for each place and each kind of mistake. What else can be wrong in files, variables and flags has
its rows in `tests/unit/test_mistakes.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

import rtcore
from rtcore.cli import main
from rtcore.testing import memory_server

KEY = "a-key-that-is-long-enough"


class Row(NamedTuple):
    """Where it is written, what, and the words that must be in the answer."""

    where: str
    what: Any
    says: tuple[str, ...]


ROWS = [
    # misspelt: the word, and the one that was meant
    Row("file", "prot = 1", ("rtcore.toml", "'prot'", "did you mean 'port'?")),
    Row("file", "[limit]\nacks = 1", ("rtcore.toml", "'limit'", "did you mean 'limits'?")),
    Row("file", "[limits]\nacs = 1", ("rtcore.toml", "'acs'", "did you mean 'acks'?")),
    Row("environment", ("RTCORE_PROT", "1"), ("RTCORE_PROT", "did you mean 'RTCORE_PORT'?")),
    Row("flag", ["--prot", "1"], ("--prot", "--port")),
    Row("flag", ["--limit", "acs=1"], ("'acs'", "did you mean 'acks'?")),
    Row("query", "/rt/sse?rom=tea", ("INVALID_MESSAGE", '"rom"', "room")),
    Row("query", "/rt/stream/count?fromat=plain", ("INVALID_MESSAGE", '"fromat"', "format")),
    Row("query", "/rt/api/rooms?fnd=tea", ("INVALID_MESSAGE", "'fnd'", "did you mean 'find'?")),
    Row("query", "/rt/api/stats?window=10s", ("INVALID_MESSAGE", "'window'", "there is none")),
    Row("query", "/rt/api/trace?evnt=say", ("INVALID_MESSAGE", "'evnt'", "did you mean 'event'?")),
    Row("query", "/rt/api/rooms?find=a&find=b", ("INVALID_MESSAGE", "`find`", "twice")),
    Row("query", "/rt/api/room", ("INVALID_MESSAGE", "`name`")),
    Row("query", "/rt/api/trace?times=3", ("INVALID_MESSAGE", "`times`", "`event`")),
    # out of its bounds: what was found, and the bounds
    Row("file", "port = 70000", ("rtcore.toml", "70000", "65535")),
    Row("environment", ("RTCORE_PORT", "70000"), ("RTCORE_PORT", "70000", "65535")),
    Row("flag", ["--port", "70000"], ("--port", "70000", "65535")),
    Row("query", "/rt/sse?room=tea&away=99999999", ("INVALID_MESSAGE", "away")),
    Row("query", "/rt/api/trace?event=say&wait=00000000199", ("INVALID_MESSAGE", "00000000199", "50")),
    Row("query", f"/rt/api/profile?seconds={'1' * 5000}", ("INVALID_MESSAGE", "111", "60")),
    Row("query", "/rt/api/profile?seconds=9999", ("INVALID_MESSAGE", "9999", "60")),
    Row(
        "body", ("history", {"room": "tea", "limit": 5000}),
        ("INVALID_MESSAGE", "$.limit", "<= 1000", "it is 5000"),
    ),
    Row(
        "body", ("publish", {"room": "", "event": "say"}),
        ("INVALID_MESSAGE", "$.room", "length >= 1", "it has 0"),
    ),
    # of another kind: what was found, and what is wanted
    Row("file", 'port = "many"', ("rtcore.toml", "'many'", "a whole number")),
    Row("environment", ("RTCORE_PORT", "many"), ("RTCORE_PORT", "'many'", "a whole number")),
    Row("flag", ["--port", "many"], ("--port", "'many'", "a whole number")),
    Row("query", "/rt/sse?room=tea&last=many", ("INVALID_MESSAGE", '"many"', "whole number")),
    Row("query", "/rt/api/profile?seconds=many", ("INVALID_MESSAGE", "many", "number")),
    Row("body", ("publish", {"room": 5, "event": "say"}), ("INVALID_MESSAGE", "$.room", "`str`", "`int`")),
    Row("body", ("publish", b'{"room": '), ("INVALID_MESSAGE", "too early", "byte 9")),
]  # fmt: skip


def application() -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea", relay=True)

    @app.stream("count")
    async def count(session: rtcore.Session) -> Any:
        yield 1

    return app


def told_by_a_command(row: Row) -> str:
    """The one line with which a command ends."""
    flags, environment = ("config",), dict[str, str]()
    if row.where == "file":
        Path("rtcore.toml").write_text(row.what)
    elif row.where == "environment":
        environment = {row.what[0]: row.what[1]}
    else:
        flags = ("config", *row.what)
    done = CliRunner().invoke(main, flags, env=environment)
    assert done.exit_code == 2, done.output
    return done.output


async def told_by_a_server(row: Row) -> str:
    """The JSON of the answer, which is a 400."""
    headers: Mapping[str, str] = {"authorization": f"Bearer {KEY}"}
    async with memory_server(application(), api_keys=KEY) as server:
        if row.where == "query":
            method = "POST" if row.what.startswith("/rt/stream") else "GET"
            answer = await server.request(method, row.what, headers=headers)
        else:
            operation, said = row.what
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            answer = await server.request("POST", f"/rt/api/{operation}", headers=headers, body=body)
    assert answer.status == 400, answer.text
    assert answer.json()["code"] in row.says
    return answer.text.replace('\\"', '"')


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.where}-{row.what}"[:60])
async def test_a_wrong_option_is_told(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    said = (
        told_by_a_command(row)
        if row.where in {"file", "environment", "flag"}
        else await told_by_a_server(row)
    )
    assert all(word in said for word in row.says), said
