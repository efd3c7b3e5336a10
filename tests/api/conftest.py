"""A server with one API key, on a port of its own, ended with the test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.server.conftest import serving

from .app import build
from .http import KEY, Api


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(build(), api_keys=[KEY]) as server:
        yield Api(server.port)
