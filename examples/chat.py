"""A chat with users, rooms that not everybody may enter, and messages that are checked before they are said.

    rtcore serve chat:app

A token here is simply a name; a real one is looked up, or its signature is checked.
"""

import msgspec
import trio

import rtcore

app = rtcore.App()
topics: dict[str, str] = {}


class Message(msgspec.Struct):
    room: str
    text: str


@app.authenticate
async def who(hello: rtcore.Hello) -> rtcore.User | None:
    if hello.token is None:
        return rtcore.ANONYMOUS
    return rtcore.User(hello.token) if hello.token.isalpha() else None  # None refuses: close code 4501


@app.authorize("room:*")
def enter(session: rtcore.Session, join: rtcore.Join) -> rtcore.Access | bool:
    if join.room == "room:staff" and session.user != "ada":
        return False
    return rtcore.Access(grants=["presence", "history"], info={"name": session.user})


@app.state("room:*")
def topic(room: rtcore.Room) -> dict[str, str | None]:
    """What a client is told with its join; what comes later, it hears as events."""
    return {"topic": topics.get(room.name)}


@app.on("chat:message")
async def chat(session: rtcore.Session, message: Message) -> dict[str, str]:
    if message.room not in session.rooms:  # the name is the client's
        raise rtcore.Refuse("FORBIDDEN", "join the room before you speak in it")
    if not message.text.strip():
        raise rtcore.Refuse("EMPTY", "a message says something")
    entry = await app.room(message.room).publish("chat:message", message, exclude=session)
    return {"id": str(entry.position)}  # becomes the ack


@app.background
async def clock(app: rtcore.App) -> None:
    """Once a minute, to everybody."""
    while True:
        await trio.sleep(60)
        await app.all.publish("minute")


app.rooms("room:*", history=1000, age=7 * 24 * 3600.0)
