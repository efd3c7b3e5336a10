"""What is served from a slow disk: `python -m tests.diagnose.kept PORT FOLDER KEY`.

Not by the command line: that refuses the variables by which the disk is told what to do.
"""

import sys
from functools import partial

import trio

import rtcore

app = rtcore.App()
app.rooms("kept", relay=True, durable=True)
app.rooms("tea*", relay=True)


@app.on("say")
def say(_: rtcore.Session, data: int) -> int:
    """Give it back."""
    return data


if __name__ == "__main__":
    port, data, key = sys.argv[1:]
    trio.run(partial(rtcore.serve, app, port=int(port), data=data, api_keys=key))
