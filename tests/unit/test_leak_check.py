"""What looks for leaks finds them."""

from __future__ import annotations

import os
import threading

from tests import leaks


def test_a_descriptor_and_a_thread_are_found_and_their_end_is_seen() -> None:
    before = leaks.held()
    reading, writing = os.pipe()
    over = threading.Event()
    thread = threading.Thread(target=over.wait, name="left over")
    thread.start()
    try:
        found = leaks.left(before)
        assert "thread left over" in found
        if leaks.held().descriptors:  # where the system tells
            assert sum(one.startswith("descriptor") for one in found) == 2
    finally:
        over.set()
        thread.join()
        os.close(reading)
        os.close(writing)
    assert leaks.nothing_left(before) == []


def test_what_is_shared_is_no_leak() -> None:
    before = leaks.held()
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    leaks.shared_threads.add(thread)
    try:
        assert leaks.left(before) == []
    finally:
        leaks.shared_threads.discard(thread)
        over.set()
        thread.join()
