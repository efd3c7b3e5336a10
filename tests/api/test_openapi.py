"""The description is true: schemathesis makes requests of it, and holds every answer against it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.server.conftest import serving

from .app import build
from .http import KEY, Api

# Bounded, and the same each time.
OPTIONS = [
    "--max-examples=10",
    "--generation-deterministic",
    "--phases=coverage,fuzzing",
    "--continue-on-failure",
    "--no-color",
    "--warnings=off",
    "--output-sanitize=false",
]
ALL = ["publish", "send", "history", "presence", "disconnect"]


async def run_schemathesis(port: int, folder: Path, *options: str) -> None:
    url = f"http://127.0.0.1:{port}/rt/api/openapi.json"
    command = [sys.executable, "-m", "schemathesis.cli", "run", url, "-H", f"Authorization: Bearer {KEY}"]
    done = await trio.run_process(
        [*command, *OPTIONS, *options],
        cwd=folder,
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
    )
    text = done.stdout.decode()
    assert done.returncode == 0, text
    assert "generated" in text


@pytest.mark.parametrize("name", [*ALL, "batch"])
async def test_answers_are_as_described(name: str, tmp_path: Path) -> None:
    app = build()
    app.rooms("*")  # what is published is said: the tests of `NOT_FOUND` are elsewhere
    options = [f"--include-path=/rt/api/{name}"]
    if name == "batch":  # an element that is wrong is answered in its place, and the batch is 200
        options.append("--exclude-checks=negative_data_rejection")
    async with serving(app, patience=110, api_keys=[KEY]) as server:
        await run_schemathesis(server.port, tmp_path, *options)


async def test_the_description_needs_no_key(api: Api) -> None:
    answer = await Api(api.port, None).request("/rt/api/openapi.json", method="GET")
    assert answer.status == 200
    assert answer.body["openapi"] == "3.1.0"
    assert set(answer.body["paths"]) == {f"/rt/api/{name}" for name in (*ALL, "batch")}
    assert answer.head["cache-control"] == "no-store"
    head = await Api(api.port, None).request("/rt/api/openapi.json", method="HEAD")
    assert (head.status, head.body) == (200, None)
    assert (await api.request("/rt/api/openapi.json", b"{}")).status == 405


async def test_requests_are_described_by_the_types_that_read_them(api: Api) -> None:
    description = (await api.request("/rt/api/openapi.json", method="GET")).body
    publish = description["components"]["schemas"]["Publish"]
    assert publish["required"] == ["room", "event"]
    assert set(publish["properties"]) == {"room", "event", "data", "key", "volatile", "exclude", "trace"}
    assert description["paths"]["/rt/api/publish"]["post"]["requestBody"]["content"]["application/json"] == {
        "schema": {"$ref": "#/components/schemas/Publish"}
    }
