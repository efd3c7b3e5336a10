"""A FastAPI application with live parts: an answer that streams, a route that notifies, a worker elsewhere.

    RTCORE_API_KEYS=a-key-of-32-characters-or-longer hypercorn -k trio answers:site
    RTCORE_API_KEYS=a-key-of-32-characters-or-longer python worker.py          # in another terminal

A page hears what is said to its user: that a report is ready, which the worker says, a process of its own
with plain HTTP; and that somebody has written, which an ordinary `def` route says in FastAPI's thread.
"""

import itertools
import os
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
import trio
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

import rtcore

app = rtcore.App()
jobs: dict[int, dict[str, str]] = {}  # yours are in a database or a queue
_numbers = itertools.count(1)


@app.authenticate
def who(hello: rtcore.Hello) -> rtcore.User | None:
    """The token is the user's name: yours is signed."""
    return rtcore.User(hello.token) if hello.token else None


class Question(msgspec.Struct):
    """What a user wants to know."""

    text: str


async def model(text: str) -> AsyncIterator[str]:
    """Stands for a client of a language model; those of `openai` and `anthropic` run on Trio as they are."""
    for word in f"I do not know about {text}.".split():
        await trio.sleep(0.02)
        yield word + " "


@app.stream("answer")
async def answer(session: rtcore.Session, question: Question) -> AsyncIterator[str]:
    """Word by word, as fast as the page reads; the model stops when the page goes."""
    async for word in model(question.text):
        yield word


live = rtcore.asgi(app, api_keys=os.environ["RTCORE_API_KEYS"])
site = FastAPI(lifespan=live.lifespan)


class Note(BaseModel):
    """What one user writes to another."""

    to: str
    text: str


@site.post("/notes", status_code=201)
def write(note: Note, x_user: Annotated[str, Header()]) -> dict[str, bool]:
    """A plain function: FastAPI calls it in a thread, and it may say things all the same."""
    app.user(note.to).publish_nowait("note", {"from": x_user, "text": note.text})
    return {"said": True}


@site.post("/reports", status_code=202)
async def order(topic: str, x_user: Annotated[str, Header()]) -> dict[str, int]:
    """The worker does it when it comes to it."""
    number = next(_numbers)
    jobs[number] = {"user": x_user, "topic": topic}
    return {"number": number}


@site.post("/jobs/next")
async def take() -> dict[str, int | str]:
    """For the worker: what is to be done next."""
    if not jobs:
        raise HTTPException(404, "nothing to do")
    number = min(jobs)
    return {"number": number, **jobs.pop(number)}


site.mount("/live", live)
