"""An ASGI application and rtcore on one port; the pages can speak to whoever is connected.

rtcore serve beside_starlette:app --mount beside_starlette:site
curl -X POST -d 'the kettle is on' http://127.0.0.1:8000/news
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import rtcore

app = rtcore.App()
app.rooms("news", history=100)


async def news(request: Request) -> Response:
    text = (await request.body()).decode()
    entry = await app.room("news").publish("news", text)
    return JSONResponse({"position": str(entry.position)}, status_code=201)


site = Starlette(routes=[Route("/news", news, methods=["POST"])])
