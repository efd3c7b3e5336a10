"""A FastAPI application beside rtcore, on one port. Clients are served by the native core; this is the
faster way.

rtcore serve beside_fastapi:app --mount beside_fastapi:site
curl -X POST 'http://127.0.0.1:8000/orders?what=tea'        # clients are at ws://127.0.0.1:8000/rt/ws
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket

import rtcore

app = rtcore.App()
app.rooms("orders", history=100)


@asynccontextmanager
async def lifespan(_site: FastAPI) -> AsyncIterator[None]:
    yield  # its own beginning and end, run by rtcore


site = FastAPI(lifespan=lifespan)


@site.post("/orders", status_code=201)
async def order(what: str) -> dict:
    entry = await app.room("orders").publish("ordered", {"what": what})
    return {"position": str(entry.position)}


@site.post("/recalled", status_code=204)
def recalled(what: str) -> None:  # FastAPI runs it in a thread: what is plain may be called there
    app.room("orders").publish_nowait("recalled", {"what": what})


@site.websocket("/whisper")  # a WebSocket of FastAPI's, through the side door
async def whisper(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f"you said {await websocket.receive_text()}")
    await websocket.close()
