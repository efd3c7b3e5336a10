"""A live dashboard of fifty rooms: machines that report, and pages that watch those they care about.

    rtcore serve fifty:app --mount fifty:site       # then http://127.0.0.1:8000

Each machine is a room in which only its newest figures count: a page on a slow line skips what is old and
never falls behind. A page is in the rooms that it shows, and no other costs it a byte.
"""

import math
from pathlib import Path

import msgspec
import trio
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

import rtcore

MACHINES = [f"m{n:02}" for n in range(50)]

app = rtcore.App()
app.rooms("machine:*", policy="latest", key="figure", history=200)
last: dict[str, dict[str, float]] = {name: {} for name in MACHINES}


class Order(msgspec.Struct):
    """What an operator asks of a machine."""

    machine: str
    action: str


@app.state("machine:*")
def now(room: rtcore.Room) -> dict[str, float]:
    """What who joins sees at once: each figure as it stands."""
    return last.get(room.name.removeprefix("machine:"), {})


@app.background
async def machines(app: rtcore.App) -> None:
    """Ten reports a second of each machine, which elsewhere come in over the publish API."""
    for step in range(1_000_000):
        for number, name in enumerate(MACHINES):
            load = 50 + 40 * math.sin(step / 30 + number) + 5 * math.sin(step * (number + 7))
            last[name] = {"load": round(load, 1), "errors": float(load > 95)}
            room = app.room(f"machine:{name}")
            for figure, value in last[name].items():
                room.publish_nowait("report", {"figure": figure, "value": value})
        await trio.sleep(0.1)


@app.on("machines")
def listed(session: rtcore.Session) -> list[str]:
    """Which there are."""
    return MACHINES


@app.on("order")
async def order(session: rtcore.Session, order: Order) -> str:
    """Told to everybody who watches this machine."""
    if order.machine not in last:
        raise rtcore.Refuse("NO_MACHINE", f"there is no machine {order.machine}")
    entry = await app.room(f"machine:{order.machine}").publish(
        "ordered", {"figure": "order", "value": order.action}
    )
    return str(entry.position)


site = Starlette(routes=[Mount("/", StaticFiles(directory=Path(__file__).parent / "page", html=True))])
