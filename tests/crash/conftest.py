"""A bad disk, and a place on it with a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from .disk import Disk
from .place import Nest
from .yard import Yard


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    (tmp_path / "disk").mkdir()
    disk = Disk(tmp_path / "disk")
    yield disk
    disk.close()


@pytest.fixture
async def yard(tmp_path: Path, disk: Disk) -> AsyncIterator[Yard]:
    """With a server."""
    (tmp_path / "run").mkdir()
    nest = Nest(disk.preload)
    yard = Yard(tmp_path / "run", nest, disk)
    try:
        await yard.start()
        yield yard
    finally:
        yard.kill()
        for peer in yard.peers:
            peer.close()
        nest.close()
