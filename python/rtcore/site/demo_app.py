"""The application behind the demonstration page: a chat in rooms, and nothing else.

Everything that is said goes through relay rooms, so the core does all of it; this code runs once for each
join, to note the name that a window shows itself under.
"""

from __future__ import annotations

import rtcore

app = rtcore.App()

# What a page may choose to be called; longer names are cut.
LONGEST_NAME = 40


@app.authorize("chat:*")
def enter(session: rtcore.Session, join: rtcore.Join) -> rtcore.Access:
    """Everybody may come in, under the name that they give; who comes back keeps the name."""
    given = join.data.get("name") if isinstance(join.data, dict) else None
    if isinstance(given, str):
        session.state.name = " ".join(given.split())[:LONGEST_NAME]
    return rtcore.Access(
        grants=["publish", "presence", "history"],
        info={"name": getattr(session.state, "name", "") or "somebody"},
    )


app.rooms("chat:*", relay=True, history=500, age=24 * 3600.0)
