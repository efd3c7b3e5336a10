"""The words of a model stream to the page as fast as it reads, and the model is stopped when the page goes.

    rtcore serve tokens:app

The model here knows one sentence. What matters is the shape: it is asked for its next word only while the
page has given credit for it, and `finally` runs however it ends: at the last word, when the page says
`cancel`, when its session ends, when the server stops.
"""

from collections.abc import AsyncIterator

import msgspec
import trio

import rtcore

app = rtcore.App()
working: list[str] = []  # the sessions that the model works for


class Question(msgspec.Struct):
    text: str
    words: int = 100


async def model(question: Question) -> AsyncIterator[str]:
    """As slow as thinking is."""
    said = f"You asked {question.text!r}, and I can only say that I do not know. ".split(" ")
    for n in range(question.words):
        await trio.sleep(0.02)
        yield said[n % len(said)] + " "


@app.stream("answer")
async def answer(session: rtcore.Session, question: Question) -> AsyncIterator[str]:
    working.append(session.id)
    words = model(question)
    try:
        async for word in words:
            yield word
    finally:
        working.remove(session.id)  # whatever happened: the model is free for the next one
        await words.aclose()


@app.stream("dictate")
async def dictate(session: rtcore.Session, items: rtcore.Items[str]) -> dict[str, int]:
    """The other way: the page streams words up, and hears at the end how many there were."""
    count = 0
    async for words in items:
        count += len(words.split())
    return {"words": count}


@app.on("working")
def how_many(session: rtcore.Session) -> int:
    return len(working)
