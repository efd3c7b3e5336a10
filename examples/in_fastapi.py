"""rtcore inside a FastAPI application: one site, one server, and what happens on the site is heard by who is
connected.

hypercorn -k trio in_fastapi:site
curl -X POST 'http://127.0.0.1:8000/orders?what=tea'        # clients are at ws://127.0.0.1:8000/live/rt/ws
"""

from fastapi import FastAPI

import rtcore

app = rtcore.App()
app.rooms("orders", history=100)


@app.on("hello")
def hello(session: rtcore.Session, name: str) -> str:
    return f"hello, {name}"


live = rtcore.asgi(app)
site = FastAPI(lifespan=live.lifespan)  # the lifespan is what starts rtcore: a mount alone does not


@site.post("/orders", status_code=201)
async def order(what: str) -> dict:
    entry = await app.room("orders").publish("ordered", {"what": what})
    return {"position": str(entry.position)}


@site.get("/here")
async def here() -> dict:
    return {"sessions": len(app.sessions)}


site.mount("/live", live)
