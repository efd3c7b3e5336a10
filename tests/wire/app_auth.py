"""The same application, asking who comes.

Tokens: `NAME` is that user; `NAME/MS` is that user for so many milliseconds; `anonymous` is nobody in
particular, and welcome; `broken` makes the check fail; `slow` keeps it busy for ever; no token, or one that
begins with `bad`, is refused.
"""

from __future__ import annotations

import time

import app as plain
import trio

import rtcore

app = plain.app


@app.authenticate
async def who(hello: rtcore.Hello) -> rtcore.User | None:
    """Read the token."""
    token = hello.token
    if token is None or token.startswith("bad"):
        return None
    if token == "broken":
        raise RuntimeError("the user database is away, on purpose")
    if token == "slow":
        await trio.sleep_forever()
    if token == "anonymous":
        return rtcore.ANONYMOUS
    name, _, left = token.partition("/")
    return rtcore.User(name, expires=time.time() + int(left) / 1000 if left else None)
