"""Targets, one for the settings of a module, and the table of what was measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from tests.wire.client import Client

from .pair import ROOT
from .target import MIB, REPORTS, Target

HEAD = ("attack", "what it was", "calm p99", "attacked p99", "memory")


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The attacked server, with the `LIMITS` of the module."""
    server = Target(**getattr(request.module, "LIMITS", {}))
    yield server
    server.stop()


class Dial(Protocol):
    """Opens a WebSocket that is cut after the test."""

    def __call__(self, address: tuple[str, int], **options: Any) -> Client: ...


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Open WebSockets that are cut after the test, whatever became of it."""
    clients: list[Client] = []

    def open_one(address: tuple[str, int], **options: Any) -> Client:
        clients.append(Client(address, **options))
        return clients[-1]

    yield open_one
    for client in clients:
        client.drop()


def rows() -> list[tuple[str, ...]]:
    """The table: a row for each attack."""
    found = []
    for report in REPORTS:
        calm, attacked = (
            "" if figures is None else f"{figures.p99:.2f} ms" for figures in (report.calm, report.attacked)
        )
        found.append((report.name, report.figure, calm, attacked, f"{report.grown / MIB:+.1f} MiB"))
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the attacks did, and keep it."""
    if not REPORTS:
        return
    table = [HEAD, *rows()]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEAD))]
    terminalreporter.section("attacks")
    for row in table:
        terminalreporter.write_line(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        )
    file = ROOT / "target" / "hardening.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps([report.as_dict() for report in REPORTS], indent=1) + "\n")
