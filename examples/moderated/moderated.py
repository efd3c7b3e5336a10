"""A chat with login and moderation: people log in, speak in rooms, and moderators keep the peace.

    rtcore serve moderated:app --mount moderated:site    # then http://127.0.0.1:8000, as ann/tea or bob/milk

A login gives a signed token, and the token is the session's. Who is muted may listen and not speak; who is
removed hears why, and may not come back into that room. Ann moderates.
"""

import os
import secrets
import time
from pathlib import Path
from typing import Annotated

import jwt
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import rtcore

SECRET = os.environ.get("CHAT_SECRET") or secrets.token_hex(32)
PASSWORDS = {"ann": "tea", "bob": "milk", "eve": "cake"}  # yours are hashed, and in a database
MODERATORS = {"ann"}

app = rtcore.App()
app.rooms("chat:*", history=200)
app.authenticate(rtcore.JWT(SECRET, ["HS256"]))
muted: dict[str, float] = {}  # user: until when
removed: set[tuple[str, str]] = set()  # room and user


class Message(msgspec.Struct):
    """What somebody says in a room."""

    room: str
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Measure(msgspec.Struct):
    """What a moderator does about somebody."""

    room: str
    user: str
    reason: str = ""
    seconds: float = 600


def moderator(session: rtcore.Session) -> str:
    """A dependency: the moderator who asks."""
    if session.user not in MODERATORS:
        raise rtcore.Refuse("FORBIDDEN", "only moderators do that")
    return session.user


Moderator = Annotated[str, rtcore.Depends(moderator)]


@app.authorize("chat:*")
def enter(session: rtcore.Session, join: rtcore.Join) -> rtcore.Access:
    """Everybody may listen but those who were removed."""
    if (join.room, session.user or "") in removed:
        raise rtcore.Refuse("REMOVED", "a moderator has removed you from this room")
    return rtcore.Access(grants=["presence", "history"], info={"moderator": session.user in MODERATORS})


@app.on("say")
async def say(session: rtcore.Session, message: Message) -> str:
    """Speak in a room that one is in; the ack is the message's position, by which it can be taken back."""
    if message.room not in session.rooms:
        raise rtcore.Refuse("FORBIDDEN", "join the room before you speak in it")
    if (left := muted.get(session.user or "", 0) - time.time()) > 0:
        raise rtcore.Refuse("MUTED", f"you may speak again in {left:.0f} s", details={"seconds": round(left)})
    # In its name, though members may not publish by themselves: what may be said was decided above.
    entry = await app.room(message.room).publish("said", {"text": message.text}, sender=session, rights=False)
    return str(entry.position)


@app.on("mute")
async def mute(session: rtcore.Session, measure: Measure, by: Moderator) -> None:
    """For a time, in every room."""
    muted[measure.user] = time.time() + measure.seconds
    await app.room(measure.room).publish(
        "muted", {"user": measure.user, "by": by, "seconds": measure.seconds}
    )


@app.on("remove")
async def remove(session: rtcore.Session, measure: Measure, by: Moderator) -> int:
    """From one room, with all of the user's sessions; the ack says how many they were."""
    removed.add((measure.room, measure.user))
    theirs = [one for one in app.sessions if one.user == measure.user and measure.room in one.rooms]
    for one in theirs:
        app.room(measure.room).remove(one, measure.reason)
    await app.room(measure.room).publish(
        "removed", {"user": measure.user, "by": by, "reason": measure.reason}
    )
    return len(theirs)


async def login(request: Request) -> JSONResponse:
    """A token for a name and a password, for eight hours."""
    form = msgspec.json.decode(await request.body(), type=dict[str, str])
    name, password = form.get("name", ""), form.get("password", "")
    if (
        not secrets.compare_digest(PASSWORDS.get(name, "").encode(), password.encode())
        or name not in PASSWORDS
    ):
        return JSONResponse({"message": "no such name and password"}, status_code=401)
    claims = {"sub": name, "exp": int(time.time()) + 8 * 3600}
    return JSONResponse({"token": jwt.encode(claims, SECRET, algorithm="HS256")})


site = Starlette(
    routes=[
        Route("/login", login, methods=["POST"]),
        Mount("/", StaticFiles(directory=Path(__file__).parent / "page", html=True)),
    ]
)
