"""For testing an application: a server in memory, on Trio's clock, and a client that knows only the wire.

    async def test_everybody_hears(autojump_clock: trio.testing.MockClock) -> None:
        async with memory_server(app) as server:
            ada, bob = await server.welcomed(), await server.welcomed()
            ...

Time is Trio's: with a mock clock that jumps, two minutes of silence are tested in a millisecond.
"""

from .client import WireClient, connect_tcp
from .frames import Closed, HandshakeRefused
from .http import Answer
from .laws import check_done, check_heard
from .lines import FAIR, Weather
from .network import Network, network_in_a_box
from .server import MemoryServer, memory_server

__all__ = [
    "FAIR",
    "Answer",
    "Closed",
    "HandshakeRefused",
    "MemoryServer",
    "Network",
    "Weather",
    "WireClient",
    "check_done",
    "check_heard",
    "connect_tcp",
    "memory_server",
    "network_in_a_box",
]
