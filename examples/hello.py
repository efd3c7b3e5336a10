"""The smallest application: one event that is answered, one room in which everybody may speak.

rtcore serve hello:app

> {"type":"hello"}
> {"type":"emit","id":1,"event":"hello","data":"Ada"}
< {"type":"ack","id":1,"data":"hello, Ada"}
> {"type":"join","id":2,"room":"tea"}
> {"type":"publish","id":3,"room":"tea","event":"say","data":"milk?"}
"""

import rtcore

app = rtcore.App()
app.rooms("tea", relay=True)


@app.on("hello")
def hello(session: rtcore.Session, name: str) -> str:
    return f"hello, {name}"


if __name__ == "__main__":
    rtcore.run(app)
