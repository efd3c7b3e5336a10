"""What all tests share: the profile of the property tests, and how a missing tool is answered."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import leaks

# Machines differ in speed, so no deadline; the same examples each time: what fails, fails for all.
hypothesis.settings.register_profile("rtcore", deadline=None, derandomize=True)
# `HYPOTHESIS_PROFILE=search` looks further than a run of all tests has time for.
hypothesis.settings.register_profile("search", deadline=None, max_examples=5_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "rtcore"))


# Suites whose tests leave nothing behind.
WATCHED = {"api", "asgi", "client", "contract", "engine", "hardening", "server", "tokens", "wire"}


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that leaves a thread or a descriptor behind fails by its name."""
    if Path(request.path).parent.name not in WATCHED:
        yield
        return
    before = leaks.held()
    yield
    found = leaks.nothing_left(before)
    assert not found, f"{request.node.name} left behind: {', '.join(found)}"


@pytest.fixture(scope="session")
def needs():
    """`needs("node")`: the tool's path. Without it the test is skipped, but not with CI=true."""

    def find(*names: str) -> str:
        for name in names:
            if path := shutil.which(name):
                return path
        text = f"not here: {' or '.join(names)}"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{text}; CI=true skips nothing")
        pytest.skip(text)

    return find
